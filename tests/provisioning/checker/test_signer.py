"""The signer against the answer that the marketplace published with two of its libraries."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from provisioning.checker.keys import LiveKey, MasterKey, decode_base64
from provisioning.checker.messages import Request
from provisioning.checker.signer import canonical_form, sign

PUBLISHED_MASTER_KEY = "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk"
PUBLISHED = Request(
    "PUT",
    "/v1/resources/2686c96868emyj61cgt2ma7vdntg4",
    (
        ("Host", "127.0.0.1:4567"),
        ("Date", "2017-03-05T23:53:08Z"),
        ("Content-Type", "application/json"),
        ("Content-Length", "143"),
        ("X-Signed-Headers", "host date content-type content-length"),
        (
            "X-Signature",
            "Nb9iJZVDFrcf8-dw7AsuSCPtdoxoAr61YVWQe-5b9z_YiuQW73wR7RRsDBPnrBMtXIg_h8yKWsr-ZNRgYbM7CA "
            "FzNbTkRjAGjkpwHUbAhjvLsIlAlL_M6EUh5E9OVEwXs "
            "qGR6iozBfLUCHbRywz1mHDdGYeqZ0JEcseV4KcwjEVeZtQN54odcJ1_QyZkmHacbQeHEai2-Aw9EF8-Ceh09Cg",
        ),
    ),
    b'{"id":"2686c96868emyj61cgt2ma7vdntg4","plan":"low","product":"generators","region":"aws::us-east-1",'
    b'"user_id":"200e7aeg2kf2d6nud8jran3zxnz5j"}\n',
)


def verify(request: Request, master_key: bytes) -> None:
    """Raise where the chain from the master key to the canonical form is broken."""
    value, live, endorsement = (decode_base64(part) for part in request.values("X-Signature")[0].split(" "))
    Ed25519PublicKey.from_public_bytes(master_key).verify(endorsement, live)
    Ed25519PublicKey.from_public_bytes(live).verify(value, canonical_form(request))


def test_the_published_signature_verifies_over_our_canonical_form():
    verify(PUBLISHED, decode_base64(PUBLISHED_MASTER_KEY))


def test_the_canonical_form_is_the_documents():
    assert canonical_form(PUBLISHED).decode().split("\n")[:6] == [
        "put /v1/resources/2686c96868emyj61cgt2ma7vdntg4",
        "host: 127.0.0.1:4567",
        "date: 2017-03-05T23:53:08Z",
        "content-type: application/json",
        "content-length: 143",
        "x-signed-headers: host date content-type content-length",
    ]


def test_the_query_is_sorted_as_sent_and_not_decoded():
    request = Request("GET", "/v1/x?b=2&a=%2F&a=1", (("X-Signed-Headers", "host"), ("Host", "h")))
    assert canonical_form(request) == b"get /v1/x?a=%2F&a=1&b=2\nhost: h\nx-signed-headers: host\n"


def test_values_of_one_header_are_trimmed_and_joined():
    headers = (("Note", " one "), ("X-Signed-Headers", "note absent"), ("note", "two"))
    assert canonical_form(Request("GET", "/", headers)).split(b"\n")[1:3] == [b"note: one, two", b"absent: "]


def test_a_bare_request_signs_the_headers_that_it_has():
    request = Request("DELETE", "/v1/x", (("Date", "now"), ("Host", "h"), ("User-Agent", "us")))
    signed = sign(request, LiveKey.endorsed_by(MasterKey.generate()))
    assert signed.values("X-Signed-Headers") == ["host date"]


@given(
    method=st.sampled_from(["GET", "PUT", "PATCH", "DELETE"]),
    target=st.from_regex(r"/v1/[a-z0-9%/]{0,20}(\?[a-z0-9=&%]{0,30})?", fullmatch=True),
    headers=st.lists(st.tuples(st.sampled_from(["Host", "Date", "Note"]), st.from_regex(r"[ -~]{0,20}")), max_size=5),
    body=st.binary(max_size=50),
)
def test_what_is_signed_verifies_with_its_master_key(method, target, headers, body):
    master = MasterKey.generate()
    request = Request(method, target, tuple(headers), body)
    verify(sign(request, LiveKey.endorsed_by(master), ["host", "date", "note"]), master.public)
