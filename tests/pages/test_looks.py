"""How pages look: on phones and tablets, by keyboard, in the dark, on paper."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests import accessibility
from tests.pages.looking import clipped_rings, covered_texts, halved_names, small_controls
from tests.pages.reader import opened
from tests.running import Site
from tests.speech import recordings


@pytest.mark.parametrize("width", [390, pytest.param(820, marks=pytest.mark.proof), 1440])
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
            assert halved_names(page) == [], address
            assert clipped_rings(page) == [], address
            assert accessibility.problems(page) == [], address
            if width < 1000:
                assert small_controls(page) == [], address


@pytest.mark.parametrize("width", [390, pytest.param(820, marks=pytest.mark.proof)])
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


def test_on_a_tablet_the_drop_area_is_as_wide_as_the_column(
    site: Site, chromium: Browser, cookies: list[Any]
) -> None:
    with opened(chromium, cookies, 820) as page:
        page.goto(site.url)
        area, column = box(page.locator(".drop-area")), box(page.locator(".recordings"))
        assert (area["x"], area["width"]) == pytest.approx((column["x"], column["width"]), abs=1)


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
