"""Unfold's own widgets under our policy: they run on Alpine's build that evaluates no strings (console/alpine.js)."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE

HTML = "html"


def test_the_menu_under_ones_name_opens_and_closes(console: Page, operator: tuple[str, str]):
    console.get_by_text(operator[0]).first.click()
    expect(console.get_by_role("link", name="My account")).to_be_visible()
    console.get_by_role("heading", level=1).first.click()
    expect(console.get_by_role("link", name="My account")).to_be_hidden()


@pytest.mark.parametrize(("choice", "shown"), [("Dark", "dark"), ("Light", "light")])
def test_the_theme_is_switched_and_kept(console: Page, operator: tuple[str, str], choice: str, shown: str):
    console.get_by_text(operator[0]).first.click()
    console.get_by_text(choice, exact=True).click()
    expect(console.locator(HTML)).to_have_class(re.compile(shown))
    console.goto("/admin/exchange/platform/")
    expect(console.locator(HTML)).to_have_class(re.compile(shown))


def test_the_theme_follows_the_system(console: Page):
    console.emulate_media(color_scheme="dark")
    console.goto("/admin/")
    expect(console.locator(HTML)).to_have_class(re.compile("dark"))


def test_the_sidebar_opens_on_a_phone(console: Page):
    console.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    console.goto("/admin/exchange/platform/")
    sidebar = console.locator("#nav-sidebar")
    expect(sidebar).to_be_hidden()
    console.locator("[x-on\\:click*=sidebarMobileOpen]:visible").first.click()
    expect(sidebar).to_be_visible()


def test_the_sidebar_is_folded_and_stays_so(console: Page):
    sidebar = console.locator("#nav-sidebar")
    expect(sidebar).to_be_visible()
    console.locator("[x-on\\:click*=sidebarDesktopOpen]").first.click()
    expect(sidebar).to_be_hidden()
    console.goto("/admin/exchange/platform/")
    expect(sidebar).to_be_hidden()


def test_filters_are_chosen_and_applied(console: Page):
    console.goto("/admin/exchange/installation/")
    console.get_by_role("button", name="Filters", exact=True).click()
    panel = console.locator("#changelist-filter")
    expect(panel).to_be_visible()
    panel.get_by_role("button", name="Apply filters").click()
    expect(console).to_have_url(re.compile("/exchange/installation/"))


def test_a_form_is_saved(console: Page):
    console.goto("/admin/exchange/platform/")
    console.locator("#result_list tbody a").first.click()
    form = console.locator("#platform_form")
    expect(form).to_have_attribute("action", re.compile("^/admin/exchange/platform/.+/change/"))
    console.get_by_role("button", name="Save", exact=True).first.click()
    expect(console).to_have_url(re.compile("/exchange/platform/"))


def test_a_choice_is_searched_for(console: Page):
    console.goto("/admin/exchange/grant/add/")
    console.locator(".select2-selection").first.click()
    expect(console.locator(".select2-results__option").first).to_be_visible()


def test_actions_on_ticked_rows_show(console: Page):
    console.goto("/admin/exchange/installation/")
    console.locator("input.action-select").first.check()
    expect(console.locator("select[name=action]")).to_be_visible()


def test_the_fields_of_the_chosen_issuer_alone_are_shown(console: Page):
    console.goto("/admin/credentials/credentialpolicy/add/")
    names, audience = console.locator("[name=options-static-names]"), console.locator("[name=options-jwt-audience]")
    expect(names).to_be_visible()
    expect(audience).to_be_hidden()
    console.locator("[name=issuer][value=jwt]").check()
    expect(audience).to_be_visible()
    expect(names).to_be_hidden()
