"""The pages in a real Chromium, under the strict content policy."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    Route,
    TimeoutError,
    expect,
    sync_playwright,
)

from tests.browser import browser as find_browser
from tests.running import PASSWORD, Site, text_of, wait_for
from tests.site.people import sign_in
from tests.speech import able_engine, recordings

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


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose engine can do everything; two speakers take turns within its first segment."""
    folder = tmp_path_factory.mktemp("able")
    running = Site(folder / "data", LANGUAGE_PATTERNS="A03=lv")
    running.environment |= able_engine.environment(folder)
    running.environment[able_engine.CLOSED] = str(folder / "closed")
    yield running.start()
    running.kill_everything()


def bad(message: object) -> bool:
    kind, text = getattr(message, "type", ""), getattr(message, "text", "")
    # Uppy and the browser themselves report answers that say no.
    expected = ("net::ERR", "Failed to load resource", "[Uppy]")
    return kind == "error" and not any(word in text for word in expected)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def enter(page: Page, site: Site) -> None:
    """The page of somebody who is signed in."""
    sign_in(page.context, site)
    page.goto(site.url)


def choose(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="browse files").click()
    chooser.value.set_files(path)


def test_a_dropped_file_becomes_a_transcript(site: Site, page: Page, tmp_path: Path) -> None:
    name = f"interview {uuid.uuid4().hex[:6]}.mp3"
    recordings.write(tmp_path / name, recordings.speech())
    enter(page, site)
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

    def held() -> int:
        listed = site.http.get(f"{site.url}/jobs.json", timeout=10).json()["uploads"]
        found = [upload["offset"] for upload in listed if upload["filename"] == name]
        return found[0] if found else 0

    before = wait_for(held, 30)
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
    expect(page.locator("#transcript")).to_contain_text("go forward", timeout=120_000)
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
        wait_for(lambda: begun(site, name), 30)
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


def begun(site: Site, name: str) -> bool:
    """Whether bytes of this file have come."""
    listed = site.http.get(f"{site.url}/jobs.json", timeout=10).json()["uploads"]
    return any(one["offset"] for one in listed if one["filename"] == name)


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
    page.locator("#content-main").get_by_role("link", name="Cleanup runs").click()
    expect(page.get_by_role("button", name="Clean up now")).to_be_visible()
    page.goto(f"{site.url}/admin/transcription/job/")
    expect(page.get_by_role("link", name="goforward.flac").first).to_be_visible()
    page.get_by_role("link", name="goforward.flac").first.click()
    expect(page.get_by_text("Ended: done.")).to_be_visible()


# What the engine can do --------------------------------------------------------------------------


def send(site: Site, page: Page, folder: Path, name: str = "talk") -> str:
    """Upload a recording by the page, and go to its transcript; the job's identifier."""
    path = folder / f"{name} {uuid.uuid4().hex[:6]}.wav"
    choose(page, recordings.write(path, recordings.speech()))
    row = page.locator("#jobs li", has_text=path.name)
    expect(row.locator(".badge")).to_contain_text("done", timeout=30_000)
    row.get_by_role("link").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#transcript .segment").first).to_be_visible()
    return page.url.rpartition("/")[2]


def read(page: Page) -> list[str]:
    """The transcript as people read it: names of speakers and texts."""
    expect(page.locator("#transcript")).not_to_have_attribute("aria-busy", "true")
    return page.locator("#transcript :is(.speaker, .text)").all_inner_texts()


SPOKEN = ["Good morning. Hello, shall we go on?", "Yes."]
TURNS = ["SPEAKER_00", "Good morning.", "SPEAKER_01", "Hello, shall we go on?"]
TURNS += ["SPEAKER_00", "Yes."]


