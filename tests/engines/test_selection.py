"""Models: found, downloaded, missing. The hub is a stand-in on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.engines import hub
from transcription.engines import models, registry, selection
from transcription.engines.base import EngineError, Request
from transcription.engines.model_files import assets, ensure_downloaded
from transcription.engines.runtime import process
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.errors import Cancelled

WANTED = Request("recording", "faster-whisper", model="tiny")
TINY = models.asset("tiny")
pytestmark = pytest.mark.usefixtures("installed")  # the built-in model, see test_built_in.py


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def serving(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub.Hub]:
    with hub.serving(tiny_model) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def unavailable(models_dir: Path, reason: str = "No network.") -> None:
    assets.remember_failure(models_dir, TINY, reason)


def stands_in(prepared: selection.Prepared) -> bool:
    return (
        prepared.request.engine == "built-in"
        and "he built-in model (tiny.en) was used." in prepared.note
    )


def test_download_then_use(
    serving: hub.Hub,
    models_dir: Path,
    engine: EngineProcess,
    recording: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    told: list[tuple[int, int | None]] = []
    prepared = selection.prepare(WANTED, models_dir, lambda done, all: told.append((done, all)))
    assert prepared.note == ""
    folder = Path(prepared.request.model_path)
    assert folder == models_dir / "tiny"
    for file in serving.folder.iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()
    whole = assets.size_on_disk(serving.folder)
    assert told[-1] == (whole, whole)
    assert not assets.partial(models_dir, TINY).exists()
    asked = len(serving.requests)
    again = selection.prepare(WANTED, models_dir)
    assert again.request == prepared.request and len(serving.requests) == asked
    tiny, built_in = [info for info in models.available(models_dir) if info.present]
    assert built_in.name == "tiny.en"
    assert (tiny.name, tiny.bytes) == ("tiny", assets.size_on_disk(folder))
    options = {"beam_size": 1, "temperatures": 0.0}
    request = replace(
        prepared.request,
        media_path=str(recording("wav")),
        options=options,
        work_dir=str(tmp_path / "work"),
    )
    assert engine.run(request).segments


def test_an_engine_without_models_is_told_of_none(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the transcript would say that another engine's model had made it."""
    monkeypatch.setitem(registry.ENGINES, "plain", "tests.speech.able_engine:Plain")
    prepared = selection.prepare(Request("a.flac", "plain", model="tiny"), models_dir)
    assert prepared.request.model == ""


@pytest.mark.proof
def test_turbo_and_repositories(serving: hub.Hub, models_dir: Path) -> None:
    selection.prepare(replace(WANTED, model="turbo"), models_dir)
    assert (models_dir / "large-v3-turbo" / "model.bin").exists()
    assert "mobiuslabsgmbh/faster-whisper-large-v3-turbo" in serving.requests[0][0]
    selection.prepare(replace(WANTED, model="somebody/my_model"), models_dir)
    assert (models_dir / "somebody--my_model" / "model.bin").exists()
    present = {info.name for info in models.available(models_dir) if info.present}
    assert present == {"large-v3-turbo", "somebody/my_model", "tiny.en"}


def test_an_interrupted_download_goes_on_where_it_stopped(
    serving: hub.Hub, models_dir: Path
) -> None:
    serving.cut_after = 3_000_000
    prepared = selection.prepare(WANTED, models_dir)
    assert stands_in(prepared)
    held = assets.size_on_disk(assets.partial(models_dir, TINY))
    assert held > 2_000_000
    assets.forget_failures(models_dir)
    prepared = selection.prepare(WANTED, models_dir)
    folder = Path(prepared.request.model_path)
    assert (folder / "model.bin").read_bytes() == (serving.folder / "model.bin").read_bytes()
    ranges = [wanted for path, wanted in serving.requests if path.endswith("model.bin")]
    assert ranges[0] is None
    assert int((ranges[1] or "").removeprefix("bytes=").rstrip("-")) > 2_000_000


def test_damaged_bytes_are_noticed(serving: hub.Hub, models_dir: Path) -> None:
    serving.damage = True
    prepared = selection.prepare(WANTED, models_dir)
    assert stands_in(prepared) and "damaged" in prepared.note
    serving.damage = False
    assets.forget_failures(models_dir)
    assert selection.prepare(WANTED, models_dir).request.engine == "faster-whisper"


