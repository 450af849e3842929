"""The strict policy holds in a real browser: no page, the admin's neither, offends against it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.running import PASSWORD, Site
from tests.site.people import sign_in
from tests.speech import recordings

COMPLAINTS = ("Content Security Policy", "Content-Security-Policy", "Refused to", "violates")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page whose console is read: every complaint ends the test."""
    context = chromium.new_context()
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda problem: said.append(f"violates: {problem}"))
    yield opened
    context.close()
    assert not [text for text in said if any(word in text for word in COMPLAINTS)]


@pytest.mark.proof
def test_no_page_offends_against_the_policy(site: Site, page: Page, tmp_path: Path) -> None:
    identifier = str(uuid.uuid4())
    site.upload(recordings.write(tmp_path / "go.wav", recordings.speech()), taskId=identifier)
    site.wait_for_task(identifier)
    sign_in(page.context, site)
    page.goto(site.url + "/")
    page.goto(f"{site.url}/jobs/{identifier}")
    page.goto(site.url + "/nowhere")
    page.context.clear_cookies()
    page.goto(site.url + "/login?next=/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "wrong")
    page.click("button[type=submit]:has-text('Log in')")
    page.get_by_role("alert").wait_for()
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]:has-text('Log in')")
    page.wait_for_url("**/admin/")
    links = page.locator("#content-main a[href]").evaluate_all("all => all.map(one => one.href)")
    lists = sorted({link for link in links if link.count("/") == 6})
    assert any(link.endswith("/uploads/upload/") for link in lists)
    assert any(link.endswith("/accounts/apikey/") for link in lists)
    for link in [*lists, *(link for link in links if link.endswith("/add/"))]:
        answer = page.goto(link)
        assert answer and answer.status == 200, link
    rows = 0
    for link in lists:
        page.goto(link)
        row = page.locator("#result_list tbody th a").first
        if row.count():
            rows += 1
            row.click()
            page.locator("#content h1, #content h2").first.wait_for()
    assert rows


def test_a_key_is_made_and_shown_in_the_browser(site: Site, page: Page) -> None:
    page.goto(site.url + "/login?next=/admin/accounts/apikey/add/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("main [type=submit]")
    page.fill("#id_name", "made by hand")
    page.click("[name=_save]")
    shown = page.locator(".messagelist .success", has_text="shown only now").inner_text()
    secret = shown.split("shown only now: ")[1].strip()
    answer = site.http.get(
        site.url + "/task/all", headers={"Authorization": f"Bearer {secret}"}, timeout=30
    )
    assert answer.status_code == 200
