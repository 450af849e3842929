"""The admin in a real Chromium: all of a list is on the screen, and everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accessibility import problems
from tests.running import Site
from tests.site.people import sign_in

pytestmark = pytest.mark.proof

FILL = """
from tests.transcription.building import make_job, make_upload
from transcription.models import Delivery
from uploads.models import CleanupRun
for name in ("talk.mp3", "x" * 240 + ".mp3", "A_meeting_of_" * 20 + ".wav"):
    upload = make_upload(b"abc", file_name=name, client_address="2001:db8:85a3::8a2e:370:7334",
                         failure="no_blank_" * 30)
    job = make_job(upload=upload, file_name=name, state="failed", error="/a/long/path" * 20,
                   model_used="owner/" + "model-" * 20, engine_used="faster-whisper")
    Delivery.objects.create(job=job, url="https://example.org/" + "a" * 300, last_error=name)
CleanupRun.objects.create(trigger="schedule", errors=["/uploads/" + "b" * 300])
"""
LISTS = ("uploads/upload/", "transcription/job/", "transcription/delivery/", "uploads/cleanuprun/")


@pytest.fixture(scope="module")
def office(site: Site, chromium: Browser) -> Iterator[Page]:
    """A window of the site's first user, with lists that hold long names."""
    site.shell(FILL)
    context = chromium.new_context(bypass_csp=True)  # axe-core comes as a script of its own
    sign_in(context, site)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("width", [1024, 1440])
def test_every_column_is_on_the_screen(site: Site, office: Page, width: int) -> None:
    office.set_viewport_size({"width": width, "height": 900})
    for path in LISTS:
        office.goto(f"{site.url}/admin/{path}")
        expect(office.locator("#result_list tbody tr")).not_to_have_count(0)
        right = office.locator("#result_list :is(th, td)").evaluate_all(
            "cells => Math.max(...cells.map(cell => cell.getBoundingClientRect().right))"
        )
        assert right <= width, path
        inside, seen = office.locator("#changelist-form .results").evaluate(
            "box => [box.scrollWidth, box.clientWidth]"
        )
        assert inside <= seen, path
        tallest = office.locator("#result_list tbody tr").evaluate_all(
            "rows => Math.max(...rows.map(row => row.getBoundingClientRect().height))"
        )
        assert tallest < 150, path  # a long name takes no screen of its own


def test_nothing_is_amiss_for_axe(site: Site, office: Page) -> None:
    """Lists, one row, a question, a form: under the labels that people hear."""
    office.goto(f"{site.url}/admin/accounts/apikey/add/")
    for label in ("Name:", "Date:", "Time:"):
        expect(office.get_by_label(label, exact=True)).to_be_visible()
    assert problems(office) == []
    for path in LISTS[:2]:
        office.goto(f"{site.url}/admin/{path}")
        office.locator(".filters > summary").click()
        assert problems(office) == [], path
    office.locator(".action-select").first.check()
    office.get_by_label("Action:").select_option("run_again_with")
    office.get_by_role("button", name="Go").click()
    expect(office.get_by_label("Minimum speakers")).to_be_visible()
    assert problems(office) == []
    office.get_by_role("link", name="Cancel").click()
    office.locator("#result_list tbody th a").first.click()
    expect(office.locator("#content h2").first).to_be_visible()
    assert problems(office) == []


MORE = """
from tests.transcription.building import make_upload
make_upload(b"abc", file_name="just-begun.mp3", length=9, state="receiving")
"""


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_front_page_fits_and_is_for_everybody(site: Site, office: Page, width: int) -> None:
    office.set_viewport_size({"width": width, "height": 900})
    office.goto(f"{site.url}/admin/")
    for title in ("Problems", "Uploads in flight", "Jobs", "Disk", "Workers", "Schedules"):
        expect(office.get_by_role("region", name=title)).to_be_visible()
    services = office.get_by_role("region", name="Workers").get_by_role("row")
    expect(services.filter(has_text="The job worker")).to_contain_text("runs")
    assert office.evaluate("document.documentElement.scrollWidth") <= width
    assert problems(office) == []


def test_the_front_page_renews_itself(site: Site, office: Page) -> None:
    """But not under the keyboard of somebody who is on one of its links."""
    office.clock.install()
    office.goto(f"{site.url}/admin/")
    region = office.get_by_role("region", name="Uploads in flight")
    expect(region).not_to_contain_text("just-begun.mp3")
    site.shell(MORE)
    link = region.get_by_role("link").first
    link.focus()
    office.clock.run_for(25_000)
    expect(link).to_be_focused()
    expect(region).not_to_contain_text("just-begun.mp3")
    link.blur()
    office.clock.run_for(25_000)
    expect(region).to_contain_text("just-begun.mp3")
