"""What the engine can do is offered, done and remembered by the page."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.reader import shot
from tests.pages.sending import choose, enter
from tests.running import Site
from tests.speech import able_engine, recordings


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose engine can do everything; two speakers take turns within its first segment."""
    folder = tmp_path_factory.mktemp("able")
    environment = able_engine.environment(folder) | {able_engine.CLOSED: str(folder / "closed")}
    running = Site(folder / "data", fresh=False, LANGUAGE_PATTERNS="A03=lv", **environment)
    yield running.start()
    running.kill_everything()


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
    expect(page.get_by_label("Minimum number of speakers")).to_be_hidden()
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
    most = page.get_by_label("Maximum number of speakers")
    page.get_by_label("Minimum number of speakers").fill("3")
    most.fill("2")
    complaint = page.locator("#upload [data-error]")
    expect(complaint).to_contain_text("the minimum must not exceed the maximum")
    choose(page, recordings.write(tmp_path / "refused.wav", recordings.speech()))
    expect(page.locator("#upload-notes li")).to_have_count(1)
    expect(page.locator("#upload-notes")).to_contain_text("the minimum must not exceed the maximum")
    expect(most).to_be_focused()
    shot(page, "contradiction")
    page.get_by_label("Minimum number of speakers").fill("")
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
    page.get_by_role("button", name="Run only the diarization again").click()
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
    expect(page.get_by_label("Maximum number of speakers")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    shot(page, "options on a phone")
    context.close()


def test_what_the_engine_cannot_do_is_not_offered(site: Site, page: Page) -> None:
    enter(page, site)
    expect(page.locator("#upload")).to_contain_text("faster-whisper can't tell speakers apart")
    expect(page.locator("#upload")).not_to_contain_text("can't translate")
    options = page.locator("#upload [data-option]")
    names = options.evaluate_all("found => found.map(one => one.dataset.option)")
    assert names == ["language", "model", "task"]
