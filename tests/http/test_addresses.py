from ipaddress import ip_address

import pytest

from credservice.http.addresses import AddressRefused, NameNotFound, checked_addresses, is_public

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.88.99.1",
    "192.0.0.1",
    "192.0.0.192",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
    "2001:0:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "2001:1::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_it_takes_places_on_the_internet(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_it_takes_no_others(address):
    assert not is_public(ip_address(address))


def check(*addresses: str, plaintext: bool = False) -> list[str]:
    return checked_addresses("host.test", 443, plaintext=plaintext, seconds=1, resolver=lambda *_: list(addresses))


def test_one_private_address_among_public_ones_refuses_the_name(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    with pytest.raises(AddressRefused, match=r"host\.test leads to 10\.0\.0\.1, which is not public"):
        check("8.8.8.8", "10.0.0.1")


def test_an_allowed_network_opens_only_itself(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["10.1.0.0/16"]
    assert check("10.1.2.3", plaintext=True) == ["10.1.2.3"]
    with pytest.raises(AddressRefused):
        check("10.2.0.1")


def test_an_allowed_network_is_found_behind_a_mapped_address(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["10.1.0.0/16"]
    assert check("::ffff:10.1.2.3") == ["::ffff:10.1.2.3"]


def test_plain_http_needs_an_allowed_network(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    assert check("8.8.8.8") == ["8.8.8.8"]
    with pytest.raises(AddressRefused, match="must be reached by https"):
        check("8.8.8.8", plaintext=True)


def test_plain_http_to_a_public_address_is_refused_in_development_as_well(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with pytest.raises(AddressRefused, match=r"must be reached by https: 8\.8\.8\.8 is not in"):
        check("8.8.8.8", plaintext=True)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost", "0"])
def test_the_systems_spellings_of_loopback_are_refused(host, settings):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    with pytest.raises(AddressRefused):
        checked_addresses(host, 443, plaintext=False, seconds=5)


def test_a_name_without_an_address_is_not_found():
    with pytest.raises(NameNotFound):
        check()


def test_a_resolver_that_does_not_answer_is_left():
    import threading

    released = threading.Event()
    with pytest.raises(NameNotFound, match="was not resolved"):
        checked_addresses("slow.test", 443, plaintext=False, seconds=0.05, resolver=lambda *_: [str(released.wait(5))])
    released.set()
