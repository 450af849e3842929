"""Files of the kinds that recorders, phones and television make, and players play."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.speech.recordings import RATE, speech


@dataclass(frozen=True)
class Sound:
    """One audio track.

    Attributes:
        pcm: 16 kHz mono samples.
        codec: Of the track.
        late: Seconds after which it begins.
        is_default: Whether the file tells players to take it.
        language: As the file says it.
        pace: Seconds by the time stamps for each second of sound.
    """

    pcm: bytes
    codec: str = "aac"
    late: float = 0.0
    is_default: bool = False
    language: str = ""
    pace: float = 1.0


def write_film(
    path: Path,
    container: str,
    sounds: Sequence[Sound],
    video: str = "mpeg2video",
    noise: bool = False,
    seconds: float = 0.0,
    options: Mapping[str, str] | None = None,
) -> Path:
    """A film, its tracks interleaved by time as a recorder does it.

    Args:
        path: Where it goes.
        container: FFmpeg's name of its format.
        sounds: Its audio tracks.
        video: Codec of its pictures.
        noise: Whether the pictures are noise, of some 2.5 MB a second.
        seconds: How long the pictures go on; 0: as long as the sound.
        options: Of the format.
    """
    rate = 48_000
    with av.open(str(path), "w", format=container, options=dict(options or {})) as output:
        packets: list[Any] = _pictures(output, video, noise, seconds or max(map(_end, sounds)))
        for sound in sounds:
            stream = output.add_stream(sound.codec, rate=rate)
            assert isinstance(stream, av.AudioStream)
            stream.layout = "mono"
            if sound.language:
                stream.metadata["language"] = sound.language
            if sound.is_default:
                stream.disposition = av.stream.Disposition.default
            packets += _packets(sound, stream, rate)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            output.mux(packet)
    return path


def _end(sound: Sound) -> float:
    return len(sound.pcm) / (RATE * 2) * sound.pace + sound.late


def _pictures(
    output: av.container.OutputContainer, codec: str, noise: bool, seconds: float
) -> list[Any]:
    stream = output.add_stream(codec, rate=25)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = (640, 480) if noise else (176, 144)
    stream.pix_fmt = "yuv420p"
    stream.bit_rate = 20_000_000 if noise else 100_000
    random = np.random.default_rng(1)
    packets = []
    for number in range(int(seconds * 25) + 1):
        shape = (stream.height, stream.width, 3)
        dots = random.integers(0, 255, shape, np.uint8) if noise else np.full(shape, 9, np.uint8)
        frame = av.VideoFrame.from_ndarray(dots, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        packets += stream.encode(frame)
    return [packet for packet in [*packets, *stream.encode(None)] if packet.dts is not None]


def _packets(sound: Sound, stream: av.AudioStream, rate: int) -> list[Any]:
    context = stream.codec_context
    resampler = av.AudioResampler(
        format=context.format.name, layout="mono", rate=rate, frame_size=context.frame_size or 1024
    )
    frame = av.AudioFrame.from_ndarray(
        np.frombuffer(sound.pcm, "<i2").reshape(1, -1), format="s16", layout="mono"
    )
    frame.sample_rate = RATE
    packets, at = [], sound.late * rate
    for made in [*resampler.resample(frame), *resampler.resample(None)]:
        made.pts, made.time_base = round(at), Fraction(1, rate)
        at += made.samples * sound.pace
        packets += stream.encode(made)
    return [packet for packet in [*packets, *stream.encode(None)] if packet.dts is not None]


def write_pairs(path: Path, left: np.ndarray, right: np.ndarray) -> Path:
    """A stereo WAV of 16 kHz."""
    pairs = np.stack([left, right], axis=1).astype("<i2").tobytes()
    path.write_bytes(wav_header(len(pairs), channels=2) + pairs)
    return path


def wav_header(count: int, channels: int = 1, rate: int = RATE) -> bytes:
    """Of a WAV that says it has so many bytes of 16-bit sound."""
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    count = min(count, 2**32 - 37)
    data = struct.pack("<I", count)
    return b"RIFF" + struct.pack("<I", count + 36) + b"WAVEfmt " + form + b"data" + data


def samples() -> np.ndarray:
    """The sentence as 16-bit samples."""
    return np.frombuffer(speech(), "<i2")


def with_unknown_codec(path: Path, track: int) -> Path:
    """An MP4 as phones make them, whose audio track of that number is in Apple's APAC."""
    data = bytearray(path.read_bytes())
    at = [found.end() - 4 for found in re.finditer(rb"stsd.{12}mp4a", data, re.DOTALL)][track - 1]
    data[at : at + 4] = b"apac"
    description = data.index(b"esds", at)
    data[description : description + 4] = b"dapa"
    path.write_bytes(data)
    return path


def write_dictation(path: Path, blocks: int = 40, mode: int = 0) -> Path:
    """What a dictation machine writes (DSS): noise, as no encoder can be had.

    Args:
        path: Where it goes.
        blocks: Of 512 bytes, 506 of them sound.
        mode: 0: standard play, frames of 41 bytes for 24 ms; 2: long play, 24 bytes for 30 ms.
    """
    head = bytearray(1024)
    head[:4] = b"\x02dss"
    head[0x26:0x3E] = b"261130120000" * 2
    head[0x2A4] = mode
    random = np.random.default_rng(1)
    sound = random.integers(0, 64, blocks * 506, np.uint8) * 4  # two bits tell the frame's length
    pieces = [bytes(6) + sound[at : at + 506].tobytes() for at in range(0, len(sound), 506)]
    path.write_bytes(bytes(head) + b"".join(pieces))
    return path
