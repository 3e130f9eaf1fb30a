import pytest

from credservice.checks import check_networks, check_outgoing_ca


def test_sound_settings_pass(settings):
    settings.OUTGOING_ALLOWED_NETWORKS, settings.OUTGOING_CA = ["10.0.0.0/8", "::1"], ""
    assert check_networks() == check_outgoing_ca() == []


def test_a_network_that_is_none_stops_the_start(settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["ten"]
    (message,) = check_networks()
    assert message.id == "credservice.E008"
    assert "ten" in message.msg


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_a_network_of_every_address_is_told(settings, network):
    settings.OUTGOING_ALLOWED_NETWORKS = ["10.0.0.0/8", network]
    (message,) = check_networks()
    assert message.id == "credservice.W003"
    assert "OUTGOING_ALLOWED_NETWORKS" in message.msg


@pytest.mark.parametrize("text", ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_an_authority_that_is_no_certificate_stops_the_start(settings, text):
    settings.OUTGOING_CA = text
    assert [message.id for message in check_outgoing_ca()] == ["credservice.E009"]
