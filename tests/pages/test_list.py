"""Finding recordings in a real Chromium: by name, state and pages, with a script and without."""

from typing import Any

from playwright.sync_api import Browser, Page, Route, expect

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


def test_the_focus_stays_where_the_first_row_goes(site: Site, desk: Page) -> None:
    """As when somebody else deletes a recording while the keyboard is in the list."""

    def without_first(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=(said := answer.json()) | {"jobs": said["jobs"][1:]})

    desk.goto(site.url)
    rows = desk.locator("#jobs li")
    expect(rows).to_have_count(25)
    desk.locator("#jobs a").nth(2).focus()
    reading = desk.evaluate("document.activeElement.getAttribute('href')")
    desk.route("**/jobs.json*", without_first)
    expect(rows).to_have_count(24)
    assert desk.evaluate("document.activeElement.getAttribute('href')") == reading


def test_what_keeps_the_list_from_being_fresh_is_said_as_it_is(site: Site, desk: Page) -> None:
    """A fault of the site, a limit and a logout are no lost connection."""
    answers: list[dict[str, Any]] = [{"status": 500, "body": "<h1>Server Error</h1>"}]
    desk.goto(site.url)
    bar = desk.locator(".connection")
    desk.route("**/jobs.json*", lambda route: route.fulfill(**answers[0]))
    desk.get_by_label("Search by name").fill("size")
    expect(bar).to_contain_text("The site had a problem.")
    expect(bar).not_to_contain_text("Reconnecting")
    answers[0] = {"status": 429, "json": {"detail": "Too many requests."}}
    bar.get_by_role("button", name="Try now").click()
    expect(bar).to_contain_text("Too many requests.")
    answers[0] = {"status": 200, "body": "<h1>Welcome to this hotel</h1>"}
    bar.get_by_role("button", name="Try now").click()
    expect(bar).to_contain_text("The site's response can't be read.")
    answers[0] = {"status": 401, "json": {"detail": "Log in."}}
    bar.get_by_role("button", name="Try now").click()
    expect(bar).to_contain_text("You are logged out.")
    link = bar.get_by_role("link", name="Log in")
    expect(link).to_have_attribute("href", "/login?next=%2F%3Fq%3Dsize")


def test_a_description_that_cannot_be_loaded_leaves_no_blank_page(
    site: Site, chromium: Browser, cookies: list[Any]
) -> None:
    context = chromium.new_context()
    context.add_cookies(cookies)
    page = context.new_page()
    page.route("**/openapi.json", lambda route: route.abort())
    for address in ("/docs", "/redoc"):
        page.goto(site.url + address)
        expect(page.locator("#documentation")).to_contain_text("couldn't be loaded. The site")
    context.close()
