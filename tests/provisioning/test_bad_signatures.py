"""One battery of bad signatures over every signed endpoint: always the same 401, never an effect."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from credservice.audit.models import AuditEvent
from provisioning.models import LiveKey, Resource, ResourceCredential, TrustedKey
from provisioning.models import Marketplace as MarketplaceRow
from tests.provisioning import signer
from tests.provisioning.conftest import new_id, order

PERIOD = "period_start=2018-05-01T00%3A00%3A00Z&period_end=2018-06-01T00%3A00%3A00Z"
CALLBACK = {"x-callback-id": new_id(), "x-callback-url": "https://connector.example/v1/callbacks/1"}


@pytest.fixture
def endpoints(resource_id, credential_id):
    """(method, target, body) of a request to each signed endpoint that would succeed if signed."""
    fresh, second = new_id(), new_id()
    return [
        ("PUT", f"/v1/resources/{fresh}", order(fresh)),
        ("PATCH", f"/v1/resources/{resource_id}", {"plan": "ursa-major"}),
        ("GET", f"/v1/resources/{resource_id}/measures?{PERIOD}", b""),
        ("PUT", f"/v1/credentials/{second}", {"id": second, "resource_id": resource_id}),
        ("DELETE", f"/v1/credentials/{credential_id}", b""),
        ("DELETE", f"/v1/resources/{resource_id}", b""),
    ]


def dated(**offset):
    return {"date": signer.rfc3339(datetime.now(UTC) + timedelta(**offset))}


def without(*left_out):
    """Sign all headers but these."""

    def names(headers):
        return [name for name in headers if name not in left_out]

    return names


FORGERIES = {
    "no_signature": {"after": {"x-signature": None}},
    "empty_signature": {"after": {"x-signature": ""}},
    "two_parts": {"edit": lambda text: text.rpartition(" ")[0]},
    "four_parts": {"edit": lambda text: f"{text} {text.split()[0]}"},
    "comma_for_space": {"edit": lambda text: text.replace(" ", ",")},
    "repeated_signature": {"edit": lambda text: f"{text},{text}"},
    "padded": {"edit": lambda text: text.replace(" ", "= ")},
    "other_alphabet": {"edit": lambda text: text.replace("-", "+").replace("_", "/") + "+"},
    "flipped_bit": {"edit": lambda text: ("B" if text[0] == "A" else "A") + text[1:]},
    "non_canonical_base64": {"edit": lambda text: text[:-1] + chr(ord(text[-1]) + 1)},
    "signature_of_nothing": {"edit": lambda text: " ".join([signer.Key().sign(b""), *text.split()[1:]])},
    "stale": {"signed": dated(minutes=-6)},
    "future": {"signed": dated(hours=10)},
    "no_date": {"signed": {"date": None}},
    "http_date": {"signed": {"date": "Fri, 20 Nov 2026 22:00:00 GMT"}},
    "empty_date": {"signed": {"date": ""}},
    "repeated_date": {"signed": {"date": dated()["date"] + "," + dated()["date"]}},
    "date_changed": {"after": dated(minutes=1)},
    "host_changed": {"after": {"host": "localhost"}},
    "host_not_signed": {"names": without("host")},
    "date_not_signed": {"names": without("date")},
    "nothing_signed": {"names": without("host", "date", "content-type", "content-length")},
    "no_list_of_signed_headers": {"after": {"x-signed-headers": None}},
    "reordered_list": {"after": {"x-signed-headers": "date host"}},
    "upper_case_list": {"after": {"x-signed-headers": "HOST DATE"}},
    "comma_list": {"after": {"x-signed-headers": "host,date"}},
    "header_listed_twice": {"names": lambda headers: [*headers, "host"]},
    "underscored_list": {"after": {"x-signed-headers": "host date content_type"}},
    "callback_not_signed": {"signed": CALLBACK, "names": without(*CALLBACK)},
    "callback_url_not_signed": {"signed": CALLBACK, "names": without("x-callback-url")},
    "callback_changed": {"signed": CALLBACK, "after": {"x-callback-url": "https://attacker.example/"}},
    "callback_added": {"after": CALLBACK},
}


def send(door, method, target, body, *, signed=None, names=None, after=None, edit=None):
    door = signer.Marketplace(door.client, door.master, door.live)
    if callable(names):
        raw = body if isinstance(body, bytes) else b"x"
        names = names(door.headers(raw) | {name: value for name, value in (signed or {}).items() if value is not None})
    if edit is not None:
        make = door.signature
        door.signature = lambda *args: edit(make(*args))
    return door.send(method, target, body, signed=signed, names=names, after=after)


def state():
    return (
        sorted(Resource.objects.values_list("partner_id", "state", "plan")),
        sorted(ResourceCredential.objects.values_list("partner_id", "deprovisioned_at")),
    )


def assert_all_refused(responses, before):
    for response in responses:
        assert response.status_code == 401, response.request
        assert response.json() == {"message": "The request could not be authenticated."}
        assert response["Cache-Control"] == "no-store"
    assert state() == before


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_it_refuses(forgery, door, endpoints):
    before = state()
    assert_all_refused([send(door, *endpoint, **forgery) for endpoint in endpoints], before)


WITHDRAWALS = {
    "disabled_trusted_key": lambda: TrustedKey.objects.update(is_enabled=False),
    "ended_trusted_key": lambda: TrustedKey.objects.update(ends_at=timezone.now()),
    "denied_live_key": lambda: LiveKey.objects.update(is_denied=True),
    "suspended_marketplace": lambda: MarketplaceRow.objects.update(is_active=False),
}


@pytest.mark.parametrize("withdrawal", WITHDRAWALS.values(), ids=WITHDRAWALS)
def test_it_refuses_what_is_signed_with_a(withdrawal, door, endpoints):
    withdrawal()
    before = state()
    assert_all_refused([door.send(*endpoint) for endpoint in endpoints], before)


@pytest.mark.parametrize(
    ("withdrawal", "is_known"),
    [
        *((withdrawal, True) for withdrawal in WITHDRAWALS),
        ("disabled_trusted_key", False),
        ("ended_trusted_key", False),
    ],
)
def test_the_trail_says_whose_key_it_was(withdrawal, door, endpoints, is_known):
    """So that the overview tells of a marketplace whose every call is refused."""
    WITHDRAWALS[withdrawal]()
    if not is_known:
        door.live = signer.Key()
    door.send(*endpoints[0])
    line = AuditEvent.objects.filter(outcome="refused").latest("pk")
    assert (line.actor, line.reason) == ("unproven:manifold", withdrawal)


@pytest.mark.parametrize("stranger", ["master", "live"])
def test_it_refuses_what_is_signed_with_an_unknown(stranger, door, endpoints):
    before = state()
    setattr(door, stranger, signer.Key())
    if stranger == "live":
        endorsement = door.master.sign(signer.Key().raw)  # of another key
        door.master = SimpleNamespace(sign=lambda _: endorsement)
    assert_all_refused([door.send(*endpoint) for endpoint in endpoints], before)


def test_it_refuses_unsigned_content_headers(door, endpoints):
    before = state()
    bodies = [endpoint for endpoint in endpoints if endpoint[2]]
    names = [without("content-type"), without("content-length")]
    assert_all_refused([send(door, *endpoint, names=left) for endpoint in bodies for left in names], before)


def test_it_refuses_a_content_length_that_is_not_the_bodys(door, endpoints):
    before = state()
    method, target, body = endpoints[0]
    after = {"content-length": str(len(str(body)) - 2)}
    assert_all_refused([send(door, method, target, body, after=after)], before)


def test_it_refuses_a_changed_body(door, endpoints):
    before = state()
    bodies = [endpoint for endpoint in endpoints if endpoint[2]]
    sent = [door.send(m, t, b, send_as=(m, t, _json(b).replace(b": ", b" :", 1))) for m, t, b in bodies]
    assert_all_refused(sent, before)


def test_it_refuses_an_added_body(door, endpoints):
    before = state()
    bodiless = [endpoint for endpoint in endpoints if not endpoint[2]]
    assert_all_refused([door.send(m, t, b, send_as=(m, t, b"{}")) for m, t, b in bodiless], before)


def test_it_refuses_a_changed_query(door, endpoints):
    before = state()
    added = [(m, f"{t}{'&' if '?' in t else '?'}a=1", b) for m, t, b in endpoints]
    sent = [
        door.send(m, t, b, send_as=(m, other, b if isinstance(b, bytes) else _json(b)))
        for (m, t, b), (_, other, _) in zip(endpoints, added, strict=True)
    ]
    assert_all_refused(sent, before)


def test_it_refuses_another_path_with_the_same_signature(door, endpoints):
    before = state()
    sent = [
        door.send(m, t, b, send_as=(m, t.replace("?", "/?") if "?" in t else t + "/", _json(b)))
        for m, t, b in endpoints
    ]
    assert_all_refused(sent, before)


def test_it_refuses_another_spelling_of_the_path(door, endpoints):
    before = state()
    sent = [
        door.send(m, t, b, send_as=(m, t.replace("/v1/r", "/v1/%72"), _json(b)))
        for m, t, b in endpoints
        if "/v1/r" in t
    ]
    assert_all_refused(sent, before)


def test_it_refuses_another_method_with_the_same_signature(door, resource_id):
    before = state()
    target = f"/v1/resources/{resource_id}"
    assert_all_refused([door.send("PATCH", target, send_as=("DELETE", target, b""))], before)


def test_it_refuses_an_absolute_request_target(door, resource_id):
    before = state()
    target = f"/v1/resources/{resource_id}"
    headers = door.headers(b"")
    headers |= {"x-signed-headers": "host date"}
    headers["x-signature"] = door.signature("DELETE", target, headers, ["host", "date"], b"")
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    sent = door.client.generic("DELETE", target, b"", "", RAW_URI=f"http://testserver{target}", **meta)
    assert_all_refused([sent], before)


def test_a_request_replayed_after_its_delete_brings_nothing_back(door, resource_id):
    """Inside the window a replay is the same request again: the id's tombstone refuses it."""
    target, body = f"/v1/resources/{resource_id}", order(resource_id)
    assert door.delete(target).status_code == 204
    assert door.put(target, body).status_code == 409
    assert Resource.objects.get().state == Resource.State.DEPROVISIONED


def test_the_reason_is_in_the_trail_and_not_in_the_answer(door, resource_id, trail):
    response = door.delete(f"/v1/resources/{resource_id}", signed=dated(minutes=-6))
    assert "stale" not in response.content.decode()
    line = trail.one(outcome=AuditEvent.Outcome.REFUSED)
    assert (line.actor, line.action, line.reason) == ("anonymous", "resource.delete", "stale_date")


def _json(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()
