"""The pages in a real Chromium, under the strict content policy."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser import browser as find_browser
from tests.running import PASSWORD, Site, text_of, wait_for
from tests.speech import recordings

SHOTS = os.environ.get("SCREENSHOTS")  # a directory, to look at what people see
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    playwright: Playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test where the console tells of an error or a policy violation."""
    context = chromium.new_context(viewport={"width": 1200, "height": 860})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if bad(message) else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield page
    context.close()
    assert not complaints, complaints


def bad(message: object) -> bool:
    kind, text = getattr(message, "type", ""), getattr(message, "text", "")
    # Uppy and the browser themselves report answers that say no.
    expected = ("net::ERR", "Failed to load resource", "[Uppy]")
    return kind == "error" and not any(word in text for word in expected)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def choose(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="browse files").click()
    chooser.value.set_files(path)


def test_a_dropped_file_becomes_a_transcript(site: Site, page: Page, tmp_path: Path) -> None:
    name = f"interview {uuid.uuid4().hex[:6]}.mp3"
    recordings.write(tmp_path / name, recordings.speech())
    page.goto(site.url)
    expect(page.get_by_role("button", name="browse files")).to_be_visible()
    choose(page, tmp_path / name)
    row = page.locator("#jobs li", has_text=name)
    expect(row.get_by_text("done")).to_be_visible(timeout=30_000)
    row.get_by_role("link").click()
    expect(page.locator("#transcript")).to_contain_text("go forward ten meters")
    page.locator("#transcript button").first.click()  # a time: the player goes there
    wait_for(lambda: page.evaluate("document.querySelector('audio').currentTime") > 0.3, 10)
    page.locator("#search-text").fill("forward")
    expect(page.locator("#search-count")).to_contain_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="SRT").click()
    assert "go forward ten meters" in download.value.path().read_text()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(site.url + "/")
    expect(page.locator("#jobs li", has_text=name)).to_have_count(0)


def test_an_upload_goes_on_after_a_reload(site: Site, page: Page, tmp_path: Path) -> None:
    """The page is left in the middle of an upload; the same file goes on where it stopped."""
    name = f"long {uuid.uuid4().hex[:6]}.wav"
    path = recordings.write(tmp_path / name, recordings.long_speech(600, pause=30))
    size = path.stat().st_size
    page.goto(site.url)
    # A slow line: some 2 MB a second.
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 20, "downloadThroughput": 2e6, "uploadThroughput": 2e6}
    session.send("Network.emulateNetworkConditions", slow)
    choose(page, path)

    def held() -> int:
        listed = requests.get(f"{site.url}/jobs.json", timeout=10).json()["uploads"]
        found = [upload["offset"] for upload in listed if upload["filename"] == name]
        return found[0] if found else 0

    before = wait_for(held, 30)
    assert 0 < before < size
    shot(page, "uploading")
    page.reload()
    session.detach()
    row = page.locator("#jobs li", has_text=name)
    # Either the browser still has the file and goes on by itself, or it is chosen again.
    if not restored(page, name):
        choose(page, path)
    expect(row).to_be_visible(timeout=60_000)
    row.get_by_role("link").click()
    shot(page, "progress")
    expect(page.locator("#transcript")).to_contain_text("go forward", timeout=120_000)
    shot(page, "transcript")
    uploads = site.shell(
        "from uploads.models import Upload\n"
        f"found = Upload.objects.filter(file_name='{name}')\n"
        "print(len(found), found[0].state, found[0].interruptions)"
    ).split()
    assert uploads[:2] == ["1", "finished"]


def restored(page: Page, name: str) -> bool:
    page.wait_for_timeout(2500)
    return page.locator(".uppy-Dashboard-Item", has_text=name[:8]).count() > 0


def test_what_is_no_recording_is_said_so(site: Site, page: Page, tmp_path: Path) -> None:
    fake = tmp_path / "holiday.mp3"
    fake.write_bytes(recordings.png())
    page.goto(site.url)
    choose(page, fake)
    expect(page.locator("#upload")).to_contain_text("PNG picture", timeout=15_000)


def test_a_phone_and_the_dark(site: Site, chromium: Browser, tmp_path: Path) -> None:
    """Nothing is wider than the screen."""
    identifier = str(uuid.uuid4())
    site.upload(recordings.GO_FORWARD, taskId=identifier)
    assert "forward" in text_of(site.wait_for_task(identifier))
    context = chromium.new_context(
        viewport={"width": 360, "height": 720}, color_scheme="dark", is_mobile=True
    )
    page = context.new_page()
    for address in ("/", f"/jobs/{identifier}", "/login"):
        page.goto(site.url + address)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    shot(page, "phone")
    context.close()


def test_admin_shows_uploads_and_jobs(site: Site, page: Page, tmp_path: Path) -> None:
    identifier = str(uuid.uuid4())
    site.upload(recordings.GO_FORWARD, taskId=identifier)
    site.wait_for_task(identifier)
    half = site.create(10**6, {"filename": "half a lecture.mp3"})
    data = (tmp_path / "x.mp3").with_suffix(".mp3")
    recordings.write(data, recordings.long_speech(30))
    site.patch(half, 0, data.read_bytes()[:400_000])
    page.goto(f"{site.url}/login?next=/admin/uploads/upload/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/uploads/upload/")
    expect(page.get_by_role("link", name="half a lecture.mp3")).to_be_visible()
    expect(page.locator("progress").first).to_be_visible()
    shot(page, "admin")
    page.locator("#content-main").get_by_role("link", name="Cleanup runs").click()
    expect(page.get_by_role("button", name="Clean up now")).to_be_visible()
    page.goto(f"{site.url}/admin/transcription/job/")
    expect(page.get_by_role("link", name="goforward.flac").first).to_be_visible()
    page.get_by_role("link", name="goforward.flac").first.click()
    expect(page.get_by_text("Ended: done.")).to_be_visible()
