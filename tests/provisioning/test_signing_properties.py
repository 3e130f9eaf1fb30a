"""Holds every request's canonical form and signature to their properties, whatever is in it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.manifold.signatures import verify
from provisioning.manifold.signatures.verify import BadSignature, SignedRequest
from tests.provisioning import signer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIVE, MASTER = signer.Key(), signer.Key()
ENDORSEMENT = MASTER.sign(LIVE.raw)

segments = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="?#"), max_size=40)
queries = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)
names = st.from_regex(r"x-[a-z0-9]{1,8}", fullmatch=True).filter(lambda name: name not in ("x-signed-headers",))
methods = st.sampled_from(["GET", "PUT", "PATCH", "DELETE"])


@st.composite
def requests(draw):
    """An honestly signed request."""
    method, body = draw(methods), draw(st.binary(max_size=60))
    path, query = "/v1/" + draw(segments), draw(queries)
    headers = {"host": "provider.example", "date": signer.rfc3339(NOW)} | draw(
        st.dictionaries(names, values, max_size=3)
    )
    if body:
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    return signed(method, path, query, headers, body, draw(st.permutations(list(headers))))


def signed(method, path, query, headers, body, listed):
    headers = headers | {"x-signed-headers": " ".join(listed)}
    target = f"{path}?{query}" if query else path
    form = signer.canonical(method, target, headers, listed, body)
    headers["x-signature"] = f"{LIVE.sign(form)} {LIVE.public} {ENDORSEMENT}"
    return SignedRequest(method, path, query, headers.get, body)


def changed(request, **changes):
    return SignedRequest(**{name: getattr(request, name) for name in request.__dataclass_fields__} | changes)


@given(requests())
def test_every_honest_request_verifies(request):
    assert verify.verify_request(request, NOW).live_key == LIVE.public


@given(requests(), st.binary(min_size=1, max_size=20))
def test_no_other_body_verifies(request, added):
    with pytest.raises(BadSignature):
        verify.verify_request(changed(request, body=request.body + added), NOW)


@given(requests(), segments.filter(bool))
def test_no_other_path_verifies(request, added):
    with pytest.raises(BadSignature):
        verify.verify_request(changed(request, path=request.path + added), NOW)


@given(requests(), st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20))
def test_no_added_parameter_verifies(request, added):
    query = f"{request.query}&{added}" if request.query else added
    with pytest.raises(BadSignature):
        verify.verify_request(changed(request, query=query), NOW)


@given(requests(), methods)
def test_no_other_method_verifies(request, method):
    if method != request.method:
        with pytest.raises(BadSignature):
            verify.verify_request(changed(request, method=method), NOW)


@given(requests(), values)
def test_no_other_value_of_a_signed_header_verifies(request, value):
    if value.strip(" \t") == "provider.example":
        return

    def header(name):
        return value if name == "host" else request.header(name)

    with pytest.raises(BadSignature):
        verify.verify_request(changed(request, header=header), NOW)


@given(requests())
def test_the_order_of_the_query_on_the_wire_does_not_matter(request):
    reordered = "&".join(reversed(request.query.split("&")))
    verify.verify_request(changed(request, query=reordered), NOW)


@settings(max_examples=300)
@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{86} [A-Za-z0-9_-]{43} [A-Za-z0-9_-]{86}", fullmatch=True))
def test_parsing_a_signature_either_works_or_refuses(text):
    try:
        parsed = verify.parse_signature(text)
    except BadSignature:
        return
    assert f"{verify.encode(parsed.request)} {parsed.live_key} {parsed.endorsement}" == text


@given(
    st.dictionaries(
        st.sampled_from(sorted(["host", "date", "x-signature", "x-signed-headers", "content-type"])), values
    )
)
def test_any_headers_are_refused_and_nothing_else_is_raised(headers):
    with pytest.raises(BadSignature):
        verify.verify_request(SignedRequest("PUT", "/v1/x", "", headers.get, b"{}"), NOW)
