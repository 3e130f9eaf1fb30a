"""Master keys from and to files."""

import base64
import json
import stat
from pathlib import Path

import pytest

from provisioning.checker.keys import KeyFileError, MasterKey, decode_base64, encode_base64url

KEY = MasterKey.generate()
SEED = KEY.private.private_bytes_raw()

ALPHABETS = {
    "standard": lambda raw: base64.b64encode(raw).decode(),
    "standard-unpadded": lambda raw: base64.b64encode(raw).decode().rstrip("="),
    "urlsafe": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "urlsafe-unpadded": encode_base64url,
}


def written(path: Path, public: str, private: str) -> Path:
    path.write_text(json.dumps({"public_key": public, "private_key": private}))
    return path


@pytest.mark.parametrize("encode", ALPHABETS.values(), ids=ALPHABETS)
@pytest.mark.parametrize("private", [SEED, SEED + KEY.public], ids=["seed", "seed and public key"])
def test_a_pair_is_read_in_every_form(tmp_path, encode, private):
    path = written(tmp_path / "key.json", encode(KEY.public), encode(private))
    assert MasterKey.load(path).public == KEY.public


def test_a_saved_pair_is_read_again_and_is_its_owners_alone(tmp_path):
    KEY.save(tmp_path / "key.json")
    assert MasterKey.load(tmp_path / "key.json").public == KEY.public
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600


def test_a_saved_pair_has_the_form_of_the_marketplaces_checker(tmp_path):
    KEY.save(tmp_path / "key.json")
    content = json.loads((tmp_path / "key.json").read_text())
    assert base64.b64decode(content["private_key"], validate=True) == SEED + KEY.public


def test_an_existing_file_is_not_overwritten(tmp_path):
    (tmp_path / "key.json").write_text("precious")
    with pytest.raises(KeyFileError, match="exists already"):
        KEY.save(tmp_path / "key.json")
    assert (tmp_path / "key.json").read_text() == "precious"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(KeyFileError, match="No such file or directory"):
        KEY.save(tmp_path / "absent" / "key.json")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not json", "is not JSON"),
        ("[]", "is not JSON"),
        ("{}", "is not JSON with a base64"),
        ('{"public_key": "a b!", "private_key": "AAAA"}', "is not JSON with a base64"),
        ('{"public_key": 7, "private_key": 7}', "is not JSON with a base64"),
        (json.dumps({"public_key": encode_base64url(KEY.public), "private_key": "AAAA"}), "has 3 bytes"),
        (json.dumps({"public_key": "AAAA", "private_key": encode_base64url(SEED)}), "does not belong"),
    ],
    # The keys differ from process to process, and with them the names that pytest would make.
    ids=["text", "list", "empty", "no base64", "numbers", "short", "of another pair"],
)
def test_a_file_that_is_no_pair_is_refused_with_the_reason(tmp_path, content, reason):
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(KeyFileError, match=reason):
        MasterKey.load(tmp_path / "key.json")


def test_a_missing_file_is_refused_with_the_reason(tmp_path):
    with pytest.raises(KeyFileError, match="cannot read the key file"):
        MasterKey.load(tmp_path / "absent.json")


def test_base64_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not base64"):
        decode_base64("a!b")


def test_a_pair_does_not_show_its_private_half():
    assert "private" not in repr(KEY)
