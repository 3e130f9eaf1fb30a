"""The request that the marketplace published with two of its libraries must verify, at its time, with its key."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from provisioning.manifold.signatures.verify import BadSignature, SignedRequest, endorses, verify_request
from provisioning.models import Marketplace, Plan, Product, TrustedKey

MASTER = "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk"
PATH = "/v1/resources/2686c96868emyj61cgt2ma7vdntg4"
BODY = (
    b'{"id":"2686c96868emyj61cgt2ma7vdntg4","plan":"low","product":"generators",'
    b'"region":"aws::us-east-1","user_id":"200e7aeg2kf2d6nud8jran3zxnz5j"}\n'
)
HEADERS = {
    "host": "127.0.0.1:4567",
    "date": "2017-03-05T23:53:08Z",
    "content-type": "application/json",
    "content-length": "143",
    "x-signed-headers": "host date content-type content-length",
    "x-signature": (
        "Nb9iJZVDFrcf8-dw7AsuSCPtdoxoAr61YVWQe-5b9z_YiuQW73wR7RRsDBPnrBMtXIg_h8yKWsr-ZNRgYbM7CA "
        "FzNbTkRjAGjkpwHUbAhjvLsIlAlL_M6EUh5E9OVEwXs "
        "qGR6iozBfLUCHbRywz1mHDdGYeqZ0JEcseV4KcwjEVeZtQN54odcJ1_QyZkmHacbQeHEai2-Aw9EF8-Ceh09Cg"
    ),
}
SENT = datetime(2017, 3, 5, 23, 53, 8, tzinfo=UTC)


def known(method="PUT", path=PATH, query="", body=BODY, **headers):
    changed = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return SignedRequest(method, path, query, changed.get, body)


def test_the_known_answer_verifies_at_its_time():
    signature = verify_request(known(), SENT)
    assert signature.live_key == "FzNbTkRjAGjkpwHUbAhjvLsIlAlL_M6EUh5E9OVEwXs"
    assert endorses(MASTER, signature)


@pytest.mark.parametrize("offset", [timedelta(minutes=-5), timedelta(minutes=5)])
def test_it_verifies_five_minutes_off(offset):
    verify_request(known(), SENT + offset)


@pytest.mark.parametrize("offset", [timedelta(minutes=-5, seconds=-1), timedelta(minutes=5, seconds=1)])
def test_it_does_not_verify_beyond_five_minutes(offset):
    with pytest.raises(BadSignature, match="_date"):
        verify_request(known(), SENT + offset)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PATCH"},
        {"path": PATH + "/"},
        {"query": "a=1"},
        {"body": BODY.replace(b"low", b"top")},
        {"host": "127.0.0.1:4568"},
        {"date": "2017-03-05T23:53:09Z"},
        {"content_type": "application/json "[:-1] + "; charset=utf-8"},
        {"x_signed_headers": "date host content-type content-length"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_it_does_not_verify_with_anything_changed(changes):
    with pytest.raises(BadSignature, match="wrong_signature"):
        verify_request(known(**changes), SENT)


def test_another_master_key_did_not_endorse_it():
    assert not endorses("PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690", verify_request(known(), SENT))


@pytest.mark.django_db
def test_the_door_answers_the_known_answer(client, policy, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    row = Marketplace.objects.create(name="published", connector_url="https://connector.example/v1")
    TrustedKey.objects.create(marketplace=row, label="published", public_key=MASTER)
    product = Product.objects.create(marketplace=row, label="generators", policy=policy, regions=["aws::us-east-1"])
    Plan.objects.create(product=product, label="low")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()}
    with time_machine.travel(SENT, tick=False):
        response = client.generic("PUT", PATH, BODY, HEADERS["content-type"], **headers)
    assert response.status_code == 201
