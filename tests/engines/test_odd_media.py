"""Sound that is wired wrongly, cut off or not what its header says; hours of nothing."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tests.engines.hearing import decoded
from tests.speech import recordings
from tests.speech.odd_recordings import (
    Sound,
    samples,
    wav_header,
    write_dictation,
    write_film,
    write_pairs,
)
from transcription.engines.base import DIARIZE, TRANSCRIBE, Request
from transcription.engines.runtime.engine_process import EngineProcess
from transcription.media.decode import decode
from transcription.media.errors import MediaError
from transcription.media.probe import probe
from transcription.media.sniff import HEAD, media_problem


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_channels_that_cancel_each_other_out_are_heard(share: float, tmp_path: Path) -> None:
    """Recordings of a wrongly wired cable; for a minute, then not, then again."""
    left = np.concatenate([samples(), samples(), samples()])
    sign = np.concatenate([np.full(len(samples()), -share), np.ones(len(samples()))] * 2)
    audio = decoded(write_pairs(tmp_path / "a.wav", left, left * sign[: len(left)]))
    heard = audio.samples()
    plain = left / 32768
    for part in range(3):
        part_of = slice(part * len(samples()), (part + 1) * len(samples()))
        ratio = float((heard[part_of] ** 2).sum() / (plain[part_of] ** 2).sum())
        assert ratio == pytest.approx(1.0, abs=0.3)
    assert "opposite phase" in audio.note and audio.warnings == ()


def test_channels_that_differ_are_mixed(tmp_path: Path) -> None:
    """Two people, each on a channel; one person, on one channel; both as ever."""
    nothing = np.zeros_like(samples())
    left = np.concatenate([samples(), nothing])
    right = np.concatenate([nothing, samples()])
    audio = decoded(write_pairs(tmp_path / "a.wav", left, right))
    assert np.abs(audio.samples() * 2 - (left + right) / 32768).max() < 0.001
    assert audio.note == ""


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_a_header_that_promises_less_than_the_file_holds_is_told(
    suffix: str, tmp_path: Path
) -> None:
    path = recordings.write(tmp_path / f"a.{suffix}", recordings.long_speech(12))
    data = bytearray(path.read_bytes())
    whole = decoded(path)
    assert whole.warnings == ()
    rate = 32_000 if suffix == "wav" else 176_400
    order: Literal["little", "big"] = "little" if suffix == "wav" else "big"
    if suffix == "aiff":
        at = data.index(b"COMM") + 10
        data[at : at + 4] = (44_100 * 5).to_bytes(4, "big")
    at = data.index(b"data" if suffix == "wav" else b"SSND") + 4
    data[at : at + 4] = (rate * 5 + 8 * (suffix == "aiff")).to_bytes(4, order)
    path.write_bytes(data)
    audio = decoded(path)
    assert audio.duration == pytest.approx(5, abs=0.1)
    (warning,) = audio.warnings
    more = whole.duration - 5
    assert "after 5 s" in warning and f"{more:.0f} s more" in warning


def test_what_may_follow_the_sound_is_no_sound(tmp_path: Path) -> None:
    """Descriptions, a tag with a picture, room that was kept: all of them large."""
    pcm = recordings.speech()
    for number, rest in enumerate(
        (
            b"LIST" + (300_000).to_bytes(4, "little") + b"INFO" + b"\x33" * 299_996,
            b"id3 " + (99_999).to_bytes(4, "little") + b"\x77" * 99_999 + b"\0",
            bytes(200_000),
        )
    ):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(wav_header(len(pcm)) + pcm + rest)
        assert decoded(path).warnings == ()


@pytest.mark.parametrize("codec", ["libmp3lame", "adpcm_ms", "pcm_mulaw", "pcm_u8", "pcm_s24le"])
def test_a_whole_wav_of_any_codec_is_taken_for_whole(codec: str, tmp_path: Path) -> None:
    pcm = recordings.silence(20) + recordings.speech() + recordings.noise(5)
    kind = recordings.Kind("wav", "wav", codec, recordings.RATE, "mono")
    audio = decoded(recordings.write(tmp_path / "a.wav", pcm, kind))
    assert audio.duration == pytest.approx(len(pcm) / 32_000, abs=0.2)
    assert audio.warnings == ()


def test_a_wav_that_is_cut_off_is_told(tmp_path: Path) -> None:
    pcm = recordings.long_speech(20)
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(len(pcm)) + pcm[: len(pcm) // 2])
    (warning,) = decoded(path).warnings
    assert "cut off" in warning and "lasts 23 s" in warning and "after 11 s" in warning
    path.write_bytes(wav_header(2**32) + pcm)  # of a program that did not know how long
    assert decoded(path).warnings == ()


@pytest.mark.proof
@pytest.mark.alone
def test_hours_of_nothing_in_a_sparse_file_cost_little(tmp_path: Path) -> None:
    """4.4 GB, of which the disk holds 4 kB; what is surely too long is not read at all."""
    for rate, channels, code in ((44_100, 2, ""), (16_000, 1, "too_long")):
        path = tmp_path / f"{rate}.wav"
        path.write_bytes(wav_header(2**32, channels, rate))
        with path.open("r+b") as file:
            file.truncate(4_400_000_000)
        before = time.process_time()
        try:
            sound = decode(path, len)
        except MediaError as problem:
            assert problem.code == code
        else:
            assert not code and sound.duration > 24_000
        assert time.process_time() - before < 10


def test_a_file_system_that_cannot_tell_holes_costs_no_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some network mounts; the silence in front makes it look for the next data."""
    path = recordings.write(tmp_path / "a.wav", recordings.silence(4) + recordings.speech())
    whole = decoded(path).duration
    real = os.lseek

    def lseek(file: int, position: int, whence: int) -> int:
        if whence == os.SEEK_DATA:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(file, position, whence)

    monkeypatch.setattr(os, "lseek", lseek)
    sound = decode(path, len)
    assert (sound.duration, sound.is_silent) == (whole, False)


