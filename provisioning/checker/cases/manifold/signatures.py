"""Checks that only the marketplace's requests are done (Provider API, "Authentication")."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from provisioning.checker import expect
from provisioning.checker.cases.manifold import forgeries
from provisioning.checker.cases.manifold.forgeries import Forgery
from provisioning.checker.cases.manifold.measures import this_month
from provisioning.checker.failures import Failure, raise_all
from provisioning.checker.ids import new_id
from provisioning.checker.keys import LiveKey
from provisioning.checker.messages import Request
from provisioning.checker.provider import Provider, date_header
from provisioning.checker.registry import case
from provisioning.checker.signer import SIGNED_HEADERS, sign

INSIDE = timedelta(minutes=4)


@case("signature.accepted.live_key", "a second live key of the same master key is accepted")
def second_live_key(provider: Provider) -> None:
    for live in (provider.live, LiveKey.endorsed_by(provider.master)):
        expect.success(provider.send(sign(_provision(provider), live)), 201, 204)


@case("signature.accepted.header_order", "headers are taken in the order in which they are listed")
def header_order(provider: Provider) -> None:
    names = ["content-length", "x-callback-url", "date", "content-type", "x-callback-id", "host"]
    expect.success(provider.send(sign(_provision(provider), provider.live, names)), 201, 204)


@case("signature.accepted.more_headers", "further headers may be signed")
def more_headers(provider: Provider) -> None:
    # "Manifold includes all headers that are explicitly set on any request we send."
    request = _provision(provider).with_header("X-Request-Note", "signed as well")
    names = [*SIGNED_HEADERS, "x-request-note"]
    expect.success(provider.send(sign(request, provider.live, names)), 201, 204)


@case("signature.accepted.query_order", "the query is sorted for the signature, not for the wire")
def query_order(provider: Provider) -> None:
    resource_id, query = provider.resource(), this_month()
    later_first = dict(sorted(query.items(), reverse=True))
    expect.measures(provider.measures(resource_id, later_first), resource_id, query)


@case("signature.accepted.clock", "a clock that is four minutes off is accepted")
def clock(provider: Provider) -> None:
    for offset in (-INSIDE, INSIDE):
        request = _provision(provider).with_header("Date", date_header(datetime.now(UTC) + offset))
        expect.success(provider.send(sign(request, provider.live)), 201, 204)


@case("signature.refused.without_effect", "what is refused has no effect")
def without_effect(provider: Provider) -> None:
    resource_id = new_id()
    forged = forgeries.broken_endorsement(_provision(provider, resource_id), provider.live)
    expect.unauthorized(provider.send(forged))
    expect.refusal(provider.delete_resource(resource_id), 404)


def _refused(name: str, forged: str, forgery: Forgery, *, strict: bool = False, or_bad_request: bool = False) -> None:
    """Register the case that tries one forgery on every signed endpoint."""

    def check(provider: Provider) -> None:
        failures: list[Failure] = []
        for request in _every_endpoint(provider):
            sent = forgery(request, provider.live)
            try:
                if sent is not None:
                    expect.unauthorized(provider.send(sent), or_bad_request=or_bad_request)
            except Failure as failure:
                failures.append(failure)
        raise_all(failures)

    case(f"signature.refused.{name}", f"{forged} is refused", strict=strict)(check)


# `or_bad_request`: where the marketplace's Go library answers 400 and its document 401.
_refused("missing", "a request without a signature", forgeries.unsigned, or_bad_request=True)
_refused("malformed", "a signature of two parts", forgeries.malformed, or_bad_request=True)
_refused("wrong", "a signature over something else", forgeries.random_signature)
_refused("unknown_master", "a live key endorsed by an unknown master key", forgeries.unknown_master)
_refused("borrowed_endorsement", "a live key with another one's endorsement", forgeries.borrowed_endorsement)
_refused("broken_endorsement", "a live key with a broken endorsement", forgeries.broken_endorsement)
_refused("stale", "a date ten minutes ago", forgeries.stale, or_bad_request=True)
_refused("future", "a date ten minutes ahead", forgeries.future, or_bad_request=True)
_refused("no_date", "a request without a date", forgeries.no_date, or_bad_request=True)
_refused("bad_date", "a date that cannot be read", forgeries.bad_date, or_bad_request=True)
_refused("no_signed_headers", "a request without X-Signed-Headers", forgeries.no_signed_headers, or_bad_request=True)
_refused("body", "a body changed after signing", forgeries.other_body)
_refused("query", "a query changed after signing", forgeries.other_query)
_refused("path", "a signature for another path", forgeries.other_path)
_refused("method", "a signature for another method", forgeries.other_method)
_refused("host", "a signature for another host", forgeries.other_host)
_refused("callback", "a callback URL changed after signing", forgeries.other_callback)
_refused("host_not_signed", "a host that is not signed", forgeries.host_not_signed, strict=True)
_refused("date_not_signed", "a date that is not signed", forgeries.date_not_signed, strict=True)
_refused("content_not_signed", "a content type or length that is not signed", forgeries.content_not_signed, strict=True)
_refused("callback_not_signed", "a callback that is not signed", forgeries.callback_not_signed, strict=True)


def _provision(provider: Provider, resource_id: str = "") -> Request:
    resource_id = resource_id or new_id()
    return provider.request("PUT", f"/resources/{resource_id}", provider.order.resource(resource_id))


def _every_endpoint(provider: Provider) -> Iterator[Request]:
    """Make good requests, unsigned, to each signed endpoint; those that would destroy come last."""
    resource_id = provider.resource()
    credential_id, second_id = provider.credential(resource_id).id, new_id()
    yield _provision(provider)
    yield provider.request("PATCH", f"/resources/{resource_id}", provider.order.unchanged())
    yield provider.request("PUT", f"/credentials/{second_id}", {"id": second_id, "resource_id": resource_id})
    yield provider.measures_request(resource_id, this_month())
    yield provider.request("DELETE", f"/credentials/{credential_id}")
    yield provider.request("DELETE", f"/resources/{resource_id}")
