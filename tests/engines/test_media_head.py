from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.speech import recordings
from transcription.media.names import SUFFIXES
from transcription.media.sniff import HEAD, media_problem, name_problem

CONTRACT = "mp3 wav awb aac ogg oga m4a wma amr mp4 mov avi wmv mkv".split()
ALSO = "flac webm opus m4v mka aiff aif 3gp mpg mpeg ts ac3 caf au flv w64 qt".split()
MPEG_FRAME = b"\xff\xfb\x90\x64" + bytes(413)  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz
SHORT_FRAME = b"\xff\xf3\x14\xc4"  # MPEG 2 layer III, 8 kbit/s


@pytest.mark.parametrize("suffix", CONTRACT + ALSO)
def test_names_of_recordings_pass_in_any_case(suffix: str) -> None:
    assert name_problem(f"my talk.{suffix}") == ""
    assert name_problem(f"A.B.{suffix.upper()}") == ""


@pytest.mark.parametrize("name", ["", "talk", "talk.", "talk.txt", "mp3", "a.mp3/b", "x.mp3.exe"])
def test_other_names_are_refused_with_the_list(name: str) -> None:
    problem = name_problem(name)
    assert ".mp3" in problem and ".webm" in problem


def test_a_path_in_the_name_does_not_matter() -> None:
    assert name_problem("C:\\audio.d\\talk.MP3") == ""
    assert name_problem("a/b.txt/talk.ogg ") == ""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", sorted(recordings.KINDS))
def test_no_recording_is_refused(suffix: str, recording: Callable[[str], Path]) -> None:
    head = recording(suffix).read_bytes()[:HEAD]
    assert media_problem(f"x.{suffix}", head, False) == ""
    # A wrong suffix is no reason: what it is, the probe says.
    assert media_problem("x.mp4", head, False) == ""
    assert media_problem("x.wav", head, False) == ""


MORE_MEDIA = {
    "mp3 without a tag": ("a.mp3", MPEG_FRAME + MPEG_FRAME),
    "mp3 after zeros": ("a.mp3", bytes(300) + MPEG_FRAME),
    "mp3 after junk": ("a.mp3", b"\x13\x9a junk \xff\xff\x01" + MPEG_FRAME),
    "mp3, nothing but zeros yet": ("a.mp3", bytes(512)),
    "mp3 with a cover of a megabyte": ("a.mp3", b"ID3\x03\0\0\0\x3f\x7f\x7fAPIC" + bytes(500)),
    "m4a, brand isom": ("a.m4a", b"\0\0\0\x1cftypisom\0\0\2\0isomiso2mp41" + bytes(480)),
    "old QuickTime": ("a.mov", b"\0\0\0\x08wide\0\0\x12\x34mdat" + bytes(400)),
    "fragmented mp4": ("a.mp4", b"\0\0\0\x18styp" + b"msdh" + bytes(400)),
    "awb": ("a.awb", b"#!AMR-WB\n\x04" + bytes(60)),
    "wma": ("a.wma", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(490)),
    "m2ts": ("a.m2ts", (b"\0\0\0\0\x47" + bytes(187)) * 3),
    "ts that begins within a packet": ("a.ts", bytes(100) + (b"\x47" + bytes(187)) * 2),
    "aac as adts": ("a.aac", (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 8),
    "rf64": ("a.wav", b"RF64\xff\xff\xff\xffWAVEds64" + bytes(400)),
}


@pytest.mark.parametrize("case", MORE_MEDIA)
def test_rarer_beginnings_pass(case: str) -> None:
    name, head = MORE_MEDIA[case]
    assert media_problem(name, head[:HEAD], False) == ""


OTHERS = {
    "png": (recordings.png(), "PNG"),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + bytes(200), "JPEG"),
    "gif": (b"GIF89a" + bytes(200), "GIF"),
    "pdf": (b"%PDF-1.7\n" + bytes(100), "PDF"),
    "zip": (b"PK\x03\x04" + bytes(200), "ZIP"),
    "html": (b"\n <!DOCTYPE html><html><body>404", "web page"),
    "text": ("Žalgiris: nur ein Text.\n".encode() * 30, "text"),
    "utf-16": (("\ufeffhello world, this is text" * 20).encode("utf-16-le"), "text"),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(200), "program"),
    "exe": (b"MZ\x90\0\x03" + bytes(200), "program"),
    "playlist": (b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n", "playlist"),
    "ffconcat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "picture"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(200), "picture"),
    "unknown": (struct.pack("<64I", *range(7, 71)), "known"),
}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.mp4"])
def test_what_is_something_else_is_refused(case: str, name: str) -> None:
    head, word = OTHERS[case]
    problem = media_problem(name, head[:HEAD], False)
    assert problem and word in problem


def test_zeros_only() -> None:
    # A decoder of MP3 skips zeros, so a real file may begin with 512 of them; but not end so.
    assert media_problem("a.mp3", bytes(512), False) == ""
    assert "zeros" in media_problem("a.mp3", bytes(300), True)
    assert "zeros" in media_problem("a.wav", bytes(512), False)


def test_empty() -> None:
    assert "empty" in media_problem("a.mp3", b"", True)
    assert media_problem("a.mp3", b"", False) == ""


@pytest.mark.parametrize(
    "header",
    [
        b"\xff\xeb\x90\x64",  # reserved version
        b"\xff\xf9\x90\x64",  # reserved layer
        b"\xff\xfb\xf0\x64",  # bit rate that cannot be
        b"\xff\xfb\x9c\x64",  # sample rate that cannot be
    ],
)
def test_a_sync_word_alone_is_no_frame(header: bytes) -> None:
    assert media_problem("a.mp3", header + b"\x01" * 200, True)


def test_two_frames_must_follow_each_other_where_that_shows() -> None:
    # (under another name than .mp3: there, a frame may begin anywhere)
    assert media_problem("a.wav", (SHORT_FRAME + b"\x01" * 26) * 9, True)
    length = 72 * 8000 // 24000
    assert not media_problem("a.wav", (SHORT_FRAME + b"\x01" * (length - 4)) * 9, True)


def test_the_name_is_judged_first() -> None:
    assert "Accepted" in media_problem("a.txt", MPEG_FRAME, False)
    assert "mp3" in SUFFIXES
