"""Uploading by the page: what it says of each file and what it asks."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import accessibility
from tests.pages.sending import button, choose, enter, large, listed, slow_down
from tests.running import PASSWORD, Site, wait_for
from tests.speech import recordings

# What is uploaded leaves the list after 2.5 seconds; here, after a minute.
SHOW_LONGER = """
const { setTimeout: start } = window;
window.setTimeout = (act, wait, ...rest) => start(act, wait === 2500 ? 60000 : wait, ...rest);
"""
INTERRUPTED = """
from datetime import timedelta
from django.utils import timezone
from uploads.models import Upload
Upload.objects.filter(pk={key!r}).update(last_activity=timezone.now() - timedelta(hours=1))
"""


def test_an_upload_pauses_warns_who_leaves_and_asks_before_it_ends(
    site: Site, page: Page, tmp_path: Path
) -> None:
    enter(page, site)
    slow_down(page, 3e5)
    choose(page, large(tmp_path))
    row = page.locator("#sending li", has_text="meeting.wav")
    expect(row).to_contain_text("left", timeout=15_000)
    with page.expect_event("dialog", lambda dialog: dialog.type == "beforeunload") as warning:
        page.evaluate("setTimeout(() => location.reload())")
    warning.value.dismiss()
    button(page, "Pause").press("Enter")
    expect(row).to_contain_text("Paused")
    expect(row).not_to_contain_text("left")
    expect(button(page, "Resume")).to_be_focused()
    expect(page.locator("#uploads li", has_text="meeting.wav")).to_have_count(0)  # shown above
    page.route("**/jobs.json*", lambda route: route.abort())
    expect(page.locator(".connection")).to_contain_text("Reconnecting")  # else nobody says so
    page.unroute_all()
    expect(page.locator(".connection p")).to_be_empty()
    button(page, "Cancel").press("Enter")
    question = page.get_by_role("dialog", name="Cancel this upload?")
    expect(question).to_contain_text("meeting.wav")
    expect(page.get_by_role("button", name="Keep uploading")).to_be_focused()
    assert accessibility.problems(page) == []
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(button(page, "Cancel")).to_be_focused()
    button(page, "Resume").press("Enter")
    expect(row).not_to_contain_text("Paused")
    button(page, "Cancel").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    expect(page.get_by_role("button", name="browse files")).to_be_focused()
    wait_for(lambda: not listed(site, "meeting.wav"))


def test_leaving_during_a_short_upload_warns_too(site: Site, page: Page, tmp_path: Path) -> None:
    enter(page, site)
    slow_down(page, 2e4)
    choose(page, recordings.write(tmp_path / "short.wav", recordings.silence(3)))
    expect(page.locator("#sending li", has_text="short.wav")).to_be_visible()
    with page.expect_event("dialog", lambda dialog: dialog.type == "beforeunload") as warning:
        page.evaluate("setTimeout(() => location.reload())")
    warning.value.dismiss()


def test_of_several_files_each_is_counted_and_what_is_refused_is_named(
    site: Site, page: Page, tmp_path: Path
) -> None:
    """Nor is a transcript offered before there is one."""
    good = [
        recordings.write(tmp_path / f"part {number}.wav", recordings.silence(0.5))
        for number in range(1, 9)
    ]
    picture = tmp_path / "holiday.mp3"
    picture.write_bytes(recordings.png())
    enter(page, site)
    choose(page, *good[:4], picture, *good[4:])
    notes = page.locator("#upload-notes li")
    expect(notes).to_have_text(
        [re.compile("8 of 9 uploaded, 1 refused"), re.compile("holiday.mp3: .*PNG picture")],
        timeout=30_000,
    )
    last = recordings.write(tmp_path / "the last.wav", recordings.speech())
    choose(page, last)
    expect(notes.first).to_contain_text("the last.wav is uploaded. Watch its progress")
    expect(notes.filter(has_text="8 of 9")).to_have_count(0)
    page.get_by_role("link", name="Open the transcript").click(timeout=60_000)
    expect(page.locator("#transcript")).to_contain_text("Go forward")


def test_there_is_nothing_to_cancel_where_all_is_uploaded(
    site: Site, page: Page, tmp_path: Path
) -> None:
    page.add_init_script(SHOW_LONGER)
    enter(page, site)
    sound = recordings.silence(0.5)
    choose(page, *(recordings.write(tmp_path / name, sound) for name in ("1.wav", "2.wav")))
    rows = page.locator("#sending li")
    expect(rows).to_have_text([re.compile("Uploaded")] * 2)
    expect(page.get_by_role("button", name="Cancel all")).to_be_hidden()
    expect(rows).to_have_count(2)


def test_files_that_are_none_or_empty_are_named(site: Site, page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    (tmp_path / "letter.pdf").write_text("no sound either")
    (tmp_path / "silence.wav").touch()
    enter(page, site)
    choose(page, *(tmp_path / name for name in ("notes.txt", "letter.pdf", "silence.wav")))
    notes = page.locator("#upload-notes li")
    expect(notes).to_have_count(3)  # what is common to two is said once
    expect(notes.filter(has_text="notes.txt, letter.pdf: This kind of file")).to_have_count(1)
    expect(notes.filter(has_text="silence.wav: This file is empty.")).to_have_count(1)
    expect(notes.filter(has_text="0 of 3 uploaded, 3 refused.")).to_have_count(1)
    assert accessibility.problems(page) == []


def test_enter_pressed_twice_cancels_one_upload(site: Site, page: Page, tmp_path: Path) -> None:
    """What was not begun goes without a question, so the next Cancel must not get the keyboard."""
    sound = recordings.silence(60)
    names = ("one.wav", "two.wav", "three.wav")
    enter(page, site)
    slow_down(page, 1e5)
    choose(page, *(recordings.write(tmp_path / name, sound) for name in names))
    rows = page.locator("#sending li")
    expect(rows.last).to_contain_text("Waiting for its turn")
    page.get_by_role("button", name="Cancel: three.wav").press("Enter")
    expect(page.get_by_role("button", name="Pause: two.wav")).to_be_focused()
    expect(rows).to_have_count(2)
    for name in names[:2]:
        button(page, "Cancel").last.press("Enter")
        question = page.get_by_role("button", name="Cancel the upload")
        if question.is_visible():
            question.press("Enter")
        expect(rows).to_have_count(1 if name == "one.wav" else 0)


@pytest.mark.proof
def test_all_uploads_pause_and_end_together(site: Site, page: Page, tmp_path: Path) -> None:
    """One that a browser was offline for goes on by itself."""
    names = ("first.wav", "second.wav", "third.wav")
    sound = recordings.silence(100)
    paths = [recordings.write(tmp_path / name, sound) for name in names]
    enter(page, site)
    session = slow_down(page, 3e5)
    choose(page, *paths)
    summary = page.locator("#sending-all")
    rows = page.locator("#sending li")
    expect(summary).to_contain_text("left", timeout=15_000)
    expect(rows.nth(2)).to_contain_text("Waiting for its turn")
    page.get_by_role("button", name="Pause all").press("Enter")
    expect(summary).to_contain_text("Paused · 0 of 3 uploaded")
    expect(page.get_by_role("button", name="Resume all")).to_be_focused()
    expect(rows).to_have_text([re.compile("Paused")] * 3)
    page.get_by_role("button", name="Cancel all").press("Enter")
    expect(page.get_by_role("dialog", name="Cancel 3 uploads?")).to_be_visible()
    page.get_by_role("button", name="Cancel the uploads").press("Enter")
    expect(rows).to_have_count(0)
    expect(page.get_by_role("button", name="browse files")).to_be_focused()
    wait_for(lambda: not any(listed(site, name) for name in names))

    choose(page, paths[0])
    expect(rows).to_contain_text("left", timeout=15_000)
    limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": 3e5}
    button(page, "Pause").press("Enter")
    session.send("Network.emulateNetworkConditions", {"offline": True, **limits})
    button(page, "Resume").press("Enter")  # Chromium cuts no request that is on its way
    expect(rows).to_contain_text("You are offline.", timeout=15_000)
    session.send("Network.emulateNetworkConditions", {"offline": False, **limits})
    expect(page.locator("#upload-notes")).to_contain_text("first.wav is", timeout=15_000)


@pytest.mark.proof
def test_an_upload_waits_for_the_login(site: Site, page: Page, tmp_path: Path) -> None:
    enter(page, site)
    slow_down(page, 1e6)
    sound = recordings.silence(100)
    choose(page, recordings.write(tmp_path / "patient.wav", sound))
    row = page.locator("#sending li", has_text="patient.wav")
    button(page, "Pause").press("Enter")
    page.context.clear_cookies()
    button(page, "Resume").press("Enter")
    expect(row).to_contain_text("You are logged out. Log in", timeout=15_000)
    assert accessibility.problems(page) == []
    page.wait_for_timeout(1000)  # Uppy writes down now and then what it does
    row.get_by_role("link", name="Log in").click()
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#upload-notes")).to_contain_text("patient.wav is", timeout=30_000)


def test_an_interrupted_upload_is_discarded_after_a_question(
    site: Site, page: Page, tmp_path: Path
) -> None:
    data = large(tmp_path).read_bytes()[:10_000]
    address = site.create(10**6, {"filename": "half.wav"})
    site.patch(address, 0, data)
    site.shell(INTERRUPTED.format(key=address.rpartition("/")[2]))
    enter(page, site)
    row = page.locator("#uploads li", has_text="half.wav")
    expect(row).to_contain_text("Upload interrupted")
    discard = row.get_by_role("button", name="Discard …")
    discard.press("Enter")
    expect(page.get_by_role("dialog", name="Discard this upload?")).to_contain_text("half.wav")
    page.keyboard.press("Enter")  # keeps it
    expect(discard).to_be_focused()
    assert listed(site, "half.wav") == [10_000]
    discard.press("Enter")
    page.get_by_role("button", name="Discard it").press("Enter")
    expect(row).to_have_count(0)
    assert listed(site, "half.wav") == []


@pytest.mark.proof
def test_pages_reconnect_to_a_site_that_was_away(
    new_site: Callable[..., Site], page: Page, tmp_path: Path
) -> None:
    """The upload says so, not how long it takes; so does the page of a job."""
    site = new_site().start()
    path = large(tmp_path)
    enter(page, site)
    address = site.upload(path)
    identifier = site.http.head(address, timeout=10).headers["X-Task-Id"]
    job = page.context.new_page()
    job.goto(f"{site.url}/jobs/{identifier}")
    slow_down(page, 1e6)
    choose(page, path)
    row = page.locator("#sending li", has_text="meeting.wav")
    expect(row).to_contain_text("left", timeout=15_000)
    site.stop()
    expect(row).to_contain_text(re.compile(r"Reconnecting … Next try in \d+"), timeout=15_000)
    expect(row).not_to_contain_text("left")
    expect(job.locator(".connection")).to_contain_text(
        re.compile(r"Reconnecting … .*Next try in \d+"), timeout=15_000
    )
    assert accessibility.problems(page) == accessibility.problems(job) == []
    site.start()
    job.get_by_role("button", name="Try now").click()
    expect(job.locator(".connection p")).to_be_empty(timeout=20_000)
    expect(row).not_to_contain_text("Reconnecting", timeout=20_000)
    expect(page.locator("#upload-notes")).to_contain_text("meeting.wav is uploaded", timeout=60_000)
    held = "from uploads.models import Upload; print(Upload.objects.count())"
    assert site.shell(held).split() == ["2"]  # it went on, and did not start over


@pytest.mark.proof
def test_what_is_paused_stays_so_over_a_reload(site: Site, page: Page, tmp_path: Path) -> None:
    """And what was not goes on."""
    enter(page, site)
    slow_down(page, 1e6)
    other = recordings.write(tmp_path / "goes on.wav", recordings.silence(150))
    choose(page, large(tmp_path), other)
    row = page.locator("#sending li", has_text="meeting.wav")
    expect(row).to_contain_text("left", timeout=15_000)
    page.get_by_role("button", name="Pause: meeting.wav").click()
    expect(row).to_contain_text("Paused")
    page.wait_for_timeout(1000)  # Uppy writes down now and then what it does
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(row).to_contain_text("Paused", timeout=15_000)
    expect(page.locator("#jobs li", has_text="goes on.wav")).to_be_visible(timeout=30_000)
    expect(row).to_contain_text("Paused")
    button(page, "Resume").click()
    notes = page.locator("#upload-notes")
    expect(notes).to_contain_text("2 recordings are uploaded", timeout=60_000)
    assert listed(site, "meeting.wav") == []
    page.get_by_role("link", name="meeting.wav").click()
    page.wait_for_url("**/jobs/*")
    site.wait_for_task(page.url.rpartition("/")[2], 240)
    page.reload()  # else it does so by itself, with the question open
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(site.url + "/")