def test_no_engine_looks_for_speech_in_hours_of_nothing(
    draft: Callable[[Path], Request], engine: EngineProcess, tmp_path: Path
) -> None:
    path = tmp_path / "hour.wav"
    path.write_bytes(wav_header(3600 * 32_000))
    with path.open("r+b") as file:
        file.truncate(44 + 3600 * 32_000)
    result = engine.run(replace(draft(path), stages=(TRANSCRIBE, DIARIZE)))
    assert (result.duration, result.segments, result.outputs[DIARIZE].value) == (3600, [], [])
    assert result.warnings == ["The recording is silent from beginning to end."]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4a", "3gp"])
def test_an_mp4_that_is_cut_off_is_told_as_such(
    suffix: str, recording: Callable[[str], Path], tmp_path: Path
) -> None:
    whole = recording(suffix).read_bytes()
    path = tmp_path / "cut"
    for length in (2_000, len(whole) // 2, whole.index(b"moov") + 30, whole.index(b"moov") - 4):
        path.write_bytes(whole[:length])
        with pytest.raises(MediaError) as caught:
            probe(path)
        assert caught.value.code == "truncated"
        assert "cut off" in caught.value.message
    path.write_bytes(whole[:100].replace(b"mdat", b"mdxx") + whole[100:].replace(b"moov", b"mxxv"))
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.code == "unreadable"


def test_an_mp4_with_its_index_first_that_is_cut_off_is_read_as_far_as_it_goes(
    tmp_path: Path,
) -> None:
    sound = Sound(recordings.long_speech(20))
    path = write_film(
        tmp_path / "film", "mp4", [sound], "libx264", options={"movflags": "faststart"}
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    audio = decoded(path)
    assert 5 < audio.duration < 16
    assert "The file is cut off" in " ".join(audio.warnings)


@pytest.mark.parametrize(("mode", "codec", "seconds"), [(0, "dss_sp", 11.8), (2, "g723_1", 25.3)])
def test_dictation_machines_are_understood(
    mode: int, codec: str, seconds: float, tmp_path: Path
) -> None:
    path = write_dictation(tmp_path / "upload", mode=mode)
    found = probe(path)
    assert (found.container, found.codec, found.mime) == ("dss", codec, "audio/x-dss")
    assert decoded(path).duration == pytest.approx(seconds, abs=0.2)
    assert media_problem("memo.dss", path.read_bytes()[:HEAD], False) == ""


OUTSIDE = {
    "alaw": ("alaw", "pcm_alaw"),
    "raw samples": ("s16le", "pcm_s16le"),
    "g722": ("g722", "g722"),
    "sbc": ("sbc", "sbc"),
    "a list of segments": ("hls", "aac"),
}
TEXTS = {
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "srt": "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20,
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
    "metadata": ";FFMETADATA1\ntitle=x\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "smil": "<smil><body><audio src='/etc/passwd'/></body></smil>",
}


@pytest.mark.parametrize("kind", [*OUTSIDE, *TEXTS])
def test_what_has_no_header_or_is_no_recording_stays_outside(kind: str, tmp_path: Path) -> None:
    """Under the names that FFmpeg goes by, too."""
    suffix = OUTSIDE[kind][0] if kind in OUTSIDE else kind
    path = tmp_path / f"upload.{ {'hls': 'm3u8', 'metadata': 'txt'}.get(suffix, suffix) }"
    if kind in OUTSIDE:
        container, codec = OUTSIDE[kind]
        written = recordings.Kind(suffix, container, codec, recordings.RATE, "mono")
        recordings.write(path, recordings.speech(), written)
    else:
        path.write_text(TEXTS[kind])
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.code == "unreadable"
