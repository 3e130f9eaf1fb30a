"""Each setting of a signature profile, over the endpoint."""

import base64
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from exchange.models import Platform
from exchange.signatures.verify import CONSTRUCTIONS


def test_each_construction_on_offer_is_one_we_can_check():
    assert set(Platform.Construction.values) == set(CONSTRUCTIONS)


@pytest.mark.parametrize("construction", list(CONSTRUCTIONS))
def test_constructions(door, granted, construction):
    door.configure(construction=construction)
    assert door.post().status_code == 200


@pytest.mark.parametrize("construction", [name for name in CONSTRUCTIONS if name != "hmac-sha256"])
def test_another_construction_is_refused(door, granted, construction):
    door.platform.construction = construction  # what is stored stays hmac-sha256
    assert door.post().status_code == 401


@pytest.mark.parametrize("header", ["Date", "X-MindCloud-Timestamp", "x-request-timestamp"])
def test_the_timestamp_may_be_in_another_header(door, granted, header):
    door.configure(timestamp_header=header)
    assert door.post().status_code == 200


def test_the_timestamp_may_be_inside_the_signature(door, granted):
    door.configure(timestamp_header="")
    assert door.signed()["X-Signature"].startswith("t=")
    assert door.post().status_code == 200


def test_several_digests_may_be_inside_the_signature(door, granted):
    door.configure(timestamp_header="")
    headers = door.signed()
    timestamp, digest = headers["X-Signature"].split(",")
    headers["X-Signature"] = f"{timestamp}, v0=ignored, v1={'0' * 64}, {digest}"
    assert door.post(headers=headers).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda t, v1: v1,  # no timestamp
        lambda t, v1: f"{t},{t},{v1}",  # the header twice
        lambda t, v1: t,  # no digest
        lambda t, v1: f"t=,{v1}",
        lambda t, v1: f"{t},v1=",
        lambda t, v1: f"{t},{v1},v1=short",
        lambda t, v1: ",".join([t] + [v1] * 9),  # more digests than anybody needs
        lambda t, v1: v1.removeprefix("v1="),  # the plain form
    ],
)
def test_a_bad_signature_with_its_timestamp_inside_is_refused(door, granted, change):
    door.configure(timestamp_header="")
    headers = {"X-Signature": change(*door.signed()["X-Signature"].split(","))}
    assert door.post(headers=headers | {"X-Timestamp": str(int(time.time()))}).status_code == 401


def moments():
    now = datetime.now(UTC)
    return {
        "seconds": str(int(now.timestamp())),
        "fraction": f"{now.timestamp():.3f}",
        "milliseconds": str(int(now.timestamp() * 1000)),
        "RFC 3339": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "RFC 3339, offset": now.astimezone(timezone(timedelta(hours=-7))).isoformat(),
        "ISO 8601 basic": now.strftime("%Y%m%dT%H%M%SZ"),
        "HTTP date": format_datetime(now, usegmt=True),
    }


@pytest.mark.parametrize("form", list(moments()))
def test_forms_of_timestamps(door, granted, form):
    assert door.post(headers=door.signed(timestamp=moments()[form])).status_code == 200


def test_an_http_date_in_the_date_header(door, granted):
    door.configure(timestamp_header="Date")
    assert door.post(headers=door.signed(timestamp=moments()["HTTP date"])).status_code == 200


DIGESTS = {
    "hex": lambda raw: raw.hex(),
    "upper hex": lambda raw: raw.hex().upper(),
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64 unpadded": lambda raw: base64.b64encode(raw).decode().rstrip("="),
    "base64url": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "base64url unpadded": lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
}


@pytest.mark.parametrize("prefix", ["", "sha256="])
@pytest.mark.parametrize("form", list(DIGESTS))
def test_forms_of_digests(door, granted, form, prefix):
    headers = door.signed()
    headers["X-Signature"] = prefix + DIGESTS[form](bytes.fromhex(headers["X-Signature"]))
    assert door.post(headers=headers).status_code == 200


def test_the_path_is_signed_without_its_query(door, granted):
    assert door.post(path=f"{door.path}?a=1", headers=door.signed(door.path)).status_code == 200
    assert door.post(path=f"{door.path}?a=1", headers=door.signed(query="a=1", path=door.path)).status_code == 200


def test_the_path_may_be_signed_with_its_query(door, granted):
    door.configure(signed_path="target")
    path = f"{door.path}?b=%2F&a=1&a=+"
    assert door.post(path=path).status_code == 200
    assert door.post(path=path, headers=door.signed(door.path)).status_code == 401
    assert door.post(path=path, headers=door.signed(f"{door.path}?a=1&a=+&b=%2F")).status_code == 401


def test_a_prefix_that_a_proxy_strips_is_signed(door, granted):
    door.configure(public_prefix="/partners/api")
    assert door.post().status_code == 200
    door.platform.public_prefix = ""
    assert door.post(headers=door.signed(f"/partners/api{door.path}")).status_code == 200
    assert door.post(headers=door.signed(door.path)).status_code == 401


def test_the_method_may_be_lower_case(door, granted):
    door.configure(lower_case_method=True)
    assert door.post().status_code == 200
    door.platform.lower_case_method = False
    assert door.post().status_code == 401


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize(("seconds", "status"), [(-9, 200), (9, 200), (-12, 401), (12, 401)])
def test_tolerance_both_ways(door, granted, seconds, status):
    door.configure(tolerance_seconds=10)
    assert door.post(headers=door.signed(timestamp=f"{time.time() + seconds:.3f}")).status_code == status


@pytest.mark.parametrize(
    "settings",
    [
        {"tolerance_seconds": 0},
        {"tolerance_seconds": 3601},
        {"require_signature": False},
        {"source_networks": ["here"]},
        {"source_networks": "203.0.113.0/24"},
        {"timestamp_header": "X Timestamp"},
        {"timestamp_header": "X-Timestamp\n"},
        {"public_prefix": "partners"},
        {"public_prefix": "/partners/"},
        {"construction": "md5"},
        {"construction": "sha256-secret-message"},  # anybody can extend the message of such a digest
    ],
)
def test_a_profile_that_cannot_hold_is_not_saved(door, settings):
    with pytest.raises(ValidationError):
        door.configure(**settings)


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2001:db8::/31"])
def test_unsigned_calls_from_nearly_anywhere_are_not_allowed(door, network):
    with pytest.raises(ValidationError, match="no network may be wider than /8"):
        door.configure(require_signature=False, source_networks=["203.0.113.0/24", network])


@pytest.mark.parametrize("signed", [True, False])
def test_networks_may_be_as_wide_as_one_organisation(door, signed):
    door.configure(require_signature=signed, source_networks=["10.0.0.0/8", "2001:db8::/32"])


def test_a_signed_platform_may_name_any_network(door):
    door.configure(source_networks=["0.0.0.0/0"])


def test_the_database_refuses_an_unsigned_platform_without_networks(door):
    with pytest.raises(IntegrityError, match="exchange_platform_unsigned_needs_networks"):
        Platform.objects.update(require_signature=False)
