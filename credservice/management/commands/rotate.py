"""``manage.py rotate``: a successor for a credential."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from credservice.audit.names import command_actor
from credservice.core.exceptions import ServiceError
from credservice.credentials.hooks import policy_of_successor
from credservice.credentials.models import Credential
from credservice.credentials.policy_impact import successor_differences
from credservice.credentials.rotation_impact import preview_rotation
from credservice.credentials.services import rotate


class Command(BaseCommand):
    help = "Make the successor of a credential. Hand-outs change to it as soon as it is there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("credential", help="The id of the credential.")
        parser.add_argument("--leaked", action="store_true", help="It has leaked: it ends as its successor arrives.")
        parser.add_argument("--force", metavar="REASON", default="", help="Abandon a rotation that is pending.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would happen.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            credential = Credential.objects.select_related("policy").get(pk=options["credential"])
        except (Credential.DoesNotExist, ValidationError):
            raise CommandError(f"There is no credential {options['credential']}.") from None
        overlap = timedelta(0) if options["leaked"] else None
        policy = policy_of_successor(credential)
        foretold = preview_rotation(credential, overlap, policy).sentences()
        if credential.takes_successor():
            foretold += successor_differences(credential, policy)
        for line in foretold:
            self.stdout.write(line)
        if options["dry_run"]:
            return
        try:
            actor = command_actor("rotate")
            successor = rotate(
                credential=credential, actor=actor, overlap=overlap, force_reason=options["force"], policy=policy
            )
        except ServiceError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Successor: {successor.pk} ({successor.state})")
        credential.refresh_from_db()
        if credential.is_leaked_and_live():
            self.stdout.write(f"{credential.pk} is not ended yet: it is handed out until the successor is there.")
