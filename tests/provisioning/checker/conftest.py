import pytest

from tests.provisioning.checker.support import MASTER


@pytest.fixture
def key_file(tmp_path):
    """The pair that the reference providers of the tests trust."""
    MASTER.save(tmp_path / "masterkey.json")
    return tmp_path / "masterkey.json"
