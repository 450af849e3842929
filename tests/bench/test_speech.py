"""The speech part of the suite: its clips, recordings, word errors, runs and table. No network."""

import hashlib
import io
import json
import random
import tarfile
import wave
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pytest

from bench.speech.archives import Archive, FetchError, fetch, npm_command, pip_command
from bench.speech.clips import KINDS, RATE, Clip, Sound, fetch_sounds, load_manifest
from bench.speech.profile import Profile, TimedModel, rows, total
from bench.speech.recordings import make_recording
from bench.speech.report import speech_report
from bench.speech.words import edits, word_error_rate, words_of

MACHINE = {
    "date": "2026-12-01",
    "rounds": 3,
    "minutes": 10,
    "cpu": "a processor",
    "cores": 2,
    "memory_gib": 24,
    "system": "Linux",
    "load_average": 0.1,
    "model": "tiny.en",
    "compute_type": "int8",
    "threads": 2,
    "library": "1.2.1",
    "python": "3.11",
    "missing": ["whisperx"],
}


def archive(content: bytes = b"") -> Archive:
    return Archive("speech", "pypi", "1.0", "MIT", hashlib.sha256(content).hexdigest())


def sound(name: str, seconds: float, kind: str = "read") -> Sound:
    """A clip of one repeated sample, different for each name."""
    sample = sum(name.encode()).to_bytes(2, "little")
    return Sound(Clip(name, archive(), name, kind, name), sample * round(seconds * RATE))


def wav(samples: bytes, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(samples)
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ill-disposed, and SELFISH!", ["ill", "disposed", "and", "selfish"]),
        ("I'm   fine", ["i", "m", "fine"]),
        ("I\u2019m fine", ["i", "m", "fine"]),
        ("um, Mr. Dashwood", ["mister", "dashwood"]),
        ("2. When forty", ["two", "when", "forty"]),
        ("Alright, thyself", ["all", "right", "thy", "self"]),
        ("in 1859", ["in", "1859"]),
        (" ... ", []),
    ],
)
def test_words_are_compared_without_what_is_only_spelling(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("truth", "heard", "rate"),
    [
        ("one two three four", "One, two, three, four.", 0),
        ("one two three four", "one two four", 0.25),
        ("one two three four", "one too three four", 0.25),
        ("one two three four", "one two and three and four", 0.5),
        ("one two three four", "", 1),
        ("one", "one one one", 2),
    ],
)
def test_word_error_rate(truth: str, heard: str, rate: float) -> None:
    assert word_error_rate(truth, heard) == rate


def test_edits_are_those_of_the_textbook() -> None:
    chance = random.Random(1)
    for _ in range(50):
        one, other = ([chance.choice("abc") for _ in range(chance.randrange(9))] for _ in "12")
        table = {(row, 0): row for row in range(len(one) + 1)}
        table |= {(0, column): column for column in range(len(other) + 1)}
        for row, left in enumerate(one, 1):
            for column, right in enumerate(other, 1):
                table[row, column] = min(
                    table[row - 1, column] + 1,
                    table[row, column - 1] + 1,
                    table[row - 1, column - 1] + (left != right),
                )
        assert edits(one, other) == table[len(one), len(other)], (one, other)


def test_a_recording_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    sounds = [sound(name, 2) for name in "abcdef"]
    made = [
        make_recording("clean", sounds, 1, tmp_path / str(number), seed)
        for number, seed in enumerate((7, 7, 8))
    ]
    contents = [recording.path.read_bytes() for recording in made]
    assert contents[0] == contents[1] != contents[2]
    assert made[0].text == made[1].text != made[2].text


