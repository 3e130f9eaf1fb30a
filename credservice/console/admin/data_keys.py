"""Shows keys at rest, and which wraps what. Nothing of a key is here but its name and fingerprint.

Here and not in ``crypto``, which stands alone: it knows of no audit log and no console.
"""

from typing import Any

from django.contrib import admin
from unfold.decorators import display

from credservice.adminkit.labels import label
from credservice.adminkit.menu import RARE, Menu
from credservice.adminkit.model_admin import ConsoleAdmin, ReadOnly
from credservice.crypto.models import DataKey, KekFingerprint


@admin.register(DataKey)
class DataKeyAdmin(ReadOnly, ConsoleAdmin):
    menu = Menu(RARE, 94, "enhanced_encryption")
    about = "Data keys, each wrapped by a key of ENCRYPTION_KEYS. They seal values, and are never deleted."
    empty_help = "The first sealed value makes the first data key."
    list_display = ("id", "purpose", "wrapped_by", "shown_state", "uses", "created_at")
    ordering = ("-id",)
    fields = ("id", "purpose", "wrapped_by", "is_current", "uses", "created_at")

    @display(description="Wrapped by")
    def wrapped_by(self, obj: DataKey) -> str:
        return obj.kek_id

    @display(description="State")
    def shown_state(self, obj: DataKey) -> Any:
        return label("current" if obj.is_current else "kept to open")


@admin.register(KekFingerprint)
class KekFingerprintAdmin(ReadOnly, ConsoleAdmin):
    menu = Menu(RARE, 95, "fingerprint")
    about = "What each id in ENCRYPTION_KEYS stood for when this database first used it."
    empty_help = "Noted at the first use of a key."
    list_display = ("id_of_key", "fingerprint", "first_used_at")
    ordering = ("kek_id",)
    fields = ("id_of_key", "fingerprint", "first_used_at")

    @display(description="Key in ENCRYPTION_KEYS")
    def id_of_key(self, obj: KekFingerprint) -> str:
        return obj.kek_id
