"""The hash chain over the trail, as append-only as the trail.

``audit_drop_partition`` is retention's: with its owner's right, which nobody has by default, and of sealed lines only.
"""

from django.db import migrations, models

TABLE = """
CREATE TABLE audit_auditseal (
    number bigint PRIMARY KEY,
    kind varchar(16) NOT NULL,
    sealed_at timestamptz NOT NULL,
    after_id bigint NOT NULL,
    up_to_id bigint NOT NULL,
    up_to_at timestamptz NOT NULL,
    parts jsonb NOT NULL,
    previous bytea NOT NULL,
    head bytea NOT NULL,
    mac bytea NOT NULL,
    kid varchar(64) NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT audit_auditseal_kind CHECK (kind IN ('lines', 'retention'))
);
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE ON audit_auditseal
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_seal_no_truncate BEFORE TRUNCATE ON audit_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE FUNCTION audit_drop_partition(month date) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := 'audit_auditevent_' || to_char(month, 'YYYY_MM');
    last_line bigint;
    last_sealed bigint;
BEGIN
    EXECUTE format('SELECT max(id) FROM %I', name) INTO last_line;
    SELECT coalesce(max(up_to_id), 0) INTO last_sealed FROM audit_auditseal;
    IF last_line > last_sealed THEN
        RAISE EXCEPTION 'partition % holds lines that are not sealed', name USING ERRCODE = 'object_in_use';
    END IF;
    IF (month + interval '1 month')::timestamp AT TIME ZONE 'UTC' > now() THEN
        RAISE EXCEPTION 'the month of partition % is not over', name USING ERRCODE = 'object_in_use';
    END IF;
    EXECUTE format('DROP TABLE %I', name);
END $$;
REVOKE EXECUTE ON FUNCTION audit_drop_partition(date) FROM PUBLIC;
"""

UNDO = """
DROP FUNCTION audit_drop_partition(date);
DROP TABLE audit_auditseal;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_permissions_of_acts")]
    operations = [
        migrations.RunSQL(TABLE, UNDO),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(choices=[("lines", "Lines"), ("retention", "Retention")], max_length=16),
                ),
                ("sealed_at", models.DateTimeField()),
                (
                    "after_id",
                    models.BigIntegerField(help_text="The batch before ends here; 0 in the first one."),
                ),
                ("up_to_id", models.BigIntegerField(help_text="The last line of the batch.")),
                ("up_to_at", models.DateTimeField(help_text="The time of the last line.")),
                ("parts", models.JSONField(help_text="By month: how many lines, and their SHA-256.")),
                ("previous", models.BinaryField(max_length=32)),
                ("head", models.BinaryField(max_length=32)),
                ("mac", models.BinaryField(max_length=36)),
                ("kid", models.CharField(help_text="The signing key's thumbprint (RFC 7638).", max_length=64)),
                ("signature", models.BinaryField(max_length=64)),
            ],
            options={"managed": False, "ordering": ["number"], "verbose_name": "audit seal"},
        ),
    ]
