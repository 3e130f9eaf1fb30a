"""Says what the end of a credential does not reach, and what else leaks with it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from credservice.adminkit import menu
from credservice.adminkit.links import names_of
from credservice.credentials.models import Credential, last_retiring
from credservice.credentials.rotation_impact import counted
from credservice.credentials.shared_values import LOOKED_AT, holders_elsewhere, shared_names

NAMED = 3  # of the credentials of other lines that have a value of one
END_IT_THERE = "It may still work in your product: end it there, then confirm its end here."


def outside(obj: Credential) -> list[str]:
    """Tell what the end of a credential does not reach."""
    backend = obj.policy.backend()
    if backend.can_revoke:
        return []
    if expiry := obj.expiry_outside():
        return [f"{told_expiry(expiry)}: nothing can end it before."]
    kept = "is kept here and was made elsewhere" if not backend.generates else "cannot be ended by its issuer"
    return [f"This credential {kept}: it works in your product until somebody ends it there."]


def still_works(obj: Credential) -> str:
    """Say of one that has ended here what its end does not reach."""
    if until := obj.works_until():
        return f"{told_expiry(until)}, unless your product refuses it before."
    return still_in_use(obj) or (END_IT_THERE if obj.is_still_outside() else "")


def told_expiry(expiry: datetime) -> str:
    return f"It works until it expires, at {expiry:%Y-%m-%d %H:%M} UTC"


def still_in_use(obj: Credential) -> str:
    """Say of one that may still work outside what hands out values of it, of its line or another: those are to stay
    there."""
    in_line = Credential.objects.select_related("policy").filter(pk__in=[obj.shared_with] if obj.shared_with else [])
    elsewhere = list(islice(holders_elsewhere(obj, at_most=LOOKED_AT), NAMED)) if obj.may_be_confirmed() else []
    uses = [f"version {each.version_name()} still uses {to_be_left(obj, each)}" for each in in_line]
    uses += [
        f"credential {title} still uses {to_be_left(obj, each, 'credential')}"
        for title, each in zip(_titles(elsewhere), elsewhere, strict=True)
    ]
    if not uses:
        return ""
    first, *more = uses
    others = "".join(f"{each[0].upper()}{each[1:]}. " for each in more)
    other_values = "whatever else it has" if elsewhere else "its other values"  # which may be nothing
    return (
        f"It may still work in your product, but {first}. {others}End {other_values} there, then confirm its end here."
    )


def to_be_left(obj: Credential, holder: Credential, noun: str = "version") -> str:
    """Name what the other one has of it, and say until when to leave that."""
    names = shared_names(obj, holder)
    what, those = (f"its {' and '.join(names)}", "that" if len(names) == 1 else "those") if names else ("", "those")
    return f"{what or 'values of it'}: leave {those} until that {noun} is replaced"


def others_outside(obj: Credential) -> str:
    """Say how many other versions of a line should be ended outside, such as those that leaked with this one."""
    others = Credential.objects.filter(line=obj.line, outside__in=Credential.STILL_OUTSIDE).exclude(pk=obj.pk)
    number = others.count()
    if not number:
        return ""
    it = "end it, and confirm its end" if number == 1 else "end them, and confirm their ends"
    return f" {counted(number, 'other versions')} of its line may still work in your product, too: {it}."


def leaking_elsewhere(obj: Credential, when: str = "") -> list[str]:
    """Say which credentials of other lines leak with it, and what becomes of them; ``when`` it has leaked, if that is
    yet to be said."""
    holders = holders_elsewhere(obj, at_most=LOOKED_AT)
    touched = (each for each in holders if each.leaked_at is None or each.state == Credential.State.RETIRING)
    found = list(islice(touched, menu.MAX_COUNTED))
    retiring = {each.pk for each in found if each.state == Credential.State.RETIRING}
    ending = retiring - {*Credential.objects.filter(last_retiring(), pk__in=retiring).values_list("pk", flat=True)}
    marked = [each for each in found if each.pk not in ending and each.leaked_at is None]
    told = []
    if marked:
        fate, it = ("is marked", "It is") if len(marked) == 1 else ("are marked", "They are")
        until = f"{it} handed out until you rotate {'it' if len(marked) == 1 else 'them'} as leaked."
        told.append(f"{_holding(marked)} {fate} as leaked{when}: {_named(marked)}. {until}")
    if ended := [each for each in found if each.pk in ending]:
        ends = "ends" if len(ended) == 1 else "end"
        told.append(f"{_holding(ended)} {ends} with it{when}, as a newer version follows: {_named(ended)}.")
    return told


def _holding(found: Sequence[Credential]) -> str:
    number = len(found)
    return f"{menu.counted(number, 'other credential')} {'has' if number == 1 else 'have'} a value of it, and"


def _named(found: Sequence[Credential]) -> str:
    return ", ".join(_titles(found[:NAMED])) + (" and others" if len(found) > NAMED else "")


def _titles(credentials: Sequence[Credential]) -> list[str]:
    """Name them with their customers, as far as the reader may look at these."""
    names = names_of(f"credential:{each.pk}" for each in credentials)
    return [names.get(f"credential:{each.pk}", each.version_name()) for each in credentials]


def still_handed_out(obj: Credential) -> str:
    """Say of one that has leaked what its end waits for."""
    if obj.waits_for_successor():
        return "The leaked one is not ended yet: it is still handed out until its successor is there."
    return "The leaked one is not ended: it is still handed out, and no successor is being made."
