"""A recording's way through the pages, in a real Chromium under the strict content policy."""

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, TimeoutError, expect

from tests.pages.reader import shot
from tests.pages.sending import choose, enter, listed
from tests.running import PASSWORD, Site, text_of, wait_for
from tests.site.people import sign_in
from tests.speech import recordings


def test_a_dropped_file_becomes_a_transcript(site: Site, page: Page, tmp_path: Path) -> None:
    name = f"interview {uuid.uuid4().hex[:6]}.mp3"
    recordings.write(tmp_path / name, recordings.speech())
    enter(page, site)
    expect(page.get_by_role("button", name="browse files")).to_be_visible()
    choose(page, tmp_path / name)
    row = page.locator("#jobs li", has_text=name)
    expect(row.get_by_text("done")).to_be_visible(timeout=30_000)
    row.get_by_role("link").click()
    expect(page.locator("#transcript")).to_contain_text(recordings.TEXT)
    page.locator("#transcript button").first.click()  # a time: the player goes there
    wait_for(lambda: page.evaluate("document.querySelector('audio').currentTime") > 0.3, 10)
    page.locator("#search-text").fill("forward")
    expect(page.locator("#search-count")).to_contain_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="SRT").click()
    assert recordings.TEXT in download.value.path().read_text()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(site.url + "/")
    expect(page.locator("#jobs li", has_text=name)).to_have_count(0)


@pytest.mark.proof
def test_an_upload_goes_on_after_a_reload(site: Site, page: Page, tmp_path: Path) -> None:
    """The page is left in the middle of an upload; the same file goes on where it stopped."""
    name = f"long {uuid.uuid4().hex[:6]}.wav"
    path = recordings.write(tmp_path / name, recordings.long_speech(600, pause=30))
    size = path.stat().st_size
    enter(page, site)
    # A slow line: some 2 MB a second.
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 20, "downloadThroughput": 2e6, "uploadThroughput": 2e6}
    session.send("Network.emulateNetworkConditions", slow)
    choose(page, path)

    before = wait_for(lambda: sum(listed(site, name)), 30)
    assert 0 < before < size
    shot(page, "uploading")
    page.once("dialog", lambda dialog: dialog.accept())  # it warns
    page.reload()
    session.detach()
    row = page.locator("#jobs li", has_text=name)
    # Either the browser still has the file and goes on by itself, or it is chosen again.
    if not restored(page, name):
        choose(page, path)
    expect(row).to_be_visible(timeout=60_000)
    row.get_by_role("link").click()
    shot(page, "progress")
    expect(page.locator("#transcript")).to_contain_text("Go forward", timeout=120_000)
    shot(page, "transcript")
    uploads = site.shell(
        "from uploads.models import Upload\n"
        f"found = Upload.objects.filter(file_name='{name}')\n"
        "print(len(found), found[0].state, found[0].interruptions)"
    ).split()
    assert uploads[:2] == ["1", "finished"]


@pytest.mark.proof
@pytest.mark.parametrize("between", ["PATCH", "HEAD"])
def test_what_staff_end_does_not_start_over_by_itself(
    site: Site, page: Page, tmp_path: Path, between: str
) -> None:
    """Terminated during its PATCH, or while the line was down (the page then asks by HEAD): the
    page says so and sends nothing again, until the file is dropped again."""
    name = f"ended {uuid.uuid4().hex[:6]}.wav"
    path = recordings.write(tmp_path / name, recordings.long_speech(120, pause=30))
    enter(page, site)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    network = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 3e5}
    session.send("Network.emulateNetworkConditions", network)
    if between == "HEAD":
        page.route("**/uploads/files/*", cut)
    with page.expect_response(lambda answer: answer.status == 201) as made:
        choose(page, path)
    address = made.value.headers["location"]
    if between == "PATCH":
        wait_for(lambda: any(listed(site, name)), 30)
    assert site.http.delete(site.url + address).status_code == 204
    session.send("Network.emulateNetworkConditions", network | {"uploadThroughput": -1})
    expect(page.locator("#upload")).to_contain_text(f"{name}: ", timeout=30_000)
    page.wait_for_timeout(1500)
    assert states(site, name) == ["terminated"]
    page.unroute_all()
    choose(page, path)
    wait_for(lambda: states(site, name) == ["finished", "terminated"], 30)


def cut(route: Route) -> None:
    """Let no PATCH through."""
    if route.request.method == "PATCH":
        route.abort()
    else:
        route.continue_()


def states(site: Site, name: str) -> list[str]:
    return site.shell(
        "from uploads.models import Upload\n"
        f"print(*sorted(Upload.objects.filter(file_name='{name}').values_list('state', flat=True)))"
    ).split()


def restored(page: Page, name: str) -> bool:
    """Whether the upload goes on by itself; the rest of it may be over before anybody looks."""
    item = page.locator("#sending li", has_text=name)
    job = page.locator("#jobs li", has_text=name).get_by_role("link")
    try:
        item.or_(job).first.wait_for(timeout=5000)
    except TimeoutError:
        return False
    return True


def test_what_is_no_recording_is_said_so(site: Site, page: Page, tmp_path: Path) -> None:
    fake = tmp_path / "holiday.mp3"
    fake.write_bytes(recordings.png())
    enter(page, site)
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
    sign_in(context, site)
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
    page.locator(".object-tools").get_by_role("link", name="Cleanup runs").click()
    expect(page.get_by_role("button", name="Clean up now")).to_be_visible()
    page.goto(f"{site.url}/admin/transcription/job/")
    expect(page.get_by_role("link", name="goforward.flac").first).to_be_visible()
    page.get_by_role("link", name="goforward.flac").first.click()
    expect(page.get_by_text("Ended: done.")).to_be_visible()


COUNT_QUESTIONS = """async (address) => {
  const { poll } = await import(address);
  const asked = [];
  const answers = [];
  const polling = poll(
    () => new Promise((answer) => { asked.push("one"); answers.push(answer); }),
    () => 3600000,
  );
  const changed = () => { for (let file = 0; file < 9; file += 1) polling.soon(); };
  const next = async (count) => {
    while (asked.length < count) await new Promise((done) => setTimeout(done, 20));
    return asked.length;
  };
  changed();  // while the first is on its way
  answers[0]();
  const meanwhile = await next(2);
  answers[1]();
  await new Promise((done) => setTimeout(done, 300));
  changed();  // when nothing is
  const later = await next(3);
  answers[2]();
  await new Promise((done) => setTimeout(done, 300));
  polling.stop();
  return [meanwhile, later, asked.length];
}"""


def test_the_list_is_asked_once_for_all_that_has_changed(site: Site, page: Page) -> None:
    """At the start, and where nine uploads end together."""
    asked: list[str] = []
    page.on("request", lambda made: asked.append(made.url) if "/jobs.json" in made.url else None)
    enter(page, site)
    expect(page.get_by_role("button", name="browse files")).to_be_visible()
    page.wait_for_timeout(500)
    assert len(asked) == 1
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name)"
    (module,) = [name for name in page.evaluate(loaded) if "/poll." in name]
    assert page.evaluate(COUNT_QUESTIONS, module) == [2, 3, 3]
