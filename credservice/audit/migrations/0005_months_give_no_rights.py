"""A month's table gives nobody but its owner a right, whatever the owner's default privileges say.

Rows come and go through the trail's own table, whose rights are fewer: a line's time, say, is not for its writer to set.
"""

from django.db import migrations


def _function(declared: str = "", then: str = "") -> str:
    return f"""
CREATE OR REPLACE FUNCTION audit_make_partition(month date) RETURNS text LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := 'audit_auditevent_' || to_char(first, 'YYYY_MM');{declared}
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_auditevent FOR VALUES FROM (%L) TO (%L)',
            name, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()', name);{then}
    END IF;
    RETURN name;
END $$;
"""  # noqa: S608 - two texts of this file


OTHERS_LOSE_THEIRS = """
        FOR other IN SELECT DISTINCT grantee FROM pg_class, aclexplode(relacl)
            WHERE pg_class.oid = to_regclass(name) AND grantee <> relowner LOOP
            EXECUTE format('REVOKE ALL ON %I FROM %s', name,
                CASE other WHEN 0 THEN 'PUBLIC' ELSE other::regrole::text END);
        END LOOP;"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_indexes")]
    operations = [migrations.RunSQL(_function("\n    other oid;", OTHERS_LOSE_THEIRS), _function())]
