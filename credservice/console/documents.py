"""Shows the service's own documents (docs/), which its package holds, as pages of the console at /admin/docs/."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from credservice.adminkit.templatetags.crumbs import Crumb

FOLDER = Path(__file__).resolve().parents[1] / "docs"
# Of what is shown as it is: pictures, and the examples, which are for reading.
TEXT = "text/plain; charset=utf-8"
TYPES = {".png": "image/png", ".html": TEXT, ".py": TEXT, ".yaml": TEXT}
LONG = 5  # headings of the second level from which on a page lists them


@dataclass(frozen=True)
class Page:
    title: str
    body: SafeString
    contents: list[tuple[str, str]]  # its headings of the second level: anchor, text


def document(request: HttpRequest, name: str = "") -> HttpResponse:
    """Answer with a page, a picture or an example. What was sent is looked up among the names that there are."""
    path = files().get(name)
    if path is None:
        other = next((found for found in (_name(name), f"{name}/") if found in files()), None)
        if other is None:
            raise Http404
        return HttpResponseRedirect(_address(other))
    if path.suffix in TYPES:
        kept = {"Cache-Control": "private, max-age=3600"}
        return HttpResponse(path.read_bytes(), content_type=TYPES[path.suffix], headers=kept)
    request.current_app = admin.site.name
    page = page_of(name)
    section = {"section": Crumb("Documentation", _address(""))} if name else {}
    context = admin.site.each_context(request) | section | {"title": page.title, "page": page}
    return TemplateResponse(request, "console/document.html", context)


@cache
def files() -> dict[str, Path]:
    """Find what may be shown, by the ends of the addresses."""
    found = (path for path in FOLDER.rglob("*") if path.suffix in {".md", *TYPES})
    return {_name(path.relative_to(FOLDER).as_posix()): path for path in found}


@cache
def page_of(name: str) -> Page:
    """Make a page, once in a process. HTML in a document is shown and not taken for such."""
    path = files()[name]
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    headings = _give_anchors(tokens)
    _lead_links(tokens, path.relative_to(FOLDER).parent.as_posix())
    body = markdown.renderer.render(tokens[3:], markdown.options, {})  # the title is above it, in the console's frame
    contents = [(anchor, text) for tag, anchor, text in headings if tag == "h2"]
    return Page(headings[0][2], _scrolling(body), contents if len(contents) >= LONG else [])


def _give_anchors(tokens: list[Token]) -> list[tuple[str, str, str]]:
    """Give each heading the anchor that GitHub gives it. Returns tag, anchor and text of each."""
    found, times = [], Counter[str]()
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            times[anchor] += 1
            heading.attrSet("id", anchor if times[anchor] == 1 else f"{anchor}-{times[anchor] - 1}")
            found.append((heading.tag, str(heading.attrGet("id")), text))
    return found


def _lead_links(tokens: Iterable[Token], folder: str) -> None:
    """Lead links and pictures to what is served. Those to other files of the sources become plain text."""
    for token in tokens:
        open_tag = "a"
        for child in token.children or ():
            if child.type == "link_open":
                address = _served(str(child.attrGet("href")), folder)
                open_tag = "a" if address else "span"
                child.tag, child.attrs = open_tag, {"href": address, "class": "text-link"} if address else {}
            elif child.type == "link_close":
                child.tag = open_tag
            elif child.type == "image":
                child.attrSet("src", _served(str(child.attrGet("src")), folder))


def _served(link: str, folder: str) -> str:
    """Find the address of what a document in ``folder`` links; empty where it is not served."""
    target, hash_mark, anchor = link.partition("#")
    if not target or ":" in target:
        return link
    found = _name(posixpath.normpath(posixpath.join(folder, target)))
    found = f"{found}/" if target.endswith("/") else found
    return f"{_address(found)}{hash_mark}{anchor}" if found in files() else ""


def _scrolling(body: str) -> SafeString:
    """Let what is wide scroll by itself, by keyboard too. Texts hold no tags: each ``<`` of theirs is escaped."""
    wide = '<div class="console-wide" tabindex="0">'
    body = body.replace("<pre>", '<pre tabindex="0">')
    body = body.replace("<table>", f"{wide}<table>").replace("</table>", "</table></div>")
    return mark_safe(body)  # noqa: S308  # nosec B308 B703


def _name(path: str) -> str:
    """Name a file by the end of its address: a page without .md, and a folder's README as the folder."""
    return re.sub(r"(?<!README)\.md$", "/", path).removesuffix("README.md")


def _address(name: str) -> str:
    return reverse("admin:documents", args=[name] if name else [])
