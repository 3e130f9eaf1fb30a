"""Trusts a marketplace's master key: the one thing that lets anybody order here."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.checkout import COMMAND
from credservice.core.exceptions import Conflict, Invalid, NotFound
from credservice.core.names import fault_of_name
from provisioning.manifold import PROTOCOL
from provisioning.manifold.signatures.verify import parse_public_key
from provisioning.models import Marketplace, TrustedKey


def trust_key(
    *,
    marketplace: str,
    label: str,
    key: str,
    actor: str,
    is_test: bool = False,
    ends_at: datetime | None = None,
    why: str = "",
) -> tuple[TrustedKey, bool]:
    """Trust a key; returns it, and whether it is new or has changed. Repeating it changes nothing.

    ``key`` is base64, either alphabet, padded or not. Raises NotFound for an unknown marketplace, Invalid for what is
    no key, label or future end, Conflict where key or label are in use otherwise, or the key has been withdrawn.
    """
    public_key = _parsed(key)
    if not 1 <= len(label) <= 128 or fault_of_name(label):
        raise Invalid("Give the key a label of 1 to 128 characters, such as production-2027.")
    if ends_at is not None and ends_at <= timezone.now():
        raise Invalid("That end has passed already. Leave it out, or name one to come.")
    with transaction.atomic():
        row = _marketplace(marketplace)
        known = TrustedKey.objects.filter(public_key=public_key).select_related("marketplace").first()
        if known is None:
            return _add(row, label, public_key, is_test, ends_at, actor, why), True
        _check_same(known, row, label)
        return known, _change(known, is_test, ends_at, actor, why)


def _parsed(key: str) -> str:
    try:
        return parse_public_key(key)
    except ValueError as error:
        raise Invalid(f"That is no public key: {error}.") from None


def _marketplace(name: str) -> Marketplace:
    # Locked, so that two who add the same label at once get an answer and not a constraint's error.
    found = Marketplace.objects.select_for_update().filter(name=name).first()
    if found is None:
        names = ", ".join(Marketplace.objects.values_list("name", flat=True)) or "none"
        add = f"The console adds one, or {COMMAND} apply."
        raise NotFound(f"There is no marketplace {name!r}. Known: {names}. {add}")
    if found.protocol_name != PROTOCOL:
        raise Invalid(f"{name} speaks another protocol, which signs nothing: it has no keys.")
    return found


def _add(
    marketplace: Marketplace, label: str, public_key: str, is_test: bool, ends_at: datetime | None, actor: str, why: str
) -> TrustedKey:
    if marketplace.trusted_keys.filter(label=label).exists():
        raise Conflict(
            f"{marketplace} has another key labelled {label!r}. Choose another label: both are trusted until you end "
            "the old one in the console."
        )
    key = TrustedKey(marketplace=marketplace, label=label, public_key=public_key, is_test=is_test, ends_at=ends_at)
    key.save(force_insert=True)
    record(Line.about(key, "trusted_key.added", actor, {"why": why} if why else {}))
    return key


def _check_same(known: TrustedKey, marketplace: Marketplace, label: str) -> None:
    if (known.marketplace_id, known.label) != (marketplace.pk, label):
        raise Conflict(f"This key is trusted already, for {known.marketplace} under the label {known.label!r}.")
    if not known.is_enabled or (known.ends_at is not None and known.ends_at <= timezone.now()):
        raise Conflict("This key has been withdrawn. If it is to be trusted again, enable it in the console.")


def _change(known: TrustedKey, is_test: bool, ends_at: datetime | None, actor: str, why: str) -> bool:
    if (known.is_test, known.ends_at) == (is_test, ends_at):
        return False
    known.is_test, known.ends_at = is_test, ends_at
    known.save(update_fields=["is_test", "ends_at"])
    record(Line.about(known, "trusted_key.changed", actor, {"why": why} if why else {}))
    return True
