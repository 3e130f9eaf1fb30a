"""Seals an authenticator's secret (RFC 6238's key, the seed of recovery codes) for its user.

allauth seals through its adapter, which is told the text and no more. The user is the one who is signed in, for whom
alone allauth makes secrets; a row that is read brings its user along with the text.
"""

import base64
from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models.signals import post_init, pre_save
from django.dispatch import receiver

from credservice.crypto import Place, SealError, seal, unseal
from credservice.crypto.envelope import is_sealed

NAMES = ("secret", "seed")


class SealedText(str):
    """A sealed value in text form, which knows whose it is."""

    place: Place

    @classmethod
    def of(cls, text: str, user_pk: Any) -> "SealedText":
        found = cls(text)
        found.place = place_of(user_pk)
        return found


def place_of(user_pk: Any) -> Place:
    return Place("mfa.authenticator", str(user_pk), "data")


def seal_text(text: str, user_pk: Any) -> SealedText:
    sealed = base64.b64encode(seal(text.encode(), place_of(user_pk))).decode()
    return SealedText.of(sealed, user_pk)


def unseal_text(text: str) -> str:
    """Open a sealed text. Raises :class:`SealError` for what was not read from its row, or is another user's."""
    if not isinstance(text, SealedText):
        raise SealError("the secret of an authenticator, without its row")
    return unseal(base64.b64decode(text), text.place).decode()


def sealed_in(row: Authenticator) -> Iterator[tuple[Place, bytes]]:
    for name in NAMES:
        if name in row.data:
            yield place_of(row.user_id), base64.b64decode(row.data[name])


@receiver(post_init, sender=Authenticator)
def bind(sender: Any, instance: Authenticator, **_: Any) -> None:
    if "data" in instance.__dict__:
        for name in NAMES:
            if name in instance.data:
                instance.data[name] = SealedText.of(instance.data[name], instance.user_id)


@receiver(pre_save, sender=Authenticator)
def refuse_plain(sender: Any, instance: Authenticator, **_: Any) -> None:
    """Refuse a secret that was written around the sealing, or sealed for somebody else."""
    for place, blob in sealed_in(instance):
        if not is_sealed(blob):
            raise SealError(f"{place.model} {place.pk}: not sealed")
        unseal(blob, place)