def test_a_recording_has_all_clips_before_one_comes_again_and_ends_with_a_whole_one(
    tmp_path: Path,
) -> None:
    sounds = [sound(name, 2) for name in "abcdef"]
    made = make_recording("clean", sounds, 1, tmp_path)
    names = made.text.split()
    for first in range(0, len(names), 6):
        deal = names[first : first + 6]
        assert len(set(deal)) == len(deal)
    assert set(names[:6]) == set("abcdef") and len(names) > 6

    with wave.open(str(made.path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        seconds = file.getnframes() / RATE
    assert made.seconds == seconds
    assert 60 <= seconds < 60 + 2 + 3  # the last clip and the pause before it
    assert len(names) * 2.2 < seconds < len(names) * 5


def test_conversation_is_only_in_the_recording_that_is_named_for_it(tmp_path: Path) -> None:
    sounds = [sound("read", 5), sound("spoken", 5, "conversation")]
    assert set(make_recording("clean", sounds, 1, tmp_path).text.split()) == {"read"}
    mixed = make_recording("conversation", sounds, 1, tmp_path)
    assert set(mixed.text.split()) == {"read", "spoken"}


def test_the_manifest_names_enough_speech_exactly() -> None:
    clips = load_manifest()
    assert len(clips) >= 8 and {clip.kind for clip in clips} == set(KINDS)
    assert len({clip.name for clip in clips}) == len(clips)
    for clip in clips:
        assert clip.text.strip() and clip.member and clip.archive.licence, clip.name
        assert len(clip.archive.sha256) == 64 and clip.archive.registry in ("pypi", "npm")
        assert "*" not in clip.archive.version and clip.archive.version, clip.archive.name


def packed(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as package:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        package.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("inner", [False, True])
def test_a_clip_is_read_out_of_its_package(tmp_path: Path, inner: bool) -> None:
    file = wav(b"\1\0" * 48000, rate=48000)
    content = zipped("a/clip.wav", file) if inner else file
    package = packed("p/clips.zip" if inner else "p/clip.wav", content)
    stored = tmp_path / "speech-1.0" / "speech-1.0.tar.gz"
    stored.parent.mkdir()
    stored.write_bytes(package)
    member = "p/clips.zip!a/clip.wav" if inner else "p/clip.wav"
    clip = Clip("hello", archive(package), member, "read", "hello")

    (found,) = fetch_sounds([clip], tmp_path)
    assert found.seconds == pytest.approx(1, abs=0.01)

    stored.unlink()  # the clip is kept by itself
    assert fetch_sounds([clip], tmp_path) == [found]


def test_a_file_that_is_not_the_published_one_is_refused_and_removed(tmp_path: Path) -> None:
    stored = tmp_path / "speech-1.0" / "speech-1.0.tar.gz"
    stored.parent.mkdir()
    stored.write_bytes(b"something else")
    with pytest.raises(FetchError, match="speech 1.0 isn't the published file"):
        fetch(archive(b"published"), tmp_path)
    assert not stored.exists()


def test_registries_are_asked_for_exactly_one_package(tmp_path: Path) -> None:
    source = pip_command(archive(), tmp_path, tmp_path / "requirements.txt")
    assert "--no-deps" in source and source[source.index("--no-binary") + 1] == "speech"
    wheel = Archive("speech", "pypi", "1.0", "MIT", "0" * 64, platform="manylinux_2_34_x86_64")
    command = pip_command(wheel, tmp_path, tmp_path / "requirements.txt")
    assert command[command.index("--platform") + 1] == "manylinux_2_34_x86_64"
    assert wheel.requirement == f"speech==1.0 --hash=sha256:{'0' * 64}\n"
    assert "speech@1.0" in npm_command(wheel, tmp_path, tmp_path / "unused")


def entry(name: str, recording: str, seconds: float, **more: Any) -> dict[str, Any]:
    figures = {"seconds": seconds, "cpu": 2 * seconds, "pss_peak": 400 << 20}
    figures |= {"audio_seconds": 600.0, "error_rate": 0.01}
    return {"round": 1, "name": name, "recording": recording, **figures, **more}


def test_the_table_shows_medians_and_what_the_aims_came_to() -> None:
    runs = [entry("ours", "clean", seconds) for seconds in (10, 30, 20)]
    runs += [entry("sequential", "clean", 40, error_rate=0.001)]
    text = speech_report(MACHINE, runs)
    assert "| clean speech | this site | 30.0 | 20.0 | 40.0 | 400 | 0.010 |" in text
    assert "seconds, compared with sequential | 0.5 × (bar: ≤ 0.6 ×) | met |" in text
    assert "more than sequential | 0.009 (bar: ≤ 0.005) | **not met** |" in text
    assert "with its engine alone" not in text  # ten minutes say nothing about that
    assert "WhisperX is not installed." in text


def test_an_hour_is_also_compared_with_the_engine_alone() -> None:
    seconds = {"ours": 102.0, "alone": 100.0}
    runs = [entry(name, "clean", took, audio_seconds=3600.0) for name, took in seconds.items()]
    text = speech_report(MACHINE, runs)
    assert "with its engine alone | 1.02 × (bar: ≤ 1.05 ×) | met |" in text
    assert "word errors more than sequential | – | not measured |" in text


def test_a_failed_run_is_named_and_counts_in_no_median() -> None:
    failed = {"round": 2, "name": "ours", "recording": "clean", "problem": "it ended"}
    text = speech_report(MACHINE, [entry("ours", "clean", 10), failed])
    assert "| this site | 60.0 | 10.0 |" in text
    assert "- this site, clean speech, round 2: `it ended`" in text


def test_results_can_be_read_by_programs(tmp_path: Path) -> None:
    from bench.speech.__main__ import write_results

    text = write_results(tmp_path, MACHINE, [entry("ours", "clean", 10)])
    stored = json.loads((tmp_path / "speech-10.json").read_text())
    assert stored["machine"] == MACHINE and stored["runs"] == [entry("ours", "clean", 10)]
    assert (tmp_path / "speech-10.md").read_text() == text


def test_a_profile_counts_calls_and_windows() -> None:
    class Model:
        is_multilingual = False

        def generate(self, windows: numpy.ndarray) -> str:
            return f"{len(windows)} texts"

    profile = Profile()
    model = TimedModel(Model(), profile)
    for count in (1, 8):
        assert model.generate(numpy.zeros((count, 80, 3000))) == f"{count} texts"
    assert not model.is_multilingual
    decoder = profile.parts["decoder"]
    assert (decoder.calls, decoder.items) == (2, 9) and decoder.seconds > 0
    lines = list(rows("ours", profile, 60.0, 90.0))
    assert total("ours", 60.0, 90.0) == ["ours", "all", "", "", "60.0", "90.0"]
    assert lines[-1][:2] == ["ours", "the rest"] and lines[0][2:] == ["", "", "0.0", "0.0"]
