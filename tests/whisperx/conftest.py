"""The whole path of WhisperX on tiny models, in the environment that install_cpu.py makes.

pytest itself runs in the usual environment; sites and engines that these tests start, run in the
other one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.running import ROOT, Site
from tests.speech import recordings, tiny_whisper
from tests.whisperx.install_cpu import python_of
from transcription.engines.base import Request
from transcription.engines.runtime.engine_process import EngineProcess

ENVIRONMENT = ROOT / ".venv-whisperx"
LANGUAGE = "nl"  # its alignment model is a folder for transformers; that of English is not
SCRIPT = tiny_whisper.Script(language=LANGUAGE)
CLOSED = "http://127.0.0.1:9"
"""A model hub at which nobody listens."""


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of the environment with WhisperX; without it, CI fails."""
    found = python_of(ENVIRONMENT)
    if not found.exists():
        missing = f"{ENVIRONMENT.name} is not there: make proof makes it"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="module", autouse=True)
def in_that_environment(python: Path) -> Iterator[None]:
    """Whatever is started with "this Python", is started with that one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        yield


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper model that says SCRIPT in LANGUAGE."""
    return tiny_whisper.make(tmp_path_factory.mktemp("whisper") / "scripted", SCRIPT)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory, python: Path, whisper: Path) -> Path:
    """The Whisper model "tiny" and what the other stages need, as downloads would have left it."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(whisper, folder / "tiny")
    run_there(python, "tests.whisperx.make_models", str(folder), LANGUAGE)
    return folder


def run_there(python: Path, module: str, *arguments: str) -> str:
    """Run a module of ours in that environment; returns what it printed."""
    done = subprocess.run(
        [str(python), "-P", "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="session")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loud voice and a low one, in turns: about 0.5-2.2 s, 4.3-6 s, 8-9.8 s and 11.8-13.5 s."""
    loud = recordings.speech()
    low = (np.frombuffer(loud, "<i2") * 0.1).astype("<i2").tobytes()
    pause = recordings.silence(1)
    path = tmp_path_factory.mktemp("dialogue") / "dialogue.wav"
    return recordings.write(path, pause.join((loud, low, loud, low)))


@pytest.fixture(scope="session")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.write(tmp_path_factory.mktemp("silent") / "s.wav", recordings.silence(8))


@pytest.fixture(scope="module")
def engine(in_that_environment: None) -> Iterator[EngineProcess]:
    """A warm engine process."""
    process = EngineProcess(idle_seconds=60)
    yield process
    process.close()


@pytest.fixture
def request_for(tmp_path: Path, whisper: Path, models_dir: Path) -> Callable[..., Request]:
    """Requests for WhisperX on the tiny models; greedy, so that they are quick."""

    def made(path: Path, **values: object) -> Request:
        given: dict[str, object] = dict(values.pop("options", {}))  # type: ignore[call-overload]
        options = {"beam_size": 1, "chunk_size": 5, **given}
        facts: dict[str, object] = {
            "model": str(whisper),
            "model_path": str(whisper),
            "models_dir": str(models_dir),
            "work_dir": str(tmp_path / "work"),
            **values,
        }
        return Request(str(path), "whisperx", options=options, **facts)  # type: ignore[arg-type]

    return made


@pytest.fixture(scope="module")
def whisperx_site(
    tmp_path_factory: pytest.TempPathFactory, python: Path, models_dir: Path
) -> Iterator[Site]:
    """A site in that environment, with the tiny models and no model hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        site = Site(
            tmp_path_factory.mktemp("site") / "data",
            ENGINE="whisperx",
            WHISPER_MODEL="tiny",
            MODELS_DIR=str(models_dir),
            HF_ENDPOINT=CLOSED,
        ).start()
        yield site
        site.stop()
