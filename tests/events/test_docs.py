"""docs/events.md says what is sent, and its recipes verify it."""

import json
import re
import shutil
import subprocess
import time

import pytest
from django.utils import timezone

from credservice.events.emit import emit, rehearsal
from credservice.events.examples import examples, ping
from credservice.events.models import Event
from credservice.events.types import PING, TYPES
from credservice.http.webhook_signatures import sign
from tests.events import test_sites
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "events.md").read_text()
SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiB0aGUgZG9jcw=="
BODY = b'{"type":"ping","timestamp":"2027-01-31T09:30:00Z","data":{"id":"\xc3\xa9"}}'
GO_PACKAGES = "crypto/hmac crypto/sha256 encoding/base64 fmt math net/http strconv strings time"
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", TEXT, re.MULTILINE))


def recipe(language: str) -> str:
    return TEXT.split(f"```{language}\n", 1)[1].split("```", 1)[0]


def headers(at: float | None = None) -> dict[str, str]:
    signed = sign("evt_1", BODY.decode(), ["whsec_" + "A" * 44, SECRET])
    return signed | ({"webhook-timestamp": str(int(at))} if at else {})


# None: the header is missing.
BROKEN = [
    {"webhook-signature": None},
    {"webhook-timestamp": None},
    {"webhook-id": None},
    {"webhook-timestamp": "now"},
    {"webhook-timestamp": "9" * 400},
    {"webhook-signature": "v1,\xe9"},
]


def changed(change: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in (headers() | change).items() if text is not None}


def test_it_names_every_type_with_its_sentence():
    assert {name: row.split(" | ")[0] for name, row in ROWS.items()} == TYPES


@pytest.mark.parametrize(
    "act",
    [
        test_sites.test_a_credential_that_is_issued_rotated_and_revoked,
        test_sites.test_an_installation_that_is_discovered_waits_and_is_approved,
    ],
)
def test_it_names_every_field(act, request, endpoint):
    names = act.__code__.co_varnames[: act.__code__.co_argcount]
    act(**{name: request.getfixturevalue(name) for name in names})
    for event in Event.objects.all():
        fields = set(json.loads(event.body)["data"]) - {"id", "subject", "links"}
        assert fields == set(re.findall(r"`(\w+)`", ROWS[event.type].split(" | ")[1])), event.type


def test_the_examples_are_of_every_type_and_have_every_field(db):
    told = examples() | {PING: ping("backend", "")}
    assert list(told) == list(TYPES)
    for name, example in told.items():
        data = json.loads(example.body(timezone.now()))["data"]
        assert set(data) - {"id", "subject", "links"} == set(re.findall(r"`(\w+)`", ROWS[name].split(" | ")[1])), name


def test_what_is_rehearsed_is_told_to_nobody(endpoint):
    examples()
    assert not Event.objects.exists()
    with pytest.raises(ZeroDivisionError), rehearsal():
        _ = 1 / 0
    emit("credential.issued", object_type="credential", object_id="1")
    assert "example" not in json.loads(Event.objects.get().body)


def test_the_recipe_in_python():
    verify = {}
    exec(recipe("python"), verify)
    assert verify["verify"](SECRET, headers(), BODY)
    assert not verify["verify"](SECRET, headers(), BODY + b" ")
    assert not verify["verify"](SECRET, headers(time.time() - 400), BODY)


@pytest.mark.parametrize("change", BROKEN)
def test_the_recipe_in_python_is_false_for_a_bad_header(change):
    verify = {}
    exec(recipe("python"), verify)
    assert verify["verify"](SECRET, changed(change), BODY) is False


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
@pytest.mark.parametrize("change", BROKEN)
def test_the_recipe_in_node_is_false_for_a_bad_header(change):
    assert said_by_node(changed(change), BODY.decode()) == "false"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
@pytest.mark.parametrize(("change", "expected"), [("", "true"), (" ", "false")])
def test_the_recipe_in_node(change, expected):
    assert said_by_node(headers(), BODY.decode() + change) == expected


def said_by_node(sent: dict[str, str], body: str) -> str:
    call = f"verify({json.dumps(SECRET)}, {json.dumps(sent)}, Buffer.from({json.dumps(body)}))"
    script = f"{recipe('javascript')}\nconsole.log({call})"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no go on this machine")
def test_the_recipe_in_go(tmp_path):
    fill = "".join(f"header.Set({json.dumps(name)}, {json.dumps(text)})\n" for name, text in headers().items())
    call = f"fmt.Println(verify({json.dumps(SECRET)}, header, []byte({json.dumps(BODY.decode())})))"
    imports = "; ".join(json.dumps(package) for package in GO_PACKAGES.split())
    main = f"func main() {{\nheader := http.Header{{}}\n{fill}{call}\n}}\n"
    (tmp_path / "main.go").write_text(f"package main\n\nimport ({imports})\n\n{recipe('go')}\n{main}")
    done = subprocess.run(
        ["go", "run", "main.go"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "true"
