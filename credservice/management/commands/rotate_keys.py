"""``manage.py rotate_keys``: wrap every data key under the first key of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from credservice.audit import Line, record
from credservice.audit.names import command_actor
from credservice.crypto.kek import KeyringError
from credservice.crypto.keyring import Keyring, get_keyring
from credservice.crypto.rewrap import NotProven, prove_unneeded, rewrap


class Command(BaseCommand):
    help = (
        "Change the key-encryption key. First add the new key to ENCRYPTION_KEYS of every process, last in the list, "
        "and restart them; then put it first, restart again, and run this. It can be stopped and run again at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; only say which keys can be dropped.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keyring = get_keyring()
            if not options["check"]:
                self._rewrap(keyring)
            unneeded = prove_unneeded(keyring)
        except (KeyringError, NotProven) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Every data key opens with {keyring.current.id} alone.")
        for kek_id in unneeded:
            self.stdout.write(f"Safe to drop {kek_id}, once every process runs with {keyring.current.id} first.")

    def _rewrap(self, keyring: Keyring) -> None:
        done = 0
        for step in rewrap(keyring):
            done += 1
            self.stdout.write(f"data key {step.data_key_id}: {step.from_kek} -> {keyring.current.id}, {step.left} left")
        if done:
            with transaction.atomic():
                detail = {"kek": keyring.current.id, "data_keys": done}
                record(Line("encryption_key.rotated", command_actor("rotate_keys"), detail=detail))
        else:
            self.stdout.write(f"Nothing to change: {keyring.current.id} wraps every data key already.")
