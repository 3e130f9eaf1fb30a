"""Whatever happens in a case, what it made is deleted."""

import socket

import pytest

from provisioning.checker.ids import new_id
from provisioning.checker.registry import Case
from provisioning.checker.runner import run
from provisioning.checker.transport import NoReply
from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, Nobody, command, provider_at


def interrupted(provider):
    provider.credential(provider.resource())
    raise KeyboardInterrupt


def test_an_interrupted_case_deletes_what_it_made():
    with serving(MASTER.public) as reference:
        cases = [Case("resource.interrupted", "", interrupted)]
        with pytest.raises(KeyboardInterrupt):
            run(cases, provider_at(reference.url), strict=True, listener=Nobody())
        assert (reference.store.resources, reference.store.credentials) == ({}, {})


def test_what_should_have_been_refused_is_deleted_as_well(key_file):
    with serving(MASTER.public, "any plan", "any id", "signature unchecked") as reference:
        code, _, _ = command(reference.url, master_key=key_file)
        assert code == 1
        assert (reference.store.resources, reference.store.credentials) == ({}, {})


def test_a_refused_repeat_does_not_hide_that_the_first_was_made():
    with serving(MASTER.public, "repeat is a conflict") as reference:
        provider = provider_at(reference.url)
        provider.put_resource(provider.resource())
        provider.clean_up()
        assert reference.store.resources == {}


def test_what_a_request_without_an_answer_may_have_made_is_named():
    resource_id = new_id()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        provider = provider_at(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(NoReply):
            provider.put_resource(resource_id)
        provider.clean_up()
    assert provider.left_behind == (f"/resources/{resource_id}",)


def test_what_the_provider_does_not_delete_is_named(key_file):
    with serving(MASTER.public, "deprovision answers 500") as reference:
        _, out, _ = command(reference.url, master_key=key_file, only=["resource.provision.created"])
    assert "Left behind, the provider did not delete: /resources/" in out


def test_nothing_is_left_behind_by_a_case_that_failed(key_file):
    with serving(MASTER.public, "one secret for all") as reference:
        code, out, _ = command(reference.url, master_key=key_file, only=["rotation"])
        assert (code, "Left behind" in out) == (1, False)
        assert reference.store.credentials == {}
