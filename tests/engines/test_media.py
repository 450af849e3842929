from __future__ import annotations

import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.speech import recordings
from transcription.media.decode import decode
from transcription.media.errors import Cancelled, MediaError
from transcription.media.pcm import Audio
from transcription.media.probe import probe

LENGTH = 2.786
LOSSLESS = {
    "wav",
    "flac",
    "oga",
    "aiff",
    "caf",
    "au",
    "mkv",
    "w64",
    "wv",
    "tta",
    "rf64",
    "sf",
    "nut",
    "sox",
}


def decoded(path: Path, folder: Path) -> Audio:
    pcm = folder / "audio.pcm"
    with pcm.open("wb") as file:
        return Audio(pcm, decode(path, file.write))


def ignore(samples: bytes) -> None:
    """Where decoded samples go that no test needs."""


def loudest_at(audio: Audio) -> float:
    """Seconds at which half of the recording's energy has passed."""
    samples = audio.samples()
    energy = (samples**2).cumsum()
    return float((energy < energy[-1] / 2).sum()) / 16_000


@pytest.mark.parametrize("suffix", sorted(recordings.KINDS))
def test_every_kind_comes_back_as_it_was(
    suffix: str, recording: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "upload"  # as stored: no suffix that could help
    path.write_bytes(recording(suffix).read_bytes())
    found = probe(path)
    kind = recordings.KINDS[suffix]
    assert found.has_video == bool(kind.video)
    assert found.mime.split("/")[0] == ("video" if kind.video else "audio")
    assert found.duration == pytest.approx(LENGTH, abs=0.15)
    audio = decoded(path, tmp_path)
    assert audio.duration == pytest.approx(LENGTH, abs=0.1)
    assert audio.warnings == ()
    assert loudest_at(audio) == pytest.approx(0.89, abs=0.06)
    if suffix == "wav":
        assert (tmp_path / "audio.pcm").read_bytes() == recordings.speech()


@pytest.mark.parametrize(
    ("suffix", "mime"),
    [
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("mp4", "video/mp4"),
        ("mov", "video/mp4"),
        ("webm", "video/webm"),
        ("weba", "audio/webm"),
        ("mkv", "video/x-matroska"),
        ("wav", "audio/wav"),
        ("ogg", "audio/ogg"),
        ("opus", "audio/ogg"),
        ("flac", "audio/flac"),
        ("wma", "audio/x-ms-wma"),
        ("aac", "audio/aac"),
    ],
)
def test_mime_to_serve_it_back(suffix: str, mime: str, recording: Callable[[str], Path]) -> None:
    assert probe(recording(suffix)).mime == mime


def refused(path: Path) -> MediaError:
    with pytest.raises(MediaError) as caught:
        probe(path)
    return caught.value


def test_pictures_without_sound(tmp_path: Path) -> None:
    error = refused(recordings.write_pictures_only(tmp_path / "silent film"))
    assert (error.code, error.message) == ("no_audio", "The file holds no audio.")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("picture", recordings.png(), "unreadable"),
        ("text", b"Only a text.\n" * 100, "unreadable"),
        ("empty", b"", "empty"),
        ("zeros", bytes(100_000), "unreadable"),
        ("html", b"<!DOCTYPE html><html></html>", "unreadable"),
    ],
)
def test_no_recording_at_all(name: str, content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refused(path).code == code


@pytest.mark.parametrize("seed", range(6))
def test_random_bytes_are_refused(seed: int, tmp_path: Path) -> None:
    import random

    path = tmp_path / "random"
    path.write_bytes(random.Random(seed).randbytes(400_000))
    refused(path)
    # ... and also with a beginning that makes FFmpeg believe in MP3.
    path.write_bytes(b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + path.read_bytes())
    refused(path)


def test_missing(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing").code == "missing"
    assert refused(tmp_path).code == "unreadable"


@pytest.mark.parametrize("name", ["list.m3u8", "list.txt", "upload"])
def test_files_that_name_other_files_are_refused(
    name: str, tmp_path: Path, recording: Callable[[str], Path]
) -> None:
    secret = recording("ts")
    playlists = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {secret}\n",
    )
    for text in playlists:
        path = tmp_path / name
        path.write_text(text)
        assert refused(path).code == "unreadable"


def test_a_truncated_mp4_whose_index_is_gone(
    tmp_path: Path, recording: Callable[[str], Path]
) -> None:
    path = tmp_path / "half"
    path.write_bytes(recording("mp4").read_bytes()[:20_000])
    error = refused(path)
    assert error.code == "truncated" and "cut off" in error.message


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "webm", "ogg"])
def test_what_is_left_of_a_cut_file_is_kept(
    suffix: str, tmp_path: Path, recording: Callable[[str], Path]
) -> None:
    path = tmp_path / "half"
    pcm = recordings.long_speech(20)
    recordings.write(path, pcm, suffix)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    audio = decoded(path, tmp_path)
    assert 6 < audio.duration < 14
    if suffix in ("flac", "webm"):  # these say how long they ought to be
        assert "ends after" in " ".join(audio.warnings)


