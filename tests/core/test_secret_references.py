import pytest

from credservice.core.secret_references import MAX_BYTES, UnreadableReference, check_reference, resolve_reference


def test_it_reads_the_environment(monkeypatch):
    monkeypatch.setenv("VENDOR_SECRET", "s3cret\n")
    assert resolve_reference("env:VENDOR_SECRET") == "s3cret"


def test_it_reads_a_file(tmp_path):
    (tmp_path / "secret").write_text("s3cret\r\n")
    assert resolve_reference(f"file:{tmp_path}/secret") == "s3cret"


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path):
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    assert resolve_reference(f"file:{tmp_path}/secret") == "s3cret"


def test_a_relative_path_starts_at_var_dir(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    (tmp_path / "secret").write_text("s3cret")
    assert resolve_reference("file:secret") == "s3cret"


def test_a_replaced_file_is_read_anew(tmp_path):
    (tmp_path / "secret").write_text("old")
    resolve_reference(f"file:{tmp_path}/secret")
    (tmp_path / "secret").write_text("new")
    assert resolve_reference(f"file:{tmp_path}/secret") == "new"


@pytest.mark.parametrize("written", ["hunter2-the-secret", "", "env:", "file: ", "https:x", None, 7])
def test_a_secret_itself_is_refused_and_not_quoted(written):
    with pytest.raises(UnreadableReference, match="env:NAME or file:PATH") as caught:
        check_reference(written)
    assert "hunter2" not in str(caught.value)


def test_a_missing_variable_is_named():
    with pytest.raises(UnreadableReference, match="VENDOR_SECRET is not set"):
        resolve_reference("env:VENDOR_SECRET")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"a\x00b", b"x" * (MAX_BYTES + 1)])
def test_a_file_without_a_usable_text_is_refused(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(UnreadableReference, match="secret"):
        resolve_reference(f"file:{tmp_path}/secret")


@pytest.mark.parametrize("path", ["/no/such/file", "/", "/dev/zero", "a\x00b"])
def test_what_is_no_readable_file_is_refused(path):
    with pytest.raises(UnreadableReference):
        resolve_reference(f"file:{path}")
