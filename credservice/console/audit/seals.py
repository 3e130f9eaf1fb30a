"""Shows the batches that seal the audit log."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from credservice.adminkit.menu import RARE, Menu
from credservice.adminkit.model_admin import LargeListAdmin, ReadOnly
from credservice.audit.models import AuditSeal


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnly, LargeListAdmin):
    menu = Menu(RARE, 91, "link", plural="Seals of the trail")
    about = "The batches that the trail is sealed in: each covers its lines and the batch before."
    empty_help = "The worker seals the trail, a minute after its lines were written."
    keyset = ("pk",)
    has_trail = False
    in_search = False
    list_display = ("number", "kind", "lines", "up_to_id", "sealed_at")
    search_help_text = "Number of a batch"
    fieldsets = (
        (None, {"fields": ("number", "kind", "sealed_at")}),
        ("Covers", {"fields": ("lines", "after_id", "up_to_id", "up_to_at", "shown_parts", "shown_previous")}),
        ("Proof", {"fields": ("shown_head", "kid", "shown_signature")}),
    )
    readonly_fields = ("lines", "shown_parts", "shown_previous", "shown_head", "shown_signature")

    def find(self, term: str) -> list[Q]:
        return [Q(pk=int(term))] if term.isascii() and term.isdigit() else [Q(pk__in=())]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever may see the audit log see what proves it."""
        return bool(request.user.has_perm("audit.view_auditevent"))

    @display(description="Lines")
    def lines(self, obj: AuditSeal) -> str:
        return f"{sum(part.lines for part in obj.month_parts()):,}"

    @display(description="By month")
    def shown_parts(self, obj: AuditSeal) -> Any:
        text = "\n".join(f"{part.month}  {part.lines:,} lines  {part.digest}" for part in obj.month_parts())
        return format_html('<pre class="break-all console-mono whitespace-pre-wrap">{}</pre>', text)

    @display(description="Head before")
    def shown_previous(self, obj: AuditSeal) -> Any:
        return _hexadecimal(obj.previous)

    @display(description="Head, as an anchor")
    def shown_head(self, obj: AuditSeal) -> Any:
        return format_html(
            '<code class="break-all console-mono select-all">{}:{}</code>', obj.pk, bytes(obj.head).hex()
        )

    @display(description="Signature (Ed25519)")
    def shown_signature(self, obj: AuditSeal) -> Any:
        return _hexadecimal(obj.signature)


def _hexadecimal(value: Any) -> Any:
    return format_html('<code class="break-all console-mono">{}</code>', bytes(value).hex())
