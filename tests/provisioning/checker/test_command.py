"""The command as a person runs it: options, output, exit codes."""

import re
import socket

import pytest

from provisioning.checker.keys import MasterKey
from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, command

ONE = ["resource.provision.created"]


@pytest.fixture
def reference():
    with serving(MASTER.public) as running:
        yield running


def test_a_passing_run_ends_with_0_and_a_summary(reference, key_file):
    code, out, errors = command(reference.url, master_key=key_file, strict=True)
    assert (code, errors) == (0, "")
    assert re.search(r"\n\d+ passed, 25 skipped, \d+\.\d s\n$", out)


def test_a_line_has_a_tick_the_name_and_what_is_checked(reference, key_file):
    _, out, _ = command(reference.url, master_key=key_file, only=ONE)
    assert "\nResources\n  \u2713 resource.provision.created " in out
    assert "a new resource is provisioned" in out


def test_a_failing_run_ends_with_1_and_says_why(key_file):
    with serving(MASTER.public, "provision answers 500") as reference:
        code, out, _ = command(reference.url, master_key=key_file, only=ONE)
    assert code == 1
    assert "  \u2717 resource.provision.created" in out
    assert "      expected 201 or 204, got 500\n      PUT /v1/resources/" in out


def test_warnings_alone_end_with_0_and_name_the_option_that_makes_them_failures(key_file):
    with serving(MASTER.public, "ids used again") as reference:
        code, out, _ = command(reference.url, master_key=key_file)
    assert code == 0
    assert "  ! resource.provision.reuse" in out
    assert "--strict makes them failures" in out


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_the_url_may_end_in_every_way_that_the_documents_print(reference, key_file, ending):
    code, out, _ = command(reference.url + ending, master_key=key_file, only=ONE)
    assert (code, f"Checking {reference.url}/v1:" in out) == (0, True)


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://host", "http://", "http://u:p@h/", "http://h/?a=1", "http://h:port", "http://h:99999"],
)
def test_what_is_no_url_of_a_provider_ends_with_2_and_a_sentence(url):
    code, out, errors = command(url)
    assert (code, out) == (2, "")
    assert errors.startswith(f"check_provider: {url!r} ")


def test_a_provider_that_is_not_there_ends_with_2_and_a_sentence():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        code, _, errors = command(url)
    assert code == 2
    assert errors.startswith(f"check_provider: no provider answers at {url}/v1: ")


def test_a_provider_that_stays_silent_ends_with_2():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, _, errors = command(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
    assert (code, "none within 0.2 s" in errors) == (2, True)


def test_an_untrusted_key_is_explained_with_what_was_signed(reference):
    code, out, _ = command(reference.url)
    assert code == 1
    assert "It probably does not trust this master key:" in out
    assert ".venv/bin/python manage.py trust_key manifold check-provider --test -- " in out
    assert "\n    patch /v1/resources/" in out
    assert "passed" not in out


def test_a_new_pair_is_kept_and_can_be_trusted(tmp_path):
    path = tmp_path / "key.json"
    code, out, _ = command(None, save_key=path)
    assert (code, f".venv/bin/python manage.py trust_key manifold check-provider --test {path}" in out) == (0, True)
    with serving(MasterKey.load(path).public) as reference:
        assert command(reference.url, master_key=path, only=ONE)[0] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "name the provider's URL"),
        ({"url": "http://h", "plan": "small"}, "name the --product"),
        ({"url": "http://h", "product": "bear"}, "--product needs --plan as well"),
        ({"url": "http://h", "product": "bear", "plan": "small"}, "--product needs --region as well"),
        ({"only": ["resource.provision.repeet"]}, "did you mean resource.provision.repeat?"),
        ({"skip": ["nonsense"]}, "no case is named nonsense; --list shows the names"),
        ({"only": ["resource", "http://h"]}, "put the URL before --only"),
        ({"url": "http://h", "only": ["rotation.swap"], "credential": "single"}, "--credential single"),
        ({"url": "http://h", "master_key": "a", "save_key": "b"}, "give one of them"),
    ],
)
def test_options_that_do_not_fit_end_with_2_and_a_sentence(options, sentence):
    code, out, errors = command(options.pop("url", None), **options)
    assert (code, out) == (2, "")
    assert sentence in errors


def test_only_and_skip_take_cases_groups_and_strict(reference, key_file):
    options = {"only": ["measures", "error.unknown_path"], "skip": ["strict", "measures.month"]}
    _, out, _ = command(reference.url, master_key=key_file, **options)
    names = re.findall(r"\u2713 (\S+)", out)
    assert names == ["measures.half_open", "measures.bad_period", "measures.unknown_resource"]


def test_the_order_comes_from_the_options(reference, key_file):
    order = {"product": "bear", "plan": "ursa-major", "region": "all::global"}
    code, out, _ = command(reference.url, master_key=key_file, **order)
    assert (code, "product bear, plan ursa-major, region all::global" in out) == (0, True)
    assert re.search(r"  - plan.change.done .*\n      needs --new-plan\n", out)
    assert re.search(r"  - resource.provision.without_features .*\n      needs --plan-features\n", out)


def test_a_wrong_product_fails_with_the_providers_own_words(reference, key_file):
    order = {"product": "cat", "plan": "small", "region": "all::global"}
    code, out, _ = command(reference.url, master_key=key_file, only=ONE, **order)
    assert (code, "There is no such product." in out) == (1, True)


def test_list_shows_every_case_and_needs_no_provider():
    code, out, _ = command(None, list=True)
    assert code == 0
    assert re.search(r"\nCredential rotation\n  rotation.swap .*\(multiple credentials\)\n", out)
    assert "rotation.one_at_a_time" in out