@pytest.mark.proof
def test_two_at_once(serving: hub.Hub, models_dir: Path) -> None:
    serving.drip = 0.005
    prepared: list[selection.Prepared] = []
    threads = [
        threading.Thread(target=lambda: prepared.append(selection.prepare(WANTED, models_dir)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.request.engine for one in prepared] == ["faster-whisper"] * 3
    assert (models_dir / "tiny" / "model.bin").read_bytes() == (
        serving.folder / "model.bin"
    ).read_bytes()
    asked = [path for path, _ in serving.requests if path.endswith("model.bin")]
    assert len(asked) == 1


@pytest.mark.proof
def test_a_slow_line_is_waited_for(serving: hub.Hub, models_dir: Path) -> None:
    serving.drip = 0.03
    started = time.monotonic()
    prepared = selection.prepare(WANTED, models_dir, stall=3.0)
    assert prepared.request.engine == "faster-whisper"
    assert time.monotonic() - started > 3.5


def test_cancel_while_downloading(serving: hub.Hub, models_dir: Path) -> None:
    serving.drip = 0.2
    held: list[int] = []
    with pytest.raises(Cancelled):
        selection.prepare(
            WANTED, models_dir, lambda done, all: held.append(done), lambda: len(held) > 2
        )
    assert assets.recent_failure(models_dir, TINY) == ""


@pytest.mark.starts
def test_a_server_that_never_answers(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.silence() as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        prepared = selection.prepare(WANTED, models_dir, stall=2.0)
        assert stands_in(prepared) and "sent no bytes for" in prepared.note
        assert "for 2 seconds" in prepared.note and '"tiny"' in prepared.note
    # The server has gone: who asked it again would be told something else.
    again = selection.prepare(WANTED, models_dir)
    assert stands_in(again) and again.note == prepared.note
    assert ensure_downloaded.STALL == 10.0


@pytest.mark.proof
def test_a_server_that_never_answers_with_the_real_patience(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub.silence() as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        started = time.monotonic()
        assert stands_in(selection.prepare(WANTED, models_dir))
        assert 9.5 < time.monotonic() - started < 11.5


@pytest.mark.starts
def test_no_name_service(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://no-such-host.invalid")
    prepared = selection.prepare(WANTED, models_dir)
    assert stands_in(prepared)
    assert "no-such-host.invalid" in prepared.note


@pytest.mark.starts
def test_refused_connection(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    prepared = selection.prepare(WANTED, models_dir)
    assert stands_in(prepared) and "(no connection to 127.0.0.1:9: " in prepared.note


def test_a_repository_that_does_not_exist(serving: hub.Hub, models_dir: Path) -> None:
    prepared = selection.prepare(replace(WANTED, model="some/missing"), models_dir)
    assert stands_in(prepared) and "404" in prepared.note


@pytest.mark.parametrize(
    ("language", "task"), [("de", "transcribe"), ("lv", "translate"), (None, "translate")]
)
def test_what_the_stand_in_cannot_do_fails_with_the_reason(
    language: str | None, task: str, models_dir: Path
) -> None:
    unavailable(models_dir)
    with pytest.raises(EngineError) as caught:
        selection.prepare(replace(WANTED, language=language, task=task), models_dir)
    assert caught.value.code == "model_unavailable"
    assert "No network." in caught.value.message
    assert f'"{language}"' in caught.value.message or "translate" in caught.value.message


@pytest.mark.parametrize("language", ["en", None])
def test_english_or_undetermined_gets_the_stand_in(language: str | None, models_dir: Path) -> None:
    unavailable(models_dir)
    prepared = selection.prepare(replace(WANTED, language=language), models_dir)
    assert stands_in(prepared) and "(No network)" in prepared.note
    assert (prepared.request.model, prepared.request.language) == ("tiny.en", "en")
    assert prepared.request.asked == "faster-whisper"  # for the stages that come after it


@pytest.mark.starts
@pytest.mark.skipif(sys.platform == "win32", reason="a file in the place of a folder")
def test_a_models_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    prepared = selection.prepare(WANTED, tmp_path / "models")
    assert stands_in(prepared) and "can't be written" in prepared.note


PARENT = """
import sys
from transcription.engines import selection
from transcription.engines.base import Request
request = Request("x", "faster-whisper", "tiny")
selection.prepare(request, sys.argv[1], lambda done, all: print(done, flush=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_download_dies_with_its_parent(serving: hub.Hub, models_dir: Path) -> None:
    serving.drip = 0.2
    environment = {**os.environ, "PYTHONPATH": str(process.ROOT)}
    arguments = [sys.executable, "-c", PARENT, str(models_dir)]
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True)
    assert parent.stdout
    parent.stdout.readline()
    (helper,) = psutil.Process(parent.pid).children()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([helper], timeout=2)
    assert not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE
