"""``manage.py list_tokens``: the service tokens that may call the vendor API."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Q
from django.utils import timezone

from credservice.core.last_used import NONE_YET
from credservice.vendor_api.models import ServiceToken


class Command(BaseCommand):
    help = "List the service tokens that work now: name, hint, last use, end and scopes. Times are in UTC."

    def handle(self, *args: Any, **options: Any) -> None:
        ended = Q(revoked_at__isnull=False) | Q(expires_at__lte=timezone.now())
        for token in ServiceToken.objects.exclude(ended):
            used = f"last used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else f"used: {NONE_YET}"
            end = f"ends {token.expires_at:%Y-%m-%d %H:%M}" if token.expires_at else "without an end"
            self.stdout.write("  ".join((token.name, token.hint, used, end, " ".join(token.scopes))))
