"""The page of a recording while it is transcribed: text that grows, and stays where it is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests import accessibility
from tests.pages.looking import clipped_rings, covered_texts, small_controls
from tests.pages.reader import opened, shot
from tests.running import Site

MAKE = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from tests.speech.recordings import GO_FORWARD
from tests.transcription.building import make_upload
from transcription.models import Job, State
reader = User.objects.get(username="reader")
upload = make_upload(GO_FORWARD.read_bytes(), owner=reader, file_name="growing.flac")
print(Job.objects.create(
    owner=reader, upload=upload, state=State.PROCESSING, stage="transcribing", percent=30,
    engine="faster-whisper", engine_used="faster-whisper", language="en", file_name="growing.flac",
    audio_duration=600, seconds_total=600, seconds_done=180, speed=2.0, task_type="transcription",
    lease_expires=timezone.now() + timedelta(days=9)).pk)
"""
GROW = """
from transcription.models import TranscribedChunk
for number in range({first}, {last}):
    TranscribedChunk.objects.create(job_id="{job}", number=number, recipe="r", language="en",
        start=20.0 * number, end=20.0 * number + 20, segments=[
        {{"start": at, "end": at + 10, "text": f" At {{at:.0f}} this was said, in a sentence that "
          "is long enough to need a second line on a page of any width: much of it is there."}}
        for at in (20.0 * number, 20.0 * number + 10)])
"""
END = """
from transcription.models import Job, State, TranscribedChunk, Transcript
segments = [{{**one, "speaker": f"SPEAKER_0{{int(one['start'] / 60) % 2}}"}}
    for chunk in TranscribedChunk.objects.filter(job_id="{job}").order_by("number")
    for one in chunk.segments]
Transcript.objects.create(job_id="{job}", segments=segments)
Job.objects.filter(pk="{job}").update(state=State.COMPLETED, stage="complete", percent=100)
"""
TEXTS = "#partial .segment"
FIRST_IN_SIGHT = """() => {
  const found = [...document.querySelectorAll(".segment")]
    .find((one) => one.getBoundingClientRect().top > 100);
  return [found.querySelector(".text").textContent, found.getBoundingClientRect().top];
}"""


@pytest.fixture
def grow(site: Site, jobs: dict[str, str]) -> Iterator[Callable[[int, int], str]]:
    """Lets a job that is being transcribed have these chunks; returns its id."""
    job = site.shell(MAKE).strip().splitlines()[-1]

    def add(first: int, last: int) -> str:
        site.shell(GROW.format(job=job, first=first, last=last))
        return job

    yield add
    site.http.delete(f"{site.url}/task/{job}/delete", timeout=30)


@pytest.mark.parametrize("width", [390, 1200])
def test_text_is_there_as_it_is_found_and_stays_where_it_is_read(
    site: Site,
    chromium: Browser,
    cookies: list[Any],
    grow: Callable[[int, int], str],
    width: int,
) -> None:
    """Nothing is made again, nothing moves; at the end the transcript takes its place."""
    scheme: Any = "dark" if width < 1000 else "light"
    with opened(chromium, cookies, width, color_scheme=scheme) as page:
        page.goto(f"{site.url}/jobs/{grow(0, 8)}")
        expect(page.locator(TEXTS)).to_have_count(16)
        expect(page.locator(".live")).to_contain_text("3:00 of 10:00")
        expect(page.locator(".live")).to_contain_text("about 4 minutes left")
        assert page.title().startswith("30 % – growing.flac")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert covered_texts(page) == clipped_rings(page) == accessibility.problems(page) == []
        if width < 1000:
            assert small_controls(page) == []
        page.evaluate("scrollTo(0, 0)")
        shot(page, f"partial {width}")
        read_and_follow(page, site, grow)


def read_and_follow(page: Page, site: Site, grow: Callable[[int, int], str]) -> None:
    """Somebody reads in the middle, with the keyboard at a time, while the rest comes."""
    page.locator(TEXTS).nth(6).locator(".time").press("ArrowUp")
    page.locator(TEXTS).nth(4).evaluate("one => { one.isMarked = true; scrollTo(0, 500); }")
    page.locator("#media").evaluate("media => { media.isMarked = true; }")
    place = page.evaluate(FIRST_IN_SIGHT)
    job = grow(8, 12)
    expect(page.locator(TEXTS)).to_have_count(24)
    assert page.evaluate(FIRST_IN_SIGHT) == place
    assert page.locator(TEXTS).nth(4).evaluate("one => one.isMarked")
    times = page.locator(f"{TEXTS} .time").all_inner_texts()
    assert times == [f"{at // 60}:{at % 60:02}" for at in range(0, 240, 10)]

    site.shell(END.format(job=job))
    expect(page.locator("#transcript .speaker").first).to_be_attached()
    expect(page.locator("#transcript .segment")).to_have_count(24)
    expect(page.locator("#partial")).to_have_count(0)
    text, top = page.evaluate(FIRST_IN_SIGHT)
    assert (text, top) == (place[0], pytest.approx(place[1], abs=40))  # speakers' names are new
    assert page.evaluate("document.activeElement.textContent") == "0:50"
    assert page.locator("#media").evaluate("media => media.isMarked")  # what plays, plays on