@pytest.mark.proof
def test_what_the_engine_can_do_is_offered_done_and_remembered(
    able: Site, page: Page, tmp_path: Path
) -> None:
    """By keyboard alone, but for the choice of the file."""
    enter(page, able)
    expect(page.get_by_label("Tell speakers apart")).to_be_checked()
    expect(page.locator("#upload")).to_contain_text("A03 is Latvian")
    shot(page, "options")
    identifier = send(able, page, tmp_path, "an A03")
    assert read(page) == TURNS
    assert able.task(identifier)["metadata"]["language"] == "lv"
    shot(page, "speakers")
    with page.expect_download() as download:
        page.get_by_role("link", name="VTT").click()
    assert "<v SPEAKER_01>Hello, shall we go on?</v>" in download.value.path().read_text()

    enter(page, able)
    page.get_by_label("Spoken language").focus()
    page.keyboard.type("Ger")
    for _ in range(4):  # past the models and "Translate"; off goes what is next
        page.keyboard.press("Tab")
    expect(page.get_by_label("Tell speakers apart")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_label("Number of speakers at least")).to_be_hidden()
    identifier = send(able, page, tmp_path)
    assert read(page) == SPOKEN
    assert able.task(identifier)["metadata"]["language"] == "de"

    enter(page, able)
    expect(page.get_by_label("Spoken language")).to_have_value("de")
    expect(page.get_by_label("Tell speakers apart")).not_to_be_checked()
    page.get_by_label("Translate into English").check()
    send(able, page, tmp_path)
    assert read(page) == ["That is English now."]


@pytest.mark.proof
def test_bounds_that_contradict_each_other_take_no_file(
    able: Site, page: Page, tmp_path: Path
) -> None:
    enter(page, able)
    most = page.get_by_label("Number of speakers at most")
    page.get_by_label("Number of speakers at least").fill("3")
    most.fill("2")
    complaint = page.locator("#upload [data-error]")
    expect(complaint).to_contain_text("the first must not be above the second")
    choose(page, recordings.write(tmp_path / "refused.wav", recordings.speech()))
    expect(page.locator("#upload-notes li")).to_have_count(1)
    expect(page.locator("#upload-notes")).to_contain_text("the first must not be above the second")
    expect(most).to_be_focused()
    shot(page, "contradiction")
    page.get_by_label("Number of speakers at least").fill("")
    most.fill("1")
    expect(complaint).to_be_hidden()
    send(able, page, tmp_path)
    assert read(page) == ["SPEAKER_00", *SPOKEN[:1], "Speaker unknown", *SPOKEN[1:]]
    jobs = able.http.get(f"{able.url}/jobs.json", timeout=10).json()["jobs"]
    assert not [job for job in jobs if job["filename"] == "refused.wav"]


@pytest.mark.proof
def test_a_stage_that_failed_is_repeated_by_its_button(
    able: Site, page: Page, tmp_path: Path
) -> None:
    closed = Path(able.environment[able_engine.CLOSED])
    closed.touch()
    enter(page, able)
    identifier = send(able, page, tmp_path)
    assert read(page) == SPOKEN
    expect(page.get_by_text("could not be told apart")).to_contain_text("set HF_TOKEN")
    shot(page, "gated")
    closed.unlink()
    page.get_by_role("button", name="Repeat the diarization alone").click()
    expect(page.locator("#transcript .speaker")).to_have_count(3, timeout=30_000)
    assert read(page) == TURNS
    expect(page.locator(".notice-warning")).to_have_count(0)
    history = able.shell(
        "from transcription.models import JobEvent\n"
        f"for event in JobEvent.objects.filter(job='{identifier}'): print(event.what)"
    )
    assert history.count("Done: transcription") == history.count("Done: alignment") == 1
    # A wish that others may have is shown where the job may run again.
    page.locator("#rerun summary").click()
    page.locator("#rerun").get_by_label("Tell speakers apart").uncheck()
    page.locator("#rerun").get_by_role("button", name="Run again").click()
    expect(page.locator("#transcript .text")).to_have_text(SPOKEN, timeout=30_000)
    assert read(page) == SPOKEN


@pytest.mark.proof
def test_options_on_a_phone(able: Site, chromium: Browser) -> None:
    context = chromium.new_context(
        viewport={"width": 320, "height": 640}, color_scheme="dark", is_mobile=True
    )
    page = context.new_page()
    enter(page, able)
    expect(page.get_by_label("Number of speakers at most")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    shot(page, "options on a phone")
    context.close()


def test_what_the_engine_cannot_do_is_not_offered(site: Site, page: Page) -> None:
    enter(page, site)
    expect(page.locator("#upload")).to_contain_text("cannot tell speakers apart")
    expect(page.locator("#upload [data-option]")).to_have_count(1)  # the language
    assert page.locator("#upload option").all_inner_texts() == ["Detect automatically", "English"]


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
