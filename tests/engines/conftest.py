"""Fixtures for the tests of media and engines: real files, real processes, a scripted model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.speech import built_in as wheel
from tests.speech import recordings, tiny_whisper
from transcription.engines.base import Request
from transcription.engines.model_files import built_in
from transcription.engines.runtime.engine_process import EngineProcess

SCRIPT = tiny_whisper.Script()
CONTENT = {name: f"the published {name}" for name in built_in.SHA256}


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
    """No fallback transcribes."""
    wheel.hide(monkeypatch)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a built-in model whose contents count as the published ones."""
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in CONTENT.items()}
    monkeypatch.setattr(built_in, "SHA256", hashes)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    return wheel.write(tmp_path / "packages", CONTENT)


@pytest.fixture(scope="session")
def checked_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder that remembers that the real built-in model is the published one."""
    wheel.needed()
    folder = tmp_path_factory.mktemp("checked")
    assert built_in.problem(folder) == ""
    return folder


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    """A warm engine process for the module."""
    process = EngineProcess(idle_seconds=60)
    yield process
    process.close()


@pytest.fixture
def draft(tmp_path: Path, checked_models: Path) -> Callable[[Path], Request]:
    """A request for the real built-in model."""
    return lambda path: Request(
        str(path),
        "faster-whisper",
        model=built_in.NAME,
        model_path=str(built_in.folder(checked_models)),
        models_dir=str(checked_models),
        work_dir=str(tmp_path / "work"),
        threads=1,  # tests run side by side
    )


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
            **{"threads": 1, **values},  # type: ignore[arg-type]
        )

    return request