def test_a_damaged_middle_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    recordings.write(path, recordings.long_speech(20), "mp3")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 6000] = b"\x55" * 6000
    path.write_bytes(data)
    audio = decoded(path, tmp_path)
    assert audio.duration > 17
    assert "damaged" in audio.warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "ts", "mov"])
def test_sound_that_begins_late_keeps_its_time(suffix: str, tmp_path: Path) -> None:
    path = recordings.write(tmp_path / "late", recordings.speech(), suffix, late=2.0)
    audio = decoded(path, tmp_path)
    assert audio.duration == pytest.approx(LENGTH + 2.0, abs=0.15)
    assert loudest_at(audio) == pytest.approx(2.89, abs=0.1)


def test_progress_and_stop(tmp_path: Path) -> None:
    path = recordings.write(tmp_path / "a.flac", recordings.long_speech(30))
    told: list[tuple[float, float]] = []
    sound = decode(path, ignore, lambda *reached: told.append(reached))
    assert told == sorted(told)
    seconds, share = told[-1]
    assert seconds == pytest.approx(sound.duration, abs=0.5) and 0.9 < share <= 1
    with pytest.raises(Cancelled):
        decode(path, ignore, should_stop=lambda: len(told) > 0)


@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_too_long(suffix: str, recording: Callable[[str], Path]) -> None:
    with pytest.raises(MediaError) as caught:
        decode(recording(suffix), ignore, max_seconds=1)
    assert caught.value.code == "too_long"


def test_blocks_and_samples(tmp_path: Path) -> None:
    path = tmp_path / "pcm"
    path.write_bytes(array("h", range(-16000, 24000)).tobytes())
    audio = Audio(path, 2.5)
    blocks = list(audio.blocks(1.0))
    assert [len(block) for block in blocks] == [32000, 32000, 16000]
    assert audio.samples().shape == (40000,)
    assert audio.samples(1.0, 0.5).tolist()[0] == 0.0
    assert audio.samples(1.0, 0.5).shape == (8000,)
    assert audio.samples(2.0).dtype == "float32"


@pytest.mark.proof
def test_an_hour_is_decoded_in_constant_memory(tmp_path: Path) -> None:
    part = recordings.write(tmp_path / "part.mp3", recordings.long_speech(60))
    path = tmp_path / "hour.mp3"
    path.write_bytes(part.read_bytes() * 60)  # MP3 is a row of frames
    code = (
        "import resource, sys; from transcription.media.probe import probe;"
        "from transcription.media.decode import decode;"
        "probe(sys.argv[1]); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "seconds = decode(sys.argv[1], len).duration;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, seconds)"
    )
    arguments = [sys.executable, "-c", code, str(path)]
    grown = subprocess.run(arguments, capture_output=True, check=True, text=True).stdout
    kilobytes, seconds = grown.split()
    assert int(kilobytes) < 30_000 and float(seconds) > 3590
