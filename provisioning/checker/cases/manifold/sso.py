"""Checks GET /sso, from a user to the resource's dashboard (Provider API, "Accessing your dashboard")."""

from collections.abc import Callable
from datetime import timedelta

from provisioning.checker import expect, pages
from provisioning.checker.connector import Client
from provisioning.checker.connector.answers import BROKEN_OFF, Answer
from provisioning.checker.connector.tokens import CODE_CHARACTERS, CODE_LIFE, FORM, Exchange
from provisioning.checker.failures import Failure, raise_all
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply
from provisioning.checker.provider import Provider
from provisioning.checker.registry import Check, case

WRONG_SECRET = "w" * 43
TOKENS, RESOURCES = "/v1/oauth/tokens", "/v1/resources"
# Ways in which a connector fails: where, and with what.
FAILING = (
    (TOKENS, Answer(500, {"type": "internal", "message": ["Internal Server Error"]})),
    (TOKENS, Answer(BROKEN_OFF)),
    (TOKENS, Answer(201, ["no token"])),
    (RESOURCES, Answer(500, {"type": "internal", "message": ["Internal Server Error"]})),
    (RESOURCES, Answer(BROKEN_OFF)),
)


def _sso(name: str, title: str, *, strict: bool = False) -> Callable[[Check], Check]:
    return case(f"sso.{name}", title, strict=strict, connector=True)


@_sso("accepted.done", "a user with a good code gets to the dashboard")
def done(provider: Provider) -> None:
    _signed_on(provider)


@_sso("accepted.slash", "so with the path of the document, which ends in a slash", strict=True)
def slash(provider: Provider) -> None:
    resource_id = provider.resource()
    query = {"code": provider.connector.tokens.code(resource_id), "resource_id": resource_id}
    pages.signed_on(provider.sso(query, path="/sso/"))


@_sso("accepted.exchange", "the code is exchanged in exactly one token request, as a form")
def exchange(provider: Provider) -> None:
    # What the marketplace's own checker asks for.
    reply, exchanges, _ = _signed_on(provider)
    if len(exchanges) != 1:
        raise Failure(f"expected one token request for the code, got {len(exchanges)}", reply)
    kind = exchanges[0].content_type
    if kind.partition(";")[0].strip().lower() != FORM:
        raise Failure(f"the Content-Type of the token request is {kind!r}, not {FORM!r}", reply)


@_sso("accepted.resource", "the resource is asked for with the user's token")
def resource(provider: Provider) -> None:
    seen = len(provider.connector.seen)
    reply, exchanges, resource_id = _signed_on(provider)
    bearers = {f"bearer {exchange.token}".lower() for exchange in exchanges}
    asked = [call for call in provider.connector.seen[seen:] if call.path.startswith(f"{RESOURCES}/{resource_id}")]
    if not any(call.header("authorization").lower() in bearers for call in asked):
        raise Failure(f"no GET {RESOURCES}/:id came with the token that was granted for the code", reply)


@_sso("accepted.token", "the user's token is not shown to the browser")
def token(provider: Provider) -> None:
    # "The access token is sensitive data ... only used by the provider's server".
    reply, exchanges, _ = _signed_on(provider)
    shown = "\n".join(f"{name}: {value}" for name, value in reply.headers) + reply.body.decode("utf-8", "replace")
    if any(exchange.token and exchange.token in shown for exchange in exchanges):
        raise Failure("the answer to the browser holds the access token; it is for the provider's server only")


@_sso("refused.client", "a client that the connector does not know is told as 401")
def wrong_client(provider: Provider) -> None:
    _refused_by(provider, Client(new_id(), provider.connector.tokens.client.secret))


@_sso("refused.secret", "a secret that the connector does not know is told as 401")
def wrong_secret(provider: Provider) -> None:
    _refused_by(provider, Client(provider.connector.tokens.client.id, WRONG_SECRET))


@_sso("refused.expired", "a code older than five minutes is refused")
def expired(provider: Provider) -> None:
    resource_id = provider.resource()
    code = provider.connector.tokens.code(resource_id, age=CODE_LIFE + timedelta(minutes=1))
    pages.refused(provider.sso({"code": code, "resource_id": resource_id}))


@_sso("refused.unknown", "a code that was never granted is refused")
def unknown(provider: Provider) -> None:
    pages.refused(provider.sso({"code": "0" * CODE_CHARACTERS, "resource_id": provider.resource()}))


@_sso("refused.used", "a code is refused the second time")
def used(provider: Provider) -> None:
    resource_id = provider.resource()
    query = {"code": provider.connector.tokens.code(resource_id), "resource_id": resource_id}
    pages.signed_on(provider.sso(query))
    pages.refused(provider.sso(query))


@_sso("refused.tampered", "a code for one resource does not open another")
def tampered(provider: Provider) -> None:
    other, mine = provider.resource(), provider.resource()
    pages.refused(provider.sso({"code": provider.connector.tokens.code(mine), "resource_id": other}))


@_sso("refused.deprovisioned", "a deprovisioned resource has no dashboard")
def deprovisioned(provider: Provider) -> None:
    resource_id = provider.resource()
    code = provider.connector.tokens.code(resource_id)
    expect.status(provider.delete_resource(resource_id), 204)
    pages.refused(provider.sso({"code": code, "resource_id": resource_id}))


@_sso("refused.missing", "a link without its code or its resource is refused")
def missing(provider: Provider) -> None:
    resource_id = provider.resource()
    code = provider.connector.tokens.code(resource_id)
    malformed = {"code": code, "resource_id": "not-an-id"}
    _all_refused([provider.sso(query) for query in ({"resource_id": resource_id}, {"code": code}, malformed)])


@_sso("refused.connector", "a connector that fails is told as 401")
def failing(provider: Provider) -> None:
    replies = []
    for prefix, answer in FAILING:
        resource_id = provider.resource()
        with provider.connector.failing(prefix, answer):
            code = provider.connector.tokens.code(resource_id)
            replies.append(provider.sso({"code": code, "resource_id": resource_id}))
    _all_refused(replies)


def _signed_on(provider: Provider) -> tuple[Reply, list[Exchange], str]:
    """Sign on well: returns the answer, the token requests for its code, and the resource."""
    resource_id = provider.resource()
    tokens = provider.connector.tokens
    code = tokens.code(resource_id)
    reply = provider.sso({"code": code, "resource_id": resource_id})
    pages.signed_on(reply)
    return reply, [exchange for exchange in tokens.exchanges if exchange.code == code], resource_id


def _refused_by(provider: Provider, known: Client) -> None:
    """Sign on by a good code at a connector that knows another client than the provider is."""
    resource_id = provider.resource()
    code = provider.connector.tokens.code(resource_id)
    with provider.connector.knowing(known):
        pages.refused(provider.sso({"code": code, "resource_id": resource_id}))


def _all_refused(replies: list[Reply]) -> None:
    failures: list[Failure] = []
    for reply in replies:
        try:
            pages.refused(reply)
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
