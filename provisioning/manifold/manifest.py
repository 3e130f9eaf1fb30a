"""Declares the part of a set-up file that names the master keys trusted for a marketplace."""

import json
from collections.abc import Callable

from credservice.core.secret_references import UnreadableReference, read_file
from credservice.manifest.document import BadValue, Item
from credservice.manifest.kinds import Flag, Kind, Moment
from credservice.manifest.schema import ChangedAnswers, Field, Plan, Row, Section
from provisioning.manifold.signatures.key_impact import foretell_end
from provisioning.manifold.signatures.verify import parse_public_key
from provisioning.models import LiveKey, TrustedKey


class PublicKey(Kind):
    """Reads an Ed25519 public key; no secret, so it may be written out."""

    what = "a public key in base64, or file:PATH of a JSON file with public_key"

    def parse(self, item: Item) -> str:
        text = item.text or ""
        try:
            is_reference = item.may_refer and text.startswith("file:")
            return parse_public_key(_key_in(read_file(text[5:].strip())) if is_reference else text)
        except UnreadableReference as error:
            raise BadValue(str(error)) from None
        except ValueError as error:
            advice = f": write {self.what}" if item.may_refer else ""
            raise BadValue(f"this is no public key ({error}){advice}") from None


def _key_in(content: str) -> str:
    """Read the public half of a key pair's file. Raises ValueError, which does not quote it."""
    try:
        return str(json.loads(content)["public_key"])
    except (ValueError, KeyError, TypeError):
        raise ValueError("the file is no JSON object with public_key") from None


def _forget_live_keys(row: Row) -> None:
    """Forget what another master key endorsed: it is endorsed no longer."""
    if "public_key" in row.changed:
        LiveKey.objects.filter(trusted_key=row.obj).delete()


def watch_trusted_keys(plan: Plan) -> Callable[[], list[ChangedAnswers]]:
    """Find which keys in use the plan ends, before it is written: a changed key's live keys are forgotten then."""
    rows = plan.changed("trusted_keys", "public_key", "is_enabled", "ends_at")
    found = [
        ChangedAnswers(rows[each.pk].item, impact.sentence(), impact.sentence(), impact.counts())
        for each in TrustedKey.objects.filter(pk__in=rows)
        if (impact := foretell_end(each, rows[each.pk].obj))
    ]
    return lambda: sorted(found, key=lambda each: each.item.line)


TRUSTED_KEYS = Section(
    "trusted_keys",
    model=TrustedKey,
    key="label",
    parent="marketplace",
    unique={"public_key": ""},
    fields=(
        Field("key", PublicKey(), "public_key", required=True),
        Field("enabled", Flag(), "is_enabled"),
        Field("test", Flag(), "is_test"),
        Field("ends_at", Moment()),
    ),
    shorthand="key",
    after_change=_forget_live_keys,
)
