"""Makes the cards of what belongs to a credential, and of credentials that belong to something else."""

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Count
from django.utils.safestring import SafeString

from credservice.adminkit.cards import ROWS, Card, cards, trail
from credservice.adminkit.labels import label
from credservice.adminkit.links import link_to, list_url
from credservice.adminkit.menu import counted
from credservice.adminkit.moments import moment
from credservice.adminkit.sentences import actor_name
from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.issuers import get_issuer

LOOKED_AT = 200  # lines: a credential whose last two hundred lines hold no hand-out was not handed out lately
HANDED_OUT = "exchange.credential"
HEADS = ("Credential", "State", "Policy", "Created", "Expires")


def credentials_card(title: str = "Credentials", **where: object) -> Card:
    """Show the newest credentials of a subject or a line."""
    found = Credential.objects.filter(**where).select_related("policy").order_by("-created_at")
    rows = found.defer("sealed_values", "lookup", "value_digests", "handle")[:ROWS]
    return Card(title, HEADS, rows, _credential, list_url(Credential, **where))


def _credential(row: Credential) -> Sequence[object]:
    dates = moment(row.created_at), moment(row.expires_at)
    return link_to(row, row.version_name()), label(row.state_word()), link_to(row.policy), *dates


def left_outside(number: int, noun: str, *, leaked: int = 0) -> str:
    """Say what there is to do about ended credentials that may still work, in the words of their own pages; ``leaked``
    of them are said to be so. What uses values of them, in their lines and others, is found there alone: to find it,
    they are opened."""
    which = f"{counted(number, noun)}, {leaked} of them leaked," if leaked else counted(number, noun)
    told = f"{which} may still work in your product: end {'it' if number == 1 else 'each'} there"
    return f"{told}, but for values that its page says are still used, then confirm its end on that page"


def not_checked(subjects: Iterable[str]) -> list[str]:
    """Tell how many keys of these, who are being suspended, were entered: no check of ours stops those."""
    rows = Credential.objects.filter(subject__in=[*subjects], state__in=Credential.USABLE)
    by_issuer = rows.order_by().values_list("policy__issuer").annotate(number=Count("pk"))
    number = sum(number for issuer, number in by_issuer if not get_issuer(issuer).generates)
    goes, it = ("goes", "it") if number == 1 else ("go", "them")
    told = f"{counted(number, 'entered key')} {goes} on working in your product until somebody ends {it} there."
    return [told] if number else []


def version_link(credential: Credential) -> SafeString | str:
    """Link a version under its name, with its state."""
    return link_to(credential, f"{credential.version_name()} ({credential.state_word()})")


@cards(Credential)
def of_a_credential(obj: Credential) -> Iterator[Card]:
    yield handed_out(obj)
    yield credentials_card("Versions, newest first", line=obj.line)
    yield trail(object_id=str(obj.pk))


@cards(CredentialPolicy)
def of_a_policy(obj: CredentialPolicy) -> Iterator[Card]:
    yield trail(object_id=str(obj.pk))


def handed_out(obj: Credential) -> Card:
    return hand_outs("Last handed out", object_id=str(obj.pk))


def hand_outs(title: str, **where: str) -> Card:
    """Show who fetched a credential, or one of a subject's, last: among the newest of its lines, by index."""
    lines = AuditEvent.objects.filter(**where).order_by("-id").values("id")[:LOOKED_AT]
    fetched = AuditEvent.objects.filter(id__in=lines, action=HANDED_OUT, outcome="granted").order_by("-id")[:ROWS]
    heads = ("When", "By", "For installation", "From")
    return Card(title, heads, fetched, _fetch, empty="No exchange has handed one out recently.")


def _fetch(line: AuditEvent) -> Sequence[object]:
    who, installation = actor_name(line.actor), line.detail.get("installation", "-")
    return link_to(line, moment(line.at)), who, installation, line.source or "-"