def test_screen_readers_hear_of_stages_and_not_of_every_sentence(
    site: Site, desk: Page, grow: Callable[[int, int], str]
) -> None:
    desk.goto(f"{site.url}/jobs/{grow(0, 2)}")
    expect(desk.locator(TEXTS)).to_have_count(4)
    loud = "[aria-live]:not([aria-live=off]), [role=status], [role=log], [role=alert], output"
    assert desk.locator("#partial").evaluate("(one, loud) => one.closest(loud)", loud) is None
    expect(desk.get_by_role("status").filter(has_text="transcribing")).to_have_count(1)
    expect(desk.get_by_role("region", name="The text so far")).to_be_visible()
    expect(desk.get_by_role("progressbar")).to_have_attribute("value", "30")


def test_text_of_a_paused_job_stays_and_what_begins_anew_does_not(
    site: Site, desk: Page, grow: Callable[[int, int], str]
) -> None:
    """The page is fetched again for another state, but not the text; a part comes only once."""
    address = f"{site.url}/jobs/{grow(0, 2)}"
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    with desk.expect_request(f"{address}.json?after=40"):
        desk.goto(address)
    expect(desk.locator(TEXTS)).to_have_count(4)
    desk.locator(TEXTS).first.evaluate("one => { one.isMarked = true; }")
    waiting = "paused for other recordings, next turn in about 1 minute"

    def pause(route: Route) -> None:
        body = route.fetch().text().replace('data-state="processing"', 'data-state="queued"')
        route.fulfill(body=body, content_type="text/html")

    def pause_data(route: Route) -> None:
        body = {**route.fetch().json(), "state": "queued", "message": "", "waiting": waiting}
        route.fulfill(body=json.dumps(body), content_type="application/json")

    desk.route(address, pause)
    desk.route(f"{address}.json?*", pause_data)
    expect(desk.locator(".live")).to_contain_text(waiting)
    expect(desk.locator("#job")).to_have_attribute("data-state", "queued")
    expect(desk.locator(TEXTS)).to_have_count(4)
    assert desk.locator(TEXTS).first.evaluate("one => one.isMarked")
    assert asked.count(f"{address}.json?after=0") == 1

    late = {"after": 20, "next": 60, "more": False, "segments": [{"start": 20, "text": "Late."}]}

    def come_late(route: Route) -> None:
        body = {**route.fetch().json(), "state": "queued", "text": late, "waiting": "late"}
        route.fulfill(body=json.dumps(body), content_type="application/json")

    desk.route(f"{address}.json?after=40", come_late)
    expect(desk.locator(".live")).to_contain_text("late")
    expect(desk.locator(TEXTS)).to_have_count(4)

    def begin_anew(route: Route) -> None:
        segments = [{"start": 0, "end": 5, "text": "Anew."}]
        text = {"after": 0, "next": 5, "more": False, "segments": segments}
        body = {**route.fetch().json(), "state": "queued", "text": text}
        route.fulfill(body=json.dumps(body), content_type="application/json")

    desk.route(f"{address}.json?after=40", begin_anew)
    expect(desk.locator(f"{TEXTS} .text")).to_have_text(["Anew."])
    desk.unroute_all(behavior="ignoreErrors")


def test_the_text_of_a_cancelled_job_stays(
    site: Site, desk: Page, grow: Callable[[int, int], str]
) -> None:
    """Also when its page is opened later; the question said so."""
    job = grow(0, 3)
    desk.goto(f"{site.url}/jobs/{job}")
    expect(desk.locator(TEXTS)).to_have_count(6)
    desk.locator(TEXTS).first.evaluate("one => { one.isMarked = true; }")
    desk.get_by_role("button", name="Cancel …").click()
    dialog = desk.get_by_role("dialog", name="Cancel this transcription?")
    expect(dialog).to_contain_text("its text so far are kept")
    desk.keyboard.press("Escape")
    site.shell(f"""
from transcription.models import Job
Job.objects.filter(pk="{job}").update(state="cancelled")""")
    expect(desk.locator(".badge").first).to_have_text("cancelled")
    expect(desk.locator(TEXTS)).to_have_count(6)
    assert desk.locator(TEXTS).first.evaluate("one => one.isMarked")
    desk.reload()
    expect(desk.locator(TEXTS)).to_have_count(6)
    assert accessibility.problems(desk) == []


def test_a_row_tells_the_place_of_a_recording_that_waits(
    site: Site, desk: Page, jobs: dict[str, str]
) -> None:
    def tell(route: Route) -> None:
        body = route.fetch().json()
        for job in body["jobs"]:
            job |= {"state": "queued", "percent": None, "waiting": "2nd in line, starts soon"}
        route.fulfill(body=json.dumps(body), content_type="application/json")

    desk.route("**/jobs.json*", tell)
    desk.goto(site.url)
    row = desk.locator("#jobs li").first
    expect(row.locator("[data-field=stage]")).to_have_text("2nd in line, starts soon")
    desk.unroute_all(behavior="ignoreErrors")
