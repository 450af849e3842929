"""A whole site with WhisperX, on tiny models, over HTTP."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.contract.forms import accepted, file, form, post, silence
from tests.engines import hub
from tests.running import Site, text_of
from tests.speech import recordings
from transcription.engines.model_files import assets
from transcription.engines.whisperx.aligners import BY_LANGUAGE

from .conftest import LANGUAGE, SCRIPT

pytestmark = [pytest.mark.proof, pytest.mark.long]
QUERY = f"model=tiny&language={LANGUAGE}&chunk_size=5&beam_size=1&device=cpu&compute_type=int8"
PATIENCE = 240.0
"""Seconds that a job may take; the first one of a site imports torch."""
Work = Callable[[str, bytes], Any]


@pytest.fixture(scope="module")
def sound(dialogue: Path) -> bytes:
    return dialogue.read_bytes()


@pytest.fixture(scope="module")
def work(whisperx_site: Site) -> Work:
    """Has something done by the API; gives the result."""

    def done(target: str, body: bytes) -> Any:
        task = whisperx_site.wait_for_task(accepted(post(whisperx_site, target, body)), PATIENCE)
        assert task["status"] == "completed", task
        return task["result"]

    return done


def test_the_chain_of_services_gives_what_one_process_gives(work: Work, sound: bytes) -> None:
    whole = work(f"/speech-to-text?{QUERY}", form(file(content=sound)))
    assert [segment["text"] for segment in whole["segments"]] == [SCRIPT.text] * 4
    speakers = [segment["speaker"] for segment in whole["segments"]]
    assert speakers[0] == speakers[2] != speakers[1] == speakers[3]
    for segment in whole["segments"]:
        assert [word["word"] for word in segment["words"]] == SCRIPT.words
        assert all(word["start"] < word["end"] for word in segment["words"])
        assert {word["speaker"] for word in segment["words"]} == {segment["speaker"]}

    transcript = work(f"/service/transcribe?{QUERY}", form(file(content=sound)))
    assert all("words" not in segment for segment in transcript["segments"])
    written = file("transcript", "t.json", transcript)
    aligned = work("/service/align?device=cpu", form(written, file(content=sound)))
    turns = work("/service/diarize?device=cpu", form(file(content=sound)))
    assert {turn["speaker"] for turn in turns} == set(speakers)
    joined = form(
        file("aligned_transcript", "a.json", aligned), file("diarization_result", "d.json", turns)
    )
    assert work("/service/combine", joined)["segments"] == whole["segments"]


def test_uploads_with_detected_language_and_every_export(
    whisperx_site: Site, dialogue: Path
) -> None:
    site, job = whisperx_site, str(uuid.uuid4())
    site.upload(dialogue, taskId=job, language="auto", chunk_size="5")
    task = site.wait_for_task(job, PATIENCE)
    assert task["status"] == "completed" and text_of(task).startswith(SCRIPT.text)
    about = site.http.get(f"{site.url}/jobs/{job}.json", timeout=30).json()
    assert (about["engine"], about["language"]) == ("whisperx", LANGUAGE)
    assert (about["warnings"], about["used_fallback"]) == ([], False)
    exports = {one["kind"]: f"{site.url}{one['url']}" for one in about["exports"]}
    texts = {kind: site.http.get(url, timeout=30).text for kind, url in exports.items()}
    for kind, text in texts.items():
        assert "seven" in text and "SPEAKER_00" in text and "SPEAKER_01" in text, kind
    assert "<v SPEAKER_00>" in texts["vtt"]
    json.loads(texts["json"])


def test_silence(work: Work) -> None:
    quiet = form(file(content=silence(4)))
    assert work(f"/speech-to-text?{QUERY}", quiet)["segments"] == []


def test_a_model_that_cannot_be_had(whisperx_site: Site, tmp_path: Path) -> None:
    site, job = whisperx_site, str(uuid.uuid4())
    spoken = recordings.write(tmp_path / "goforward.wav", recordings.speech())
    site.upload(spoken, taskId=job, language="en", model="base")
    task = site.wait_for_task(job, PATIENCE)
    assert task["status"] == "completed" and text_of(task) == recordings.TEXT
    about = site.http.get(f"{site.url}/jobs/{job}.json", timeout=30).json()
    assert about["engine"] == "built-in" and about["used_fallback"]
    assert '"base" model couldn\'t be downloaded' in about["engine_note"]


@pytest.fixture
def whole_hub(whisper: Path, models_dir: Path) -> Iterator[hub.Hub]:
    """A hub with all that is needed, of which the diarization is given to known people only."""
    with hub.serving(whisper) as serving:
        serving.repositories = {
            "Systran/faster-whisper-tiny": whisper,
            BY_LANGUAGE[LANGUAGE]: models_dir / "aligner" / LANGUAGE,
            assets.DIARIZER: assets.directory(models_dir, assets.diarizer()),
        }
        serving.gated = {assets.DIARIZER}
        yield serving


def test_everything_is_downloaded_and_speakers_only_with_a_key(
    new_site: Callable[..., Site],
    whole_hub: hub.Hub,
    models_dir: Path,
    sound: bytes,
    tmp_path: Path,
) -> None:
    """Without a key: a transcript with a warning. With it "run again" does what is missing."""
    empty = tmp_path / "models"
    # Not on the hub, but at an address of the real network.
    shutil.copytree(models_dir / "punkt", empty / "punkt")
    site = new_site(ENGINE="whisperx", MODELS_DIR=str(empty), HF_ENDPOINT=whole_hub.url)
    job = accepted(post(site.start(), f"/speech-to-text?{QUERY}", form(file(content=sound))))
    task = site.wait_for_task(job, PATIENCE)
    assert task["status"] == "completed", task
    assert all("speaker" not in segment for segment in task["result"]["segments"])
    assert [word["word"] for word in task["result"]["segments"][0]["words"]] == SCRIPT.words
    about = site.http.get(f"{site.url}/jobs/{job}.json", timeout=30).json()
    (warning,) = about["warnings"]
    assert f"https://huggingface.co/{assets.DIARIZER}" in warning and "HF_TOKEN" in warning
    site.stop()

    site.environment["HF_TOKEN"] = "good"
    site.start()
    answer = site.http.post(f"{site.url}/jobs/{job}/rerun", timeout=30)
    assert answer.status_code == 200, answer.text
    again = site.wait_for_task(job, PATIENCE)
    found = [segment["speaker"] for segment in again["result"]["segments"]]
    assert found[0] == found[2] != found[1] == found[3]
    assert site.http.get(f"{site.url}/jobs/{job}.json", timeout=30).json()["warnings"] == []
    done = site.shell(
        "from transcription.models import JobEvent\n"
        "for event in JobEvent.objects.filter(what__startswith='Done').order_by('pk'):\n"
        "    print(event.what)"
    )
    stages = [line.partition(",")[0] for line in done.split("\n") if line]
    assert stages == ["Done: transcription", "Done: alignment", "Done: diarization"]


def test_only_the_engine_process_has_torch(
    whisperx_site: Site, work: Work, sound: bytes, tmp_path: Path
) -> None:
    """The site's own processes are what they are without WhisperX."""
    work(f"/speech-to-text?{QUERY}", form(file(content=sound)))  # every process has done its part
    engines = [one for one in whisperx_site.processes() if is_engine(one)]
    own = [one for one in whisperx_site.processes() if not is_engine(one)]
    assert len(engines) == 1 and has_torch(engines[0])
    assert [one.cmdline() for one in own if has_torch(one)] == []

    without = Site(tmp_path / "data").start()
    try:
        task = accepted(post(without, "/speech-to-text?language=en", form(file(content=sound))))
        without.wait_for_task(task, PATIENCE)
        others = [one for one in without.processes() if not is_engine(one)]
        with_it, without_it = memory(own), memory(others)
    finally:
        without.stop()
    print(
        f"PSS of the site's own processes: {with_it:.0f} MB ({len(own)} processes) with WhisperX, "
        f"{without_it:.0f} MB ({len(others)}) without; the engine's {memory(engines):.0f} MB"
    )
    assert len(own) == len(others)
    assert with_it < 1.25 * without_it


def is_engine(process: psutil.Process) -> bool:
    return "transcription.engines.runtime.worker" in process.cmdline()


def has_torch(process: psutil.Process) -> bool:
    return any("/torch/" in mapped.path for mapped in process.memory_maps())


def memory(processes: list[psutil.Process]) -> float:
    """Megabytes: what several share counts once."""
    return sum(float(one.memory_full_info().pss) for one in processes) / 1e6
