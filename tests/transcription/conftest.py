"""Recordings and sites for the tests of jobs."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.running import Site
from tests.speech import recordings, tiny_whisper


@pytest.fixture(scope="session")
def speech_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`goforward` in any kind of file that tests.speech knows."""
    folder = tmp_path_factory.mktemp("speech")

    def made(suffix: str) -> Path:
        path = folder / f"goforward.{suffix}"
        return path if path.exists() else recordings.write(path, recordings.speech())

    return made


@pytest.fixture(scope="session")
def some_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech that keeps the built-in model at work for some seconds."""
    path = tmp_path_factory.mktemp("some") / "some.wav"
    return recordings.write(path, recordings.long_speech(60))


@pytest.fixture(scope="session")
def scripted_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the default engine on a scripted tiny model, and the built-in model as the
    fallback; no other can be had."""
    folder = tmp_path_factory.mktemp("scripted")
    model = tiny_whisper.make(folder / "tiny-model")
    site = Site(
        folder / "data",
        ENGINE="faster-whisper",
        WHISPER_MODEL=str(model),
    ).start()
    yield site
    site.kill_everything()


def run(site: Site, path: Path, **metadata: Any) -> str:
    """Upload a file; returns the identifier of its job."""
    identifier = str(uuid.uuid4())
    site.upload(path, taskId=identifier, **metadata)
    return identifier


def engine_of(site: Site) -> psutil.Process | None:
    """The site's engine process, while there is one."""
    return process_of(site, "transcription.engines.runtime.worker")


def process_of(site: Site, word: str) -> psutil.Process | None:
    """A process of the site with this word in its command line."""
    return next(iter(site.running(word)), None)
