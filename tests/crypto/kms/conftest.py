"""Key services to test against: a Transit engine of our own, and the KMS of moto, both over real HTTP."""

import logging
from types import SimpleNamespace

import pytest

from credservice.crypto.keyring import Keyring
from credservice.crypto.kms import aws
from credservice.crypto.kms import vault as vault_module
from tests.crypto.kms.vault_stand_in import TOKEN, Key, transit_server

REGION = "eu-central-1"


@pytest.fixture
def transit(settings, monkeypatch):
    """A Transit engine with the key ``kek``, the derived key ``derived``, and settings that lead to it."""
    monkeypatch.setattr(vault_module, "PAUSES", (0.0, 0.0))
    with transit_server(kek=Key(), derived=Key(derived=True)) as server:
        settings.VAULT_ADDR, settings.VAULT_TOKEN = server.url, TOKEN
        settings.VAULT_TOKEN_FILE = settings.VAULT_NAMESPACE = settings.VAULT_CACERT = ""
        yield server


@pytest.fixture
def transit_key(transit):
    """Make a key of ENCRYPTION_KEYS that is this Transit key."""
    return lambda place="transit/kek": Keyring.parse(f"t1:transit:{place}").current


@pytest.fixture
def aws_environment(monkeypatch, tmp_path):
    """The SDK's settings for an endpoint, and nothing of this machine's."""

    def use(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)
        aws._client.cache_clear()

    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield use
    aws._client.cache_clear()


@pytest.fixture(scope="session")
def moto_url():
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(aws_environment, moto_url):
    """The KMS of moto: ``make()`` a key, point an ``alias`` at one."""
    aws_environment(moto_url)
    client = aws._client(REGION, 0)

    def make(**options: bool) -> str:
        return str(client.create_key(**options)["KeyMetadata"]["Arn"])

    def alias(name: str, arn: str) -> None:
        names = [entry["AliasName"] for entry in client.list_aliases()["Aliases"]]
        change = client.update_alias if name in names else client.create_alias
        change(AliasName=name, TargetKeyId=arn.rpartition("/")[2])

    return SimpleNamespace(make=make, alias=alias, client=client)
