"""Signs marketplaces' users out of resources' pages: ``manage.py end_sessions``. See docs/security.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit.names import command_actor
from provisioning.models import Resource, ResourceSession
from provisioning.sso import sessions


class Command(BaseCommand):
    help = "End the sessions of marketplaces' users on the pages of resources, now: of one resource, or all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("resource", nargs="?", metavar="RESOURCE", help="the marketplace's resource id")
        which.add_argument("--all", action="store_true", help="of every resource")

    def handle(self, *, resource: str | None, **_: Any) -> None:
        found = ResourceSession.objects.select_related("resource__marketplace")
        if resource is not None:
            if not Resource.objects.filter(partner_id=resource).exists():
                raise CommandError(f"There is no resource {resource}.")
            found = found.filter(resource__partner_id=resource)
        by = command_actor("end_sessions")
        ended = [session for session in found if sessions.end(session, action="sso.ended", by=by)]
        self.stdout.write(f"Ended: {len(ended):,}.")
