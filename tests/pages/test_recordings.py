"""Finding and reading recordings in a real Chromium: on phones and desks, by keyboard, on paper."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests import accessibility
from tests.pages.conftest import is_bad
from tests.pages.looking import clipped_rings, covered_texts, small_controls
from tests.running import Site
from tests.site.people import make_user, signed_in
from tests.speech import recordings

NAME, PASSWORD = "reader", "a long word for reading"
FILL = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from tests.speech.recordings import GO_FORWARD
from tests.transcription.building import make_upload
from transcription.models import Job, State, Transcript

reader = User.objects.get(username="reader")
LONG = "2026-11-28_Board_meeting_of_the_Association_for_the_Care_of_Old_Railways_part_1_of_3.flac"
SAID = ["Good morning, and thank you for coming on such short notice.", "Yes.",
        "Before we begin I would like to say a few words about the minutes of the last meeting, "
        "which most of you have received by post; those who have not may take one from the table."]
for number, state in enumerate([*State, *[State.FAILED] * 40]):
    ended = state in (State.COMPLETED, State.WARNINGS)
    upload = make_upload(GO_FORWARD.read_bytes() if ended else b"", owner=reader)
    job = Job.objects.create(
        owner=reader, upload=upload, state=state, engine="pocketsphinx",
        file_name=LONG if ended else "lecture.wav" if state in (State.QUEUED, State.PROCESSING)
        else f"{'Größe' if number % 2 else 'size'} {number:02}.wav",
        engine_used="pocketsphinx" if ended else "", audio_duration=3671 if ended else None,
        language_used="en" if ended else "", media_type="audio/flac",
        has_video=state == State.WARNINGS,  # a player of videos plays sound, too
        error="The file is damaged." if state == State.FAILED else "",
        warnings=["Speakers could not be told apart."] if state == State.WARNINGS else [],
        created=timezone.now() - timedelta(days=9, minutes=number),
        queued=timezone.now() + timedelta(days=9),
        lease_expires=timezone.now() + timedelta(days=9) if state == State.PROCESSING else None,
    )
    if ended:
        Transcript.objects.create(job=job, segments=[
            {"start": 3.0 * at, "end": 3.0 * at + 3, "text": SAID[at % 3],
             "speaker": f"SPEAKER_0{at // 3 % 2}"}
            for at in range(600 if state == State.COMPLETED else 60)])
    if number < len(State):
        print(state.value, job.pk)
"""


@pytest.fixture(scope="module")
def jobs(site: Site) -> dict[str, str]:
    """One job of the reader's in each state, and many that failed; the addresses by state."""
    make_user(site, NAME, PASSWORD)
    made = dict(line.split() for line in site.shell(FILL).strip().splitlines())
    return {state: f"{site.url}/jobs/{key}" for state, key in made.items()}


@pytest.fixture(scope="module")
def cookies(site: Site, jobs: dict[str, str]) -> list[Any]:
    """Of the reader's session."""
    said = signed_in(site, NAME, PASSWORD).cookies
    return [{"name": one, "value": value, "url": site.url} for one, value in said.items()]


@pytest.fixture
def page(chromium: Browser, cookies: list[Any]) -> Iterator[Page]:
    """A desk's page, signed in; it fails its test where the console tells of an error."""
    with opened(chromium, cookies) as page:
        yield page


@contextmanager
def opened(
    chromium: Browser, cookies: list[Any], width: int = 1200, **options: Any
) -> Iterator[Page]:
    """A page of this width, with a finger's pointer where it is narrow."""
    touch: dict[str, Any] = {"is_mobile": True, "has_touch": True} if width < 1000 else {}
    viewport: Any = {"width": width, "height": 844}
    context = chromium.new_context(viewport=viewport, **touch, **options)
    context.add_cookies(cookies)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if is_bad(message) else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield page
    context.close()
    assert not complaints, complaints


# The list ----------------------------------------------------------------------------------------


def test_the_list_is_searched_without_leaving_the_page(site: Site, page: Page) -> None:
    """So that uploads go on; the address says what is shown, and the browser's way back works."""
    page.goto(site.url)
    page.evaluate("window.stays = true")
    rows = page.locator("#jobs li")
    expect(rows).to_have_count(25)
    page.get_by_label("Search by name").fill("GRÖSSE")
    expect(rows).to_have_count(0)
    expect(page.get_by_text("No recording matches.")).to_be_visible()
    page.get_by_label("Search by name").fill("größe")
    expect(rows).to_have_count(21)
    page.get_by_label("State").select_option("Failed")
    expect(rows).to_have_count(20)
    expect(page.locator("#announcer")).to_have_text("20 recordings")
    assert page.url.endswith("/?q=gr%C3%B6%C3%9Fe&state=failed")
    page.reload()
    expect(page.get_by_label("State")).to_have_value("failed")
    expect(rows).to_have_count(20)
    page.evaluate("window.stays = true")
    page.get_by_label("State").select_option("All states")
    page.get_by_label("Search by name").fill("")
    expect(rows).to_have_count(25)
    page.get_by_role("link", name="Older").click()
    expect(rows).to_have_count(21)
    expect(page.get_by_role("link", name="Older")).to_be_hidden()
    page.go_back()
    expect(rows).to_have_count(25)
    assert page.evaluate("window.stays")


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


