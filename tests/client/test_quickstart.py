"""docs/quickstart-vendor.md: every command of the page, as it stands there."""

import shutil

import pytest

from tests.support.documented import Step, fits, run, steps_of
from tests.support.live import own_database, serving
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/quickstart-vendor.md").read_text()
needs_tools = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("bash", "curl", "openssl")), reason="no bash, no curl or no openssl"
)


@pytest.fixture
def fresh_service():
    """As the page begins: nothing has happened in it yet. ``make run`` has a second platform, of the issuers."""
    with own_database() as url, serving(url) as service:
        other = service.folder / "other.yaml"
        other.write_text("platforms:\n  issuers:\n    signing_secret: file:demo/mindcloud-signing-secret\n")
        service.manage("apply", str(other)).check_returncode()
        yield service


@needs_tools
def test_every_command_answers_what_the_page_shows(fresh_service):
    steps = steps_of(PAGE)
    environment = fresh_service.environment | {"CREDSERVICE_URL": fresh_service.base_url}
    answers = run(steps, ROOT, environment)
    for step, answer in zip(steps, answers, strict=True):
        assert fits(answer, step.answer), f"$ {step.command}\n{answer}"


@pytest.mark.parametrize(
    ("answer", "shown", "fitting"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a b", "a", False),
        ("a\nb c", "a...c", True),
        ("", "", True),
        ("x", "", False),
    ],
)
def test_three_dots_stand_for_anything_and_nothing_else_does(answer, shown, fitting):
    assert fits(answer, shown) is fitting


def test_a_command_may_span_lines():
    page = "```console\n$ one \\\n  more\nsaid\nagain\n$ two\n```\n```sh\nthree\n```\n"
    assert steps_of(page) == [Step("one \\\n  more", "said\nagain"), Step("two", ""), Step("three\n", "")]
