"""Finding recordings in a real Chromium: by name, state and pages, with a script and without."""

from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.pages.reader import opened
from tests.running import Site


def test_the_list_is_searched_without_leaving_the_page(site: Site, desk: Page) -> None:
    """So that uploads go on; the address says what is shown, and the browser's way back works."""
    desk.goto(site.url)
    desk.evaluate("window.stays = true")
    rows = desk.locator("#jobs li")
    expect(rows).to_have_count(25)
    desk.get_by_label("Search by name").fill("GRÖSSE")
    expect(rows).to_have_count(0)
    expect(desk.get_by_text("No recording matches.")).to_be_visible()
    desk.get_by_label("Search by name").fill("größe")
    expect(rows).to_have_count(21)
    desk.get_by_label("State").select_option("Failed")
    expect(rows).to_have_count(20)
    expect(desk.locator("#announcer")).to_have_text("20 recordings")
    assert desk.url.endswith("/?q=gr%C3%B6%C3%9Fe&state=failed")
    desk.reload()
    expect(desk.get_by_label("State")).to_have_value("failed")
    expect(rows).to_have_count(20)
    desk.evaluate("window.stays = true")
    desk.get_by_label("State").select_option("All states")
    desk.get_by_label("Search by name").fill("")
    expect(rows).to_have_count(25)
    desk.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(21)
    expect(desk.get_by_role("link", name="Older")).to_be_hidden()
    desk.go_back()
    expect(rows).to_have_count(25)
    assert desk.evaluate("window.stays")


def test_the_list_works_without_script(site: Site, chromium: Browser, cookies: list[Any]) -> None:
    with opened(chromium, cookies, java_script_enabled=False) as page:
        page.goto(site.url)
        page.get_by_label("Search by name").fill("size")
        page.get_by_label("State").select_option("Failed")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#jobs li")).to_have_count(21)
        page.get_by_label("State").select_option("All states")
        page.get_by_label("Search by name").fill("")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="Older").click()
        expect(page.locator("#jobs li")).to_have_count(21)
        page.get_by_role("link", name="Newer").click()
        expect(page.locator("#jobs li")).to_have_count(25)


def test_the_way_back_leads_to_the_list_as_it_was(site: Site, desk: Page) -> None:
    desk.goto(site.url)
    desk.get_by_label("Search by name").fill("größe")
    expect(desk.locator("#jobs li")).to_have_count(21)
    desk.locator("#jobs a").last.click()
    desk.get_by_role("link", name="← Recordings").click()
    expect(desk.locator("#jobs li")).to_have_count(21)
    expect(desk.get_by_label("Search by name")).to_have_value("größe")
