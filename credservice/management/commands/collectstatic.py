"""``manage.py collectstatic``: Django's, with files that every user may read, whatever umask it is run under."""

import os
from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic


class Command(collectstatic.Command):
    def handle(self, **options: Any) -> str | None:
        # Root collects, the service's user reads. Django's settings leave WhiteNoise's compressed files out.
        before = os.umask(0o022)
        try:
            return super().handle(**options)
        finally:
            os.umask(before)
