"""Indexes for the questions that the trail is asked: by actor, by address, by a kind of object, and a line's batch.

Each costs a few microseconds of an insert (docs/performance.md). The kind of object has none for credentials, which
nearly all lines are of and which are asked for by id.
"""

from django.db import migrations

MAKE = """
CREATE INDEX audit_auditevent_actor ON audit_auditevent (actor, id);
CREATE INDEX audit_auditevent_source ON audit_auditevent (source, id) WHERE source IS NOT NULL;
CREATE INDEX audit_auditevent_object_type ON audit_auditevent (object_type, id)
    WHERE object_type NOT IN ('', 'credential');
CREATE INDEX audit_auditseal_up_to ON audit_auditseal (up_to_id);
"""

UNDO = """
DROP INDEX audit_auditevent_actor;
DROP INDEX audit_auditevent_source;
DROP INDEX audit_auditevent_object_type;
DROP INDEX audit_auditseal_up_to;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_seals")]
    operations = [migrations.RunSQL(MAKE, UNDO)]
