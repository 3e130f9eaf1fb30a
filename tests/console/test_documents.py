"""The documents that the console serves: each page, and where each of its links leads."""

import ast
import html
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from django.test import Client

from credservice.console import documents
from credservice.console.documents import FOLDER, files
from tests.support.console import World
from tests.support.pages import every_url
from tests.support.paths import ROOT

INDEX = "/admin/docs/"
ROOMS = ("credservice", "exchange", "provisioning")
SOURCES = sorted((ROOT / "docs").rglob("*.md"))
PAGES = sorted(name for name, path in files().items() if path.suffix == ".md")


def body_of(answer: Any) -> str:
    page: str = answer.content.decode()
    return page.split('id="content-main"', 1)[1].split("</main>", 1)[0]


def leads_somewhere(console: Client, link: str) -> bool:
    address, _, anchor = link.partition("#")
    if not address.startswith("/"):
        return address.startswith(("https://", "http://localhost"))
    answer = console.get(address)
    return answer.status_code == 200 and (not anchor or f' id="{anchor}"' in body_of(answer))


def test_every_document_has_a_page_that_the_index_names(console: Client) -> None:
    assert sorted(ROOT / "docs" / files()[name].relative_to(FOLDER) for name in PAGES) == SOURCES
    index = body_of(console.get(INDEX))
    assert [name for name in PAGES if name and f'href="{INDEX}{name}"' not in index] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_title_and_each_of_its_links_leads_somewhere(console: Client, name: str) -> None:
    title = files()[name].read_text().split("\n", 1)[0].removeprefix("# ").replace("`", "")
    answer = console.get(INDEX + name)
    assert (answer.status_code, answer.context["title"]) == (200, title)
    assert "<h1" not in body_of(answer)  # the frame has it
    anchors = re.findall(r' id="([^"]*)"', answer.content.decode())
    assert [anchor for anchor, times in Counter(anchors).items() if times > 1] == []
    links = [html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]*)"', body_of(answer))]
    assert [link for link in links if not leads_somewhere(console, urljoin(INDEX + name, link))] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_links_is_a_file_also_where_its_link_is_shown_as_text(path: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^):#\s]+)[^):]*\)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("images/console-roles.png", "image/png"),
        ("examples/demo.yaml", "text/plain; charset=utf-8"),
        ("examples/mindcloud-page.html", "text/plain; charset=utf-8"),
    ],
)
def test_pictures_and_examples_are_served_as_they_are(console: Client, sent: str, kind: str) -> None:
    answer = console.get(INDEX + sent)
    assert (answer.status_code, answer["Content-Type"], answer["X-Content-Type-Options"]) == (200, kind, "nosniff")
    assert (answer.content, answer["Cache-Control"]) == ((ROOT / "docs" / sent).read_bytes(), "private, max-age=3600")


@pytest.mark.parametrize(
    ("sent", "leads_to"),
    [
        ("operating", "operating/"),
        ("operating.md", "operating/"),
        ("protocols/osb.md", "protocols/osb/"),
        ("issuers", "issuers/"),
        ("issuers/README.md", "issuers/"),
        ("README.md", ""),
    ],
)
def test_the_name_of_a_file_leads_to_its_page(console: Client, sent: str, leads_to: str) -> None:
    answer = console.get(INDEX + sent)
    assert (answer.status_code, answer["Location"]) == (302, INDEX + leads_to)


@pytest.mark.parametrize(
    "sent",
    [
        "nothing/",
        "Operating/",
        "operating//",
        "/operating/",
        "./operating/",
        "protocols/",
        "..%2f",
        "..%2fcrypto%2f__init__.py",
        "%2e%2e/%2e%2e/pyproject.toml",
        "examples/__pycache__/",
        "%2fetc%2fpasswd",
        "%ff",
        "a" * 5000,
    ],
)
def test_what_there_is_not_is_a_page_that_says_so(console: Client, sent: str) -> None:
    answer = console.get(INDEX + sent)
    assert (answer.status_code, "There is nothing here" in answer.content.decode()) == (404, True)


@pytest.mark.parametrize("sent", ["", "operating/", "images/console-roles.png", "nothing/"])
def test_a_visitor_has_to_sign_in(client: Client, sent: str) -> None:
    answer = client.get(INDEX + sent)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={INDEX}{sent}")


def test_help_texts_lead_to_places_that_there_are(console: Client) -> None:
    sources = [path.read_text() for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    calls = [node for source in sources if "see_document(" in source for node in ast.walk(ast.parse(source))]
    places = [ast.literal_eval(node.args[1]) for node in calls if isinstance(node, ast.Call) and is_link(node)]
    assert len(places) > 5
    assert [place for place in places if not leads_somewhere(console, INDEX + place)] == []


def is_link(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "see_document"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("events/eventendpoint/", "events/#verify"),
        ("exchange/integration/add/", "protocols/mindcloud/#the-answer"),
        ("credentials/credentialpolicy/add/", "issuers/"),
    ],
)
def test_a_help_text_has_a_link(console: Client, address: str, place: str) -> None:
    assert f'<a class="text-link" href="{INDEX}{place}" target="_blank" rel="noopener">' in body_of(
        console.get(f"/admin/{address}")
    )


def test_no_page_names_a_file_that_its_reader_may_not_have(console: Client, world: World, admin: Any) -> None:
    found = {}
    for address in every_url(admin):
        found[address] = re.findall(r"docs/[\w/-]+\.md", console.get(address, follow=True).content.decode())
    assert {address: names for address, names in found.items() if names} == {}


def test_html_in_a_document_is_text(monkeypatch: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.md"
    path.write_text("# Bad\n\n<script>alert(1)</script> [a](javascript:alert(1)) <pre><table>\n")
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    monkeypatch.setitem(files(), "bad/", path)
    body = documents.page_of("bad/").body
    assert re.findall("<[^>]*>", body) == ["<p>", "</p>"]
