"""Sound of films: it begins late, comes in several tracks, or keeps another time than pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.hearing import LENGTH, MIDDLE, decoded, middle_of
from tests.speech import recordings
from tests.speech.odd_recordings import (
    Sound,
    with_unknown_codec,
    write_film,
)
from transcription.media.errors import MediaError
from transcription.media.probe import probe


@pytest.mark.parametrize(
    ("container", "codec", "late", "options"),
    [
        ("mpegts", "aac", 9.0, {}),
        ("mpegts", "ac3", 9.0, {"mpegts_m2ts_mode": "1"}),
        pytest.param("mpegts", "mp2", 125.0, {}, marks=pytest.mark.slow),
        ("mpeg", "mp2", 12.0, {}),
        ("vob", "ac3", 12.0, {}),
        ("flv", "aac", 9.0, {}),
    ],
)
def test_sound_that_begins_long_after_the_pictures_is_found(
    container: str, codec: str, late: float, options: dict[str, str], tmp_path: Path
) -> None:
    video = "flv1" if container == "flv" else "mpeg2video"
    sound = Sound(recordings.speech(), codec, late=late)
    audio = decoded(write_film(tmp_path / "film", container, [sound], video, options=options))
    assert audio.duration == pytest.approx(late + LENGTH, abs=0.15)
    assert middle_of(audio) == pytest.approx(late + MIDDLE, abs=0.15)
    assert audio.warnings == ()


@pytest.mark.slow
def test_sound_that_begins_after_megabytes_of_pictures_is_found(tmp_path: Path) -> None:
    sound = Sound(recordings.speech(), "mp2", late=3.0)
    path = write_film(tmp_path / "film", "mpegts", [sound], noise=True)
    assert path.stat().st_size > 7_000_000
    assert middle_of(decoded(path)) == pytest.approx(3.0 + MIDDLE, abs=0.1)


def test_a_track_that_begins_late_is_found_beside_one_that_does_not(tmp_path: Path) -> None:
    sounds = [Sound(recordings.speech(), "mp2", late=9.0), Sound(recordings.silence(12), "mp2")]
    audio = decoded(write_film(tmp_path / "film", "mpegts", sounds))
    assert middle_of(audio) == pytest.approx(9.0 + MIDDLE, abs=0.15)
    assert "track 1 (mp" in audio.note and "Can't be read" not in audio.note


def three_tracks(path: Path, default: int | None = None, container: str = "matroska") -> Path:
    """Silence, the sentence at once, the sentence after 2 s."""
    pcm = recordings.speech()
    sounds = (recordings.silence(5), pcm + recordings.silence(2), recordings.silence(2) + pcm)
    tracks = [
        Sound(sound, language=language, is_default=number == default)
        for number, (sound, language) in enumerate(zip(sounds, ("", "lav", "deu"), strict=True), 1)
    ]
    return write_film(path, container, tracks)


@pytest.mark.parametrize(("default", "second"), [(2, MIDDLE), (3, 2 + MIDDLE)])
def test_the_track_that_the_file_marks_is_read(default: int, second: float, tmp_path: Path) -> None:
    audio = decoded(three_tracks(tmp_path / "film", default))
    assert middle_of(audio) == pytest.approx(second, abs=0.1)
    assert f"3 audio tracks; track {default} " in audio.note and "audio_track" in audio.note
    assert ("2 (lav, aac)" in audio.note, "3 (deu, aac)" in audio.note) == (True, True)
    assert audio.warnings == ()


def test_a_track_can_be_asked_for(tmp_path: Path) -> None:
    path = three_tracks(tmp_path / "film")
    for track, second in ((2, MIDDLE), (3, 2 + MIDDLE)):
        audio = decoded(path, track)
        assert middle_of(audio) == pytest.approx(second, abs=0.1)
        assert f"track {track} " in audio.note
    assert decoded(path, 1).warnings == ()  # silence was asked for
    with pytest.raises(MediaError) as caught:
        probe(path, 4)
    assert caught.value.message == "There is no audio track 4: the file has 3 audio tracks."


def test_a_silent_main_track_beside_one_with_sound_is_told(tmp_path: Path) -> None:
    (warning,) = decoded(three_tracks(tmp_path / "film")).warnings
    assert "track 1 is silent" in warning and "with audio track 2" in warning


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize("unknown", [1, 2])
def test_a_track_that_nobody_can_decode_hides_no_other(
    container: str, unknown: int, tmp_path: Path
) -> None:
    sounds = [Sound(recordings.speech(), is_default=number == unknown) for number in (1, 2)]
    path = write_film(tmp_path / "film", container, sounds, "libx264")
    with_unknown_codec(path, unknown)
    audio = decoded(path)
    assert audio.duration == pytest.approx(LENGTH, abs=0.1)
    assert f"track {3 - unknown} (aac) was used" in audio.note.replace("und, ", "")
    assert f"{unknown} (of an unknown kind)" in audio.note and audio.warnings == ()
    with pytest.raises(MediaError) as caught:
        probe(path, unknown)
    assert caught.value.code == "no_decoder"


def test_a_track_that_gives_nothing_hides_no_other(tmp_path: Path) -> None:
    sounds = [Sound(recordings.speech(), "ac3", is_default=number == 1) for number in (1, 2)]
    path = write_film(tmp_path / "film", "matroska", sounds)
    data = bytearray(path.read_bytes())
    at = data.find(b"\x0b\x77")  # of each frame of AC-3
    second = 0
    while at >= 0:
        if second % 2 == 0:
            data[at : at + 8] = b"\x55" * 8
        second += 1
        at = data.find(b"\x0b\x77", at + 8)
    path.write_bytes(data)
    found = probe(path)
    assert (found.track, "Can't be read: 1" in found.note) == (2, True)


@pytest.mark.parametrize("container", ["matroska", "mp4", "mpegts"])
@pytest.mark.parametrize("pace", [0.95, 0.85])
def test_sound_longer_than_its_time_stamps_keeps_the_time_of_the_pictures(
    container: str, pace: float, tmp_path: Path
) -> None:
    pcm = recordings.silence(1) + (recordings.speech() + recordings.silence(3)) * 4
    path = write_film(tmp_path / "film", container, [Sound(pcm, "mp2", pace=pace)])
    audio = decoded(path)
    assert audio.duration == pytest.approx(len(pcm) / 32_000 * pace, abs=0.25)
    energy = (audio.samples() ** 2).cumsum()
    heard = float((energy < energy[-1] * 7 / 8).sum()) / recordings.RATE  # within the last one
    last = 1 + 3 * (LENGTH + 3) + MIDDLE
    assert heard == pytest.approx(last * pace, abs=0.25)
    assert audio.warnings == ()


def test_time_stamps_that_start_anew_cost_no_sound(tmp_path: Path) -> None:
    """Two recordings in one file, as television receivers join them."""
    part = write_film(tmp_path / "part", "mpegts", [Sound(recordings.long_speech(6), "mp2")])
    path = tmp_path / "both"
    path.write_bytes(part.read_bytes() * 2)
    assert decoded(path).duration == pytest.approx(2 * decoded(part).duration, abs=0.6)
