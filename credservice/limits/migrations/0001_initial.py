"""One row for each caller that has a limit. Unlogged: counts need no fsync, and a crash may forget them."""

from django.db import migrations

TABLE = """
CREATE UNLOGGED TABLE limits_window (
    key varchar(128) PRIMARY KEY,
    minute timestamptz NOT NULL,
    calls integer NOT NULL
);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(TABLE, "DROP TABLE limits_window")]
