"""Lists signing secrets in the console, and shows those of a partner, with how far their rotation is."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from credservice.adminkit.cards import Card, trail_of_several
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to
from credservice.adminkit.menu import Menu, Need
from credservice.adminkit.model_admin import ConsoleAdmin, LargeListAdmin, ReadOnly, by_id
from credservice.adminkit.moments import moment
from credservice.adminkit.object_header import Fact
from credservice.core.last_used import NONE_YET
from credservice.crypto.store import unknown_keks
from credservice.keys.admin.pages import END_OLD, NewSecret, Retire, Reveal, end_of, not_changed_over, owner_of
from credservice.keys.admin.reminding import needs_of
from credservice.keys.models import SigningSecret, SigningSecretSet
from credservice.keys.rotation_progress import Stage, progress_of
from credservice.keys.services import fingerprint

MAX_IN_TRAIL = 20  # secrets; the trail's list takes them all in its address


class WithSecrets:
    """Notes, for :func:`secrets_table` on an object's page, whether who looks at it may end a secret."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found: Any = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if found is not None:
            found.may_end_secrets = request.user.has_perm("keys.retire_signingsecret")
        return found


def secrets_table(secret_set: SigningSecretSet, shown_for: Any) -> SafeString:
    """Show the secrets of a set that verify something now, and how far a rotation is: on the page of ``shown_for``."""
    may_end = getattr(shown_for, "may_end_secrets", False)
    rows = format_html_join(
        "",
        '<tr><td data-label="Secret" class="console-mono">{}</td><td data-label="State">{}</td>'
        '<td data-label="Calls">{}</td><td data-label="Good">{}</td><td>{}</td></tr>',
        (
            (link_to(s, s.hint), label(s.state), _last_use(s), _end(s), _end_it(s) if may_end else "")
            for s in secret_set.live()
        ),
    )
    table = format_html('<table class="console-table">{}</table>', rows) if rows else "None yet."
    return format_html("{}{}", table, _rotation(secret_set))


def trail_with_secrets(obj: Any) -> Card:
    """Show the newest lines of an object and of its newest signing secrets, ended ones as well."""
    newest = obj.secrets.secrets.order_by("-created_at").values_list("pk", flat=True)[:MAX_IN_TRAIL]
    return trail_of_several([str(obj.pk), *(str(pk) for pk in newest)])


def _end_it(secret: SigningSecret) -> SafeString | str:
    if secret.state != SigningSecret.State.PREVIOUS:
        return ""
    page = reverse("admin:keys_signingsecret_retire", args=[secret.pk])
    return format_html('<a class="text-link" href="{}">{}</a>', page, END_OLD)


def _rotation(secret_set: SigningSecretSet) -> SafeString | str:
    """Say how far a rotation is, and what is left to do."""
    progress = progress_of(secret_set)
    if progress is None:
        return ""
    left = {
        Stage.UNUSED: f"Paste it into the platform's settings before {end_of(progress.previous)}.",
        Stage.BOTH: f"The one before ends at {end_of(progress.previous)}.",
        Stage.CHANGED: f"The one before can be ended; it ends by itself at {end_of(progress.previous)}.",
    }
    sentence = "<p><strong>Rotation under way.</strong> {} {}</p>"
    return format_html(sentence, progress.stage, left[progress.stage])


def _last_use(secret: SigningSecret) -> SafeString | str:
    if secret.secret_set.is_ours:
        return ""
    if secret.last_used_at is None:
        return f"calls verified: {NONE_YET}"
    return format_html("last verified a call {}", moment(secret.last_used_at))


def _end(secret: SigningSecret) -> str:
    return f"until {secret.ends_at:%Y-%m-%d %H:%M} UTC" if secret.ends_at else "no end"


@admin.register(SigningSecretSet)
class SigningSecretSetAdmin(ReadOnly, WithSecrets, ConsoleAdmin):
    about = "The signing secrets of one relation: a current one, and previous ones until their end."
    empty_help = "A platform's set is made with the platform."
    object_pages = (NewSecret,)
    list_display = ("label",)
    search_fields = ("label",)
    search_help_text = "Label"
    ordering = ("label",)
    fields = ("live_secrets",)
    readonly_fields = ("live_secrets",)

    def object_title(self, obj: SigningSecretSet) -> str:
        return f"Signing secrets of {obj.label[:1].lower()}{obj.label[1:]}"

    def facts(self, request: HttpRequest, obj: SigningSecretSet) -> list[Fact]:
        owner = owner_of(obj)
        return [Fact(owner._meta.verbose_name.capitalize(), link_to(owner))] if owner is not None else []

    @display(description="Signing secrets")
    def live_secrets(self, obj: SigningSecretSet) -> Any:
        return secrets_table(obj, obj)


def _lost_keks() -> list[Need]:
    """Tell that this process lacks what wraps the data keys: it opens what it has in memory, and seals nothing."""
    lost = unknown_keks()
    if not lost:
        return []
    told = (
        f"This process can seal nothing: its ENCRYPTION_KEYS does not name {' and '.join(lost)}, which wraps the data "
        "keys. Add it for every process, and restart them"
    )
    return [Need(told, urgent=True, link=reverse("admin:documents") + "keys/#change-the-kek", kind="keyring")]


@admin.register(SigningSecret)
class SigningSecretAdmin(ReadOnly, LargeListAdmin):
    menu = Menu("Keys", 51, "key")
    about = "What we verify partners' requests with, or sign events with. The texts are sealed; hints tell them apart."
    empty_help = "Add a platform: its first signing secret is made in the next step."
    object_pages = (Reveal, Retire)
    bulk_actions = (
        Retire.bulk(
            done="Retired",
            title="End the old secrets",
            consequence="From now on, what is signed with one of these is refused. A current one is left as it is.",
            foretell=not_changed_over,
            tick="End them all the same",
        ),
    )
    list_display = ("hint", "secret_set", "shown_state", "last_use", "shown_source", "created_at", "ends_at")
    list_select_related = ("secret_set",)
    search_help_text = "Hint or our id of a secret"
    by_text = ("hint", fingerprint)
    fields = ("shown_set", "hint", "shown_state", "last_use", "shown_source", "created_at", "ends_at")
    readonly_fields = ("shown_set", "shown_state", "last_use", "shown_source")

    def object_title(self, obj: SigningSecret) -> str:
        return f"{obj.hint} of {obj.secret_set}"

    def needs_operator(self) -> list[Need]:
        return [*_lost_keks(), *needs_of(SigningSecret)]

    def find(self, term: str) -> list[Q]:
        return [Q(hint=term), *by_id(term)]

    @display(description="Belongs to")
    def shown_set(self, obj: SigningSecret) -> Any:
        return link_to(obj.secret_set)

    @display(description="State")
    def shown_state(self, obj: SigningSecret) -> Any:
        return label(obj.state)

    @display(description="Source")
    def shown_source(self, obj: SigningSecret) -> str:
        return "generated here" if obj.generated else "entered"

    @display(description="Last verified a call")
    def last_use(self, obj: SigningSecret) -> Any:
        return moment(obj.last_used_at, NONE_YET) if not obj.secret_set.is_ours else "-"
