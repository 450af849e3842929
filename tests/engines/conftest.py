"""Fixtures for the tests of media and engines: real files, real processes, a scripted model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.speech import built_in, recordings, tiny_whisper
from transcription.engines.base import Request
from transcription.engines.runtime.engine_process import EngineProcess

SCRIPT = tiny_whisper.Script()


@pytest.fixture(scope="session")
def recordings_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="session")
def recording(recordings_dir: Path) -> Callable[[str], Path]:
    """The sentence "go forward ten meters" as a file of that suffix."""

    def made(suffix: str) -> Path:
        path = recordings_dir / f"goforward.{suffix}"
        if not path.exists():
            recordings.write(path, recordings.speech())
        return path

    return made


@pytest.fixture(scope="session")
def silent(recordings_dir: Path) -> Path:
    return recordings.write(recordings_dir / "silent.wav", recordings.silence(8))


@pytest.fixture(scope="session")
def long_recording(recordings_dir: Path) -> Path:
    """Five minutes of speech with pauses."""
    return recordings.write(recordings_dir / "long.wav", recordings.long_speech(300))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.make(tmp_path_factory.mktemp("models") / "scripted", SCRIPT)


@pytest.fixture
def no_built_in_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in engine is the only fallback."""
    built_in.hide(monkeypatch)


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    """A warm engine process for the module."""
    process = EngineProcess(idle_seconds=60)
    yield process
    process.close()


@pytest.fixture
def draft(tmp_path: Path) -> Callable[[Path], Request]:
    """A request for the built-in engine."""
    return lambda path: Request(str(path), "pocketsphinx", work_dir=str(tmp_path / "work"))


@pytest.fixture
def scripted(tmp_path: Path, tiny_model: Path) -> Callable[..., Request]:
    """A request for faster-whisper with the scripted model; greedy, so that it is quick."""

    def request(path: Path, **values: object) -> Request:
        options = {"beam_size": 1, "temperatures": 0.0, **dict(values.pop("options", {}))}  # type: ignore[call-overload]
        return Request(
            str(path),
            "faster-whisper",
            model=str(tiny_model),
            model_path=str(tiny_model),
            work_dir=str(tmp_path / "work"),
            options=options,
            **values,  # type: ignore[arg-type]
        )

    return request
