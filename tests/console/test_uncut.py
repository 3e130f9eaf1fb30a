"""No browser cuts off the end of what is pasted, which would be saved as another value."""

import re

from django.contrib.auth.models import User
from django.test import Client

from exchange.models import EndUser
from tests.support.console import World
from tests.support.pages import attributes, every_url, send, url

# Codes, passwords, and what Django makes: a cut one is refused.
REFUSED_ANYWAY = {"password", "code", "old_password", "new_password1", "new_password2", "password1", "password2"}


def test_no_input_of_any_page_cuts(world: World, console: Client, admin: User) -> None:
    cut = set()
    for address in every_url(admin):
        answer = console.get(address, follow=True)
        for element in re.findall(r"<(?:input|textarea)[^>]*maxlength[^>]*>", answer.content.decode(errors="replace")):
            name = re.search(r'name="([^"]*)"', element)
            cut.add((address, name[1] if name else element))
    assert {(address, name) for address, name in cut if name not in REFUSED_ANYWAY} == set()


def test_an_overlong_id_is_refused_whole(world: World, console: Client) -> None:
    long = {"end_user_id": "e" * 300, "external_id": "x" * 256}
    page = send(console, url(EndUser, "add"), platform=str(world.platform.pk), **attributes(), **long)
    assert page.context["adminform"].form.errors == {
        "end_user_id": ["Write at most 255 characters: these are 300."],
        "external_id": ["Write at most 255 characters: these are 256."],
    }
    assert "e" * 300 in page.content.decode()  # to be mended there
