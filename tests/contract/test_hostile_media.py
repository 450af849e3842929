"""Files that would take the machine's memory, by each door."""

from pathlib import Path

import pytest

from tests.running import Site
from tests.speech import recordings

from .forms import file, form, post

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def claim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.write_bold_claim(tmp_path_factory.mktemp("claim") / "claim.mp4")


def test_posted_it_is_refused_with_the_reason(open_site: Site, claim: Path) -> None:
    """C11, contract §6: 400 AUDIO_PROCESSING_ERROR, and the site goes on."""
    answer = post(open_site, "/speech-to-text", form(file("file", "a.mp4", claim.read_bytes())))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "AUDIO_PROCESSING_ERROR")
    assert "200 MiB of memory" in error["reason"]
    assert post(open_site, "/speech-to-text").status_code == 200


def test_uploaded_it_fails_its_job_with_the_reason(open_site: Site, claim: Path) -> None:
    """Once, not after three deaths of the engine; the next job is done."""
    address = open_site.upload(claim)
    identifier = open_site.http.head(address).headers["X-Task-Id"]
    task = open_site.wait_for_task(identifier)
    assert task["status"] == "failed" and "200 MiB of memory" in task["error"]
    events = open_site.shell(
        "from transcription.models import Job;"
        f"job = Job.objects.get(pk='{identifier}');"
        "print(job.engine_deaths, job.events.filter(what__startswith='Started').count())"
    )
    assert events.split() == ["0", "1"]
    after = open_site.upload(recordings.write(claim.with_name("after.wav"), recordings.speech()))
    identifier = open_site.http.head(after).headers["X-Task-Id"]
    assert open_site.wait_for_task(identifier)["status"] == "completed"
