"""Files whose few bytes claim gigabytes, and others that decoders would never be done with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.forms import silence
from tests.speech import recordings
from transcription.engines.base import Request
from transcription.engines.runtime import reader
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.engines.runtime.process import start
from transcription.media.decode import decode
from transcription.media.errors import MediaError

MIB = 2**20
LIMIT = 200 * MIB


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    return recordings.write_bold_claim(tmp_path / "claim.mp4")


def wav_at(rate: int, channels: int = 1) -> bytes:
    """A WAV file that says it has this rate, and so many channels."""
    data = bytearray(silence(1.0))
    data[22:24] = channels.to_bytes(2, "little")
    data[24:28] = rate.to_bytes(4, "little")
    data[32:34] = (channels * 2).to_bytes(2, "little")
    return bytes(data)


def measured(path: Path, most: int) -> tuple[str, int]:
    """What is said of a file, and the most memory that reading it took."""
    arguments = [reader.MEASURE, str(path), str(most)]
    process = start(reader.__name__, arguments, subprocess.DEVNULL)
    assert process.stdin and process.stdout
    with process.stdin, process.stdout:
        said = process.stdout.read().decode(errors="replace")
    usage = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    return said, usage.ru_maxrss * 1024


@pytest.mark.starts
@pytest.mark.skipif(sys.platform == "win32", reason="wait4 is of POSIX")
def test_a_bold_claim_is_refused_before_it_takes_the_memory(claim: Path) -> None:
    """A file says eighty million samples, which would be 3 GB; another what would be 700 MB."""
    bold = recordings.write_bold_claim(claim.with_name("bold.mp4"), 80_000_000)
    said, most = measured(bold, LIMIT)
    assert "too_much_memory" in said and "200 MiB" in said
    assert most < LIMIT + 2**30, most  # what a busy machine lets it take between two looks
    assert "no_audio" in measured(claim, 4 * 2**30)[0]  # the limit it was, nothing else


@pytest.mark.starts
@pytest.mark.skipif(sys.platform != "linux", reason="the system refuses memory on Linux alone")
def test_what_the_system_refuses_has_the_same_reason(tmp_path: Path) -> None:
    """The filter from such a rate to 16,000 would be larger than FFmpeg gives out."""
    path = tmp_path / "fast.wav"
    path.write_bytes(wav_at(2**31 - 1))
    assert "too_much_memory" in measured(path, LIMIT)[0]


@pytest.mark.proof
def test_a_job_that_takes_too_much_ends_with_that_reason_and_the_next_one_runs(
    claim: Path,
    draft: Callable[[Path], Request],
    recording: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """No second try, no other job is the worse for it, and the models stay loaded."""
    engine = EngineProcess(idle_seconds=60)
    try:
        assert engine.run(draft(recording("wav"))).segments
        warm = engine.pid
        with pytest.raises(MediaError) as caught:
            engine.run(replace(draft(claim), decoder_memory=LIMIT))
        assert caught.value.code == "too_much_memory"
        assert list((tmp_path / "work").iterdir()) == []
        assert engine.run(draft(recording("wav"))).segments
        assert engine.pid == warm  # the limit is that of the reader
    finally:
        engine.close()


@pytest.mark.starts
@pytest.mark.parametrize("suffix", ["mp3", "m4a", "mkv", "opus"])
def test_ordinary_recordings_need_little(suffix: str, recording: Callable[[str], Path]) -> None:
    assert "duration" in measured(recording(suffix), 128 * MIB)[0]


def test_sound_that_cannot_be_converted_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "many.wav"
    path.write_bytes(wav_at(48_000, channels=255))
    with pytest.raises(MediaError) as caught:
        decode(path, len)
    assert "255 channels" in caught.value.message
