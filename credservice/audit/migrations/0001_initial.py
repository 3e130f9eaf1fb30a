"""The append-only trail, partitioned by month.

Rows are refused UPDATE and DELETE, and tables TRUNCATE, by triggers: even the service's own database role cannot rewrite
a line by an ordinary statement. Retention drops whole partitions (engineering notes, "Audit").
"""

from django.db import migrations, models

TABLE = """
CREATE SEQUENCE audit_auditevent_id_seq AS bigint;
CREATE TABLE audit_auditevent (
    id bigint NOT NULL DEFAULT nextval('audit_auditevent_id_seq'),
    at timestamptz NOT NULL DEFAULT now(),
    action varchar(64) NOT NULL,
    outcome varchar(16) NOT NULL,
    reason varchar(64) NOT NULL DEFAULT '',
    actor varchar(255) NOT NULL,
    object_type varchar(64) NOT NULL DEFAULT '',
    object_id varchar(255) NOT NULL DEFAULT '',
    subject varchar(255) NOT NULL DEFAULT '',
    source inet,
    request_id varchar(64) NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT audit_auditevent_outcome CHECK (outcome IN ('granted', 'done', 'refused', 'failed')),
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE audit_auditevent_id_seq OWNED BY audit_auditevent.id;
CREATE INDEX audit_auditevent_object ON audit_auditevent (object_id, id);
CREATE INDEX audit_auditevent_subject ON audit_auditevent (subject, id) WHERE subject <> '';
CREATE INDEX audit_auditevent_action ON audit_auditevent (action, id);
CREATE INDEX audit_auditevent_outcome ON audit_auditevent (outcome, id) WHERE outcome <> 'granted';
CREATE INDEX audit_auditevent_request ON audit_auditevent (request_id);
CREATE INDEX audit_auditevent_at ON audit_auditevent USING brin (at);

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- What no month's partition covers lands here, so that a forgotten partition never stops a hand-out.
CREATE TABLE audit_auditevent_rest PARTITION OF audit_auditevent DEFAULT;
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditevent_rest
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- By the owner's right, whoever calls it: the running service's role need not be able to make tables.
CREATE FUNCTION audit_make_partition(month date) RETURNS text LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := 'audit_auditevent_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF audit_auditevent FOR VALUES FROM (%L) TO (%L)',
            name, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()', name);
    END IF;
    RETURN name;
END $$;
"""

UNDO = """
DROP TABLE audit_auditevent;
DROP FUNCTION audit_make_partition(date);
DROP FUNCTION audit_refuse();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(TABLE, UNDO),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "action",
                    models.CharField(
                        help_text="What was done, such as exchange.credential or key.revealed.", max_length=64
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("granted", "Granted"),
                            ("done", "Done"),
                            ("refused", "Refused"),
                            ("failed", "Failed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="Why it was refused or failed.", max_length=64)),
                (
                    "actor",
                    models.CharField(help_text="platform:..., marketplace:..., user:..., command:...", max_length=255),
                ),
                ("object_type", models.CharField(blank=True, max_length=64)),
                ("object_id", models.CharField(blank=True, max_length=255)),
                (
                    "subject",
                    models.CharField(blank=True, help_text="Whose it is: end_user:... or resource:...", max_length=255),
                ),
                ("source", models.GenericIPAddressField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("detail", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name": "audit event",
                "db_table": "audit_auditevent",
                "ordering": ["-id"],
                "managed": False,
            },
        ),
    ]