# How pages look ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_pages_are_well_made(
    site: Site, chromium: Browser, cookies: list[Any], jobs: dict[str, str], width: int
) -> None:
    """In all states, by light and in the dark."""
    scheme: Any = "dark" if width == 820 else "light"
    with opened(chromium, cookies, width, color_scheme=scheme) as page:
        states = (jobs[state] for state in ("processing", "warnings", "failed"))
        for address in (site.url, f"{site.url}/?q=nothing+like+it", *states):
            page.goto(address)
            page.locator("#rerun").evaluate_all("all => all.forEach((one) => (one.open = true))")
            if address == jobs["warnings"]:
                expect(page.locator("#transcript .segment")).to_have_count(60)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
            assert covered_texts(page) == [], address
            assert clipped_rings(page) == [], address
            assert accessibility.problems(page) == [], address
            if width < 1000:
                assert small_controls(page) == [], address


@pytest.mark.parametrize("width", [390, 820])
def test_files_on_their_way_have_room(
    site: Site, chromium: Browser, cookies: list[Any], tmp_path: Path, width: int
) -> None:
    """What is said of them stands beside their buttons, and their names push nothing away."""
    names = ("a long name of a recording of many words.wav", "name_" * 20 + ".wav")
    files = [recordings.write(tmp_path / name, recordings.speech()) for name in names]
    with opened(chromium, cookies, width) as page:
        page.route("**/uploads/files/*", lambda route: None)  # not a byte arrives
        page.goto(site.url)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose recordings").click()
        chooser.value.set_files(files)
        pause = page.get_by_role("button", name="Pause all")
        expect(pause).to_be_visible()
        for percent in page.locator(".sending-percent").all():
            percent.scroll_into_view_if_needed()
            expect(percent).to_be_in_viewport(ratio=1)
        assert covered_texts(page) == small_controls(page) == clipped_rings(page) == []
        assert accessibility.problems(page) == []
        pause.click()
        expect(page.get_by_role("button", name="Resume all")).to_be_visible()
        assert covered_texts(page) == small_controls(page) == []
        page.unroute_all()


@pytest.mark.parametrize("width", [390, 1200])
def test_what_one_does_with_a_transcript_is_above_it_and_search_stays(
    chromium: Browser, cookies: list[Any], jobs: dict[str, str], width: int
) -> None:
    with opened(chromium, cookies, width) as page:
        page.goto(jobs["completed"])
        expect(page.locator("#transcript .segment")).to_have_count(600)
        begin = box(page.locator("#transcript"))["y"]
        for action in (page.get_by_text("Run again", exact=True), page.get_by_text("Delete …")):
            assert box(action)["y"] < begin
        page.get_by_text("Run again", exact=True).first.click()
        expect(page.get_by_role("button", name="Run again")).to_be_visible()
        expect(page.get_by_role("button", name="Delete …")).to_be_visible()
        look_for(page, "take one from the table", "1 of 200")
        assert box(page.get_by_label("Search in the transcript"))["y"] < 60
        page.goto(jobs["warnings"])
        look_for(page, "take one from the table", "1 of 20")
        expect(page.locator("video")).to_be_in_viewport(ratio=1)


def look_for(page: Page, words: str, count: str) -> None:
    """Search from far below: the field is there, and covers nothing of what is found."""
    last = page.locator("#transcript .segment").last
    last.scroll_into_view_if_needed()
    search = page.get_by_label("Search in the transcript")
    expect(search).to_be_in_viewport(ratio=1)
    search.fill(words)
    expect(page.locator("#search-count")).to_have_text(count)
    search.press("Enter")
    found = page.locator(".segment.found .text")
    expect(found).to_be_in_viewport(ratio=1)
    assert box(found)["y"] > box(search)["y"] + box(search)["height"]


def box(one: Locator) -> FloatRect:
    """Where it is on the screen."""
    found = one.first.bounding_box()
    assert found is not None
    return found


def test_on_paper_a_transcript_is_a_document(
    chromium: Browser, cookies: list[Any], jobs: dict[str, str]
) -> None:
    """Title, date, speakers, and paragraphs with their times; nothing to press, nothing dark."""
    with opened(chromium, cookies, color_scheme="dark") as page:
        page.goto(jobs["completed"])
        expect(page.locator("#transcript .segment")).to_have_count(600)
        pages = page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n")
        assert 20 < pages < 60, pages
        page.emulate_media(media="print")
        lines = [line for line in page.locator("body").inner_text().splitlines() if line.strip()]
        made = page.locator("time[data-whole]").inner_text()
        assert lines[0].startswith("2026-11-28_Board") and made in lines[1:8]
        assert re.search(r"\b20\d\d\b.*\d:\d\d", made)
        assert "Speakers: SPEAKER_00, SPEAKER_01" in lines
        begin = lines.index("Speakers: SPEAKER_00, SPEAKER_01") + 1
        assert sorted(lines[begin : begin + 3]) == sorted(
            ["0:00", "SPEAKER_00", "Good morning, and thank you for coming on such short notice."]
        )
        assert lines[begin + 3 : begin + 5] == ["0:03", "Yes."]
        for absent in (
            "Log out",
            "Run again",
            "Delete",
            "Copy text",
            "SRT",
            "← Recordings",
            "done",
        ):
            assert absent not in lines
        expect(page.locator("audio")).to_be_hidden()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_the_way_back_leads_to_the_list_as_it_was(site: Site, page: Page) -> None:
    page.goto(site.url)
    page.get_by_label("Search by name").fill("größe")
    expect(page.locator("#jobs li")).to_have_count(21)
    page.locator("#jobs a").last.click()
    page.get_by_role("link", name="← Recordings").click()
    expect(page.locator("#jobs li")).to_have_count(21)
    expect(page.get_by_label("Search by name")).to_have_value("größe")
