"""What belongs to a credential, and the credentials that belong to something else."""

from collections.abc import Iterator, Sequence

from credservice.audit.models import AuditEvent
from credservice.console.labels import label
from credservice.console.links import link_to
from credservice.console.related import ROWS, Card, cards, list_of, minute, trail
from credservice.credentials.models import Credential, CredentialPolicy

LOOKED_AT = 200  # lines: a credential whose last two hundred lines hold no hand-out was not handed out lately
HANDED_OUT = "exchange.credential"
HEADS = ("Credential", "State", "Policy", "Made (UTC)", "Expires (UTC)")


def credentials_card(title: str = "Credentials", **where: object) -> Card:
    """The newest credentials of a subject or a line."""
    found = Credential.objects.filter(**where).select_related("policy").order_by("-created_at")
    rows = found.defer("sealed_values", "lookup", "value_digests", "handle")[:ROWS]
    return Card(title, HEADS, rows, _credential, list_of(Credential, **where))


def _credential(row: Credential) -> Sequence[object]:
    dates = minute(row.created_at), minute(row.expires_at)
    return link_to(row, name_of(row)), label(row.state), link_to(row.policy), *dates


def name_of(credential: Credential) -> str:
    return credential.hint or f"{credential.policy} {str(credential.pk)[:8]}"


@cards(Credential)
def of_a_credential(obj: Credential) -> Iterator[Card]:
    yield handed_out(obj)
    yield credentials_card("Its line, newest first", line=obj.line)
    yield trail(object_id=str(obj.pk))


@cards(CredentialPolicy)
def of_a_policy(obj: CredentialPolicy) -> Iterator[Card]:
    yield trail(object_id=str(obj.pk))


def handed_out(obj: Credential) -> Card:
    """Who fetched it last, and when: among the newest of its lines, by index."""
    lines = AuditEvent.objects.filter(object_id=str(obj.pk)).order_by("-id").values("id")[:LOOKED_AT]
    fetched = AuditEvent.objects.filter(id__in=lines, action=HANDED_OUT, outcome="granted").order_by("-id")[:3]
    heads = ("Time (UTC)", "By", "For installation", "From")
    return Card("Last handed out", heads, fetched, _fetch, empty="No exchange has handed it out lately.")


def _fetch(line: AuditEvent) -> Sequence[object]:
    return link_to(line, minute(line.at)), line.actor, line.detail.get("installation", "-"), line.source or "-"
