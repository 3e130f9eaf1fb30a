"""JUnit XML of a run."""

import socket
from xml.etree import ElementTree as ET

from tests.provisioning.checker.reference import serving
from tests.provisioning.checker.support import MASTER, command

SOME = ["resource.provision.created", "resource.provision.reuse", "resource.provision.conflict", "sso.accepted.done"]


def suite_of(path):
    [suite] = ET.parse(path).getroot()
    return suite


def test_every_outcome_is_in_the_file(tmp_path, key_file):
    path = tmp_path / "report.xml"
    with serving(MASTER.public, "ids used again", "conflict ignored") as reference:
        code, _, _ = command(reference.url, master_key=key_file, only=SOME, junit=path)
    suite = suite_of(path)
    assert (code, suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (1, "4", "1", "1")
    children = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert list(children.values()) == [[], ["failure"], ["system-out"], ["skipped"]]


def test_a_failure_has_its_reason_and_the_answer(tmp_path, key_file):
    with serving(MASTER.public, "conflict ignored") as reference:
        command(reference.url, master_key=key_file, only=[SOME[2]], junit=tmp_path / "report.xml")
    [failure] = suite_of(tmp_path / "report.xml").iter("failure")
    assert failure.get("message") == "expected 409, got 201"
    assert "Your bear is awake already." in (failure.text or "")


def test_a_run_that_could_not_be_made_is_an_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert command(url, timeout=0.2, junit=tmp_path / "report.xml")[0] == 2
    [error] = suite_of(tmp_path / "report.xml").iter("error")
    assert "none within 0.2 s" in (error.get("message") or "")


def test_an_untrusted_key_is_an_error(tmp_path):
    with serving(MASTER.public) as reference:
        assert command(reference.url, junit=tmp_path / "report.xml")[0] == 1
    assert suite_of(tmp_path / "report.xml").get("errors") == "1"


def test_a_file_that_cannot_be_written_is_told_before_the_run(tmp_path, key_file):
    with serving(MASTER.public) as reference:
        code, out, errors = command(reference.url, master_key=key_file, junit=tmp_path / "none" / "report.xml")
    assert (code, out) == (2, "")
    assert errors.startswith("check_provider: cannot write ")
