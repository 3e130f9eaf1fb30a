"""The trail in a browser: filter, read a line, export what the filter shows, and page."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.live import LiveService

LIST = "/admin/audit/auditevent/"


def test_it_filters_and_exports_what_is_shown(console: Page, operator: tuple[str, str], tmp_path: Path):
    name, _ = operator
    console.goto(f"{LIST}?actor=user:{name}")
    expect(console.get_by_text(f"{name} signed in").first).to_be_visible()
    console.get_by_role("link", name="Export these lines").click()
    expect(console.get_by_text(f"user:{name}")).to_be_visible()
    with console.expect_download() as download:
        console.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "trail.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "trail.csv").read_text())))
    assert {row["actor"] for row in rows} == {f"user:{name}"}
    assert "user.signed_in" in {row["action"] for row in rows}
    for button in ("Download NDJSON", "Download CSV"):  # the page stays
        with console.expect_download():
            console.get_by_role("button", name=button).click()
    console.goto(f"{LIST}?actor=user:{name}&action=audit.exported")
    expect(console.get_by_text(f"{name} exported lines of the trail")).to_have_count(3)


def test_the_filter_is_a_form(console: Page, operator: tuple[str, str]):
    console.goto(LIST)
    console.get_by_role("button", name="Filters").press("Enter")  # by keyboard as well
    console.locator("[name=actor]").fill(f"user:{operator[0]}")
    console.locator("[name=actor]").press("Enter")
    console.wait_for_url("**actor=user*")
    expect(console.locator("#result_list")).to_contain_text(f"{operator[0]} signed in")
    expect(console.get_by_role("button", name="Filters are on")).to_be_visible()


def test_a_narrow_window_shows_every_column(console: Page, live_service: LiveService):
    console.set_viewport_size({"width": 390, "height": 844})
    console.goto(LIST)
    expect(console.locator("#chain")).to_be_visible()
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_could_have_seen_a_value(console: Page, live_service: LiveService):
    console.goto(f"{LIST}seen/")
    console.locator("[name=value]").fill("a-value-that-is-kept-nowhere-here")
    console.get_by_role("button", name="Look it up").click()
    expect(console.get_by_text("It holds no value of a credential that is kept here.")).to_be_visible()


def test_what_a_filter_refuses_is_told_and_stays_in_its_field(console: Page, operator: tuple[str, str]):
    console.goto(f"{LIST}?at_from_0=yesterday&at_from_1=12:00")
    told = '"yesterday" is no day. Write it as 2026-11-21 (UTC).'
    expect(console.get_by_text(told).first).to_be_visible()
    console.get_by_role("button", name="Filters are on").click()
    panel = console.locator("#changelist-filter")
    expect(panel.get_by_text(told)).to_be_visible()
    day = panel.get_by_label("From: day (UTC)")
    expect(day).to_have_value("yesterday")
    expect(panel.get_by_label("From: time (UTC)")).to_have_value("12:00")
    day.fill("2020-01-31")
    panel.locator("[name=actor]").fill("Nobody-here")
    panel.locator("[name=actor]").press("Enter")
    refused = 'No actor in the trail is called "Nobody-here".'
    expect(console.get_by_text(refused).first).to_be_visible()
    console.get_by_role("button", name="Filters are on").click()
    expect(panel.get_by_text(refused)).to_be_visible()
    expect(panel.get_by_label("From: day (UTC)")).to_have_value("2020-01-31")
    expect(panel.get_by_label("From: day (UTC)")).to_have_attribute("type", "date")
    actor = panel.locator("[name=actor]")
    expect(actor).to_have_value("Nobody-here")
    actor.fill(operator[0].upper())
    actor.press("Enter")
    expect(console.locator("#result_list")).to_contain_text(f"{operator[0]} signed in")
