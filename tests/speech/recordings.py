"""Real speech in every kind of file that PyAV can write, and files with no speech in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 16_000
GO_FORWARD = Path(__file__).parent / "goforward.flac"
"""A man says "go forward ten meters" (2.8 s). README.md says where it is from."""
TEXT = "Go forward 10 meters."
"""As the built-in model writes it."""

QUICK = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libx264": {"preset": "ultrafast"},
}
"""Options of encoders of pictures: nobody looks at these."""


@dataclass(frozen=True)
class Kind:
    """How to write one kind of file."""

    suffix: str
    container: str
    codec: str
    rate: int = 44_100
    layout: str = "stereo"
    video: str = ""
    bit_rate: int = 0
    options: tuple[tuple[str, str], ...] = ()


KINDS = {
    kind.suffix: kind
    for kind in (
        Kind("wav", "wav", "pcm_s16le", RATE, "mono"),
        Kind("mp3", "mp3", "libmp3lame"),
        Kind("m4a", "ipod", "aac"),
        Kind("flac", "flac", "flac"),
        Kind("ogg", "ogg", "vorbis", options=(("strict", "-2"),)),
        Kind("oga", "ogg", "flac"),
        Kind("opus", "ogg", "libopus", 48_000),
        Kind("webm", "webm", "libopus", 48_000, video="libvpx"),
        Kind("weba", "webm", "libopus", 48_000),
        Kind("mp4", "mp4", "aac", video="libx264"),
        Kind("mov", "mov", "aac", video="libx264"),
        Kind("m4v", "mp4", "aac", video="libx264"),
        Kind("mkv", "matroska", "flac", video="libx264"),
        Kind("mka", "matroska", "libopus", 48_000),
        Kind("avi", "avi", "libmp3lame", video="mpeg4"),
        Kind("wma", "asf", "wmav2", bit_rate=64_000),
        Kind("wmv", "asf", "wmav2", video="mpeg4", bit_rate=64_000),
        Kind("amr", "amr", "libopencore_amrnb", 8_000, "mono", bit_rate=12_200),
        Kind("3gp", "3gp", "libopencore_amrnb", 8_000, "mono", "h263", 12_200),
        Kind("aac", "adts", "aac"),
        Kind("aiff", "aiff", "pcm_s16be"),
        Kind("caf", "caf", "pcm_s16le"),
        Kind("au", "au", "pcm_s16be"),
        Kind("ac3", "ac3", "ac3", 48_000),
        Kind("eac3", "eac3", "eac3", 48_000),
        Kind("mp2", "mp2", "mp2"),
        Kind("ts", "mpegts", "aac", video="libx264"),
        Kind("mpg", "mpeg", "mp2", video="mpeg1video"),
        Kind("flv", "flv", "aac", video="flv1"),
        Kind("w64", "w64", "pcm_s16le"),
        Kind("wtv", "wtv", "mp2", 48_000, video="mpeg2video"),
        Kind("sf", "ircam", "pcm_s16le"),
        Kind("nut", "nut", "pcm_s16le", video="mpeg4"),
        Kind("sox", "sox", "pcm_s32le"),
        Kind("wv", "wv", "wavpack"),
        Kind("tta", "tta", "tta"),
        Kind("rf64", "wav", "pcm_s16le", options=(("rf64", "always"),)),
    )
}


def speech() -> bytes:
    """The sentence as 16 kHz mono signed 16-bit samples."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(GO_FORWARD)) as container:
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)


def silence(seconds: float) -> bytes:
    """Digital silence."""
    return bytes(round(seconds * RATE) * 2)


def louder(pcm: bytes, factor: float) -> bytes:
    """The same samples, louder by this factor, or softer."""
    return (np.frombuffer(pcm, "<i2") * factor).clip(-32768, 32767).astype("<i2").tobytes()


def noise(seconds: float) -> bytes:
    """Loud white noise, always the same."""
    values = np.random.default_rng(1).normal(0, 6000, round(seconds * RATE))
    return values.clip(-32000, 32000).astype("<i2").tobytes()


def long_speech(seconds: float, pause: float = 1.0) -> bytes:
    """The sentence again and again, with pauses, at least that long."""
    once = speech() + silence(pause)
    return once * max(1, round(seconds * RATE * 2 / len(once) + 0.5))


def write(path: Path, pcm: bytes, kind: str | Kind | None = None, late: float = 0.0) -> Path:
    """Write samples as a file.

    Args:
        kind: a key of KINDS; the path's suffix when not given.
        late: seconds after which the sound begins in the file's own time.
    """
    if not isinstance(kind, Kind):
        kind = KINDS[kind or path.suffix.lower().lstrip(".")]
    with av.open(str(path), "w", format=kind.container, options=dict(kind.options)) as container:
        options = {"strict": "experimental"}
        audio = container.add_stream(kind.codec, rate=kind.rate, options=options)
        assert isinstance(audio, av.AudioStream)
        audio.layout = kind.layout
        if kind.bit_rate:
            audio.bit_rate = kind.bit_rate
        video = _video_stream(container, kind.video) if kind.video else None
        seconds = len(pcm) / (RATE * 2) + late
        if video:
            for number in range(int(seconds * 25) + 1):
                container.mux(video.encode(_picture(number)))
            container.mux(video.encode(None))
        for frame in _frames(pcm, audio, round(late * kind.rate)):
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def write_pictures_only(path: Path, seconds: float = 1.0) -> Path:
    """An MP4 with a video track and no sound at all."""
    with av.open(str(path), "w", format="mp4") as container:
        video = _video_stream(container, "libx264")
        for number in range(int(seconds * 25)):
            container.mux(video.encode(_picture(number)))
        container.mux(video.encode(None))
    return path


def png() -> bytes:
    """A real PNG picture."""
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = 64, 64, "rgb24"
    codec.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 120, np.uint8), format="rgb24")
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])


def _video_stream(container: av.container.OutputContainer, codec: str) -> av.VideoStream:
    video = container.add_stream(codec, rate=25, options=QUICK.get(codec, {}))
    assert isinstance(video, av.VideoStream)
    video.width, video.height = 176, 144  # the only size that all codecs can do
    video.pix_fmt = "yuv420p"
    return video


def _picture(number: int) -> av.VideoFrame:
    gray = np.full((144 * 3 // 2, 176), 128, np.uint8)
    gray[:144] = number * 3 % 256
    frame = av.VideoFrame.from_ndarray(gray, format="yuv420p")
    frame.pts = number
    return frame


def _frames(pcm: bytes, stream: av.AudioStream, start: int) -> Iterator[av.AudioFrame]:
    """The samples as frames that the stream's encoder takes."""
    context = stream.codec_context
    wanted = context.format.name if context.format else "s16"
    resampler = av.AudioResampler(
        format=wanted,
        layout=stream.layout,
        rate=stream.rate,
        frame_size=context.frame_size or 1024,
    )
    step = RATE * 2
    pts = start
    for at in [*range(0, len(pcm), step), None]:
        frame = None
        if at is not None:
            samples = np.frombuffer(pcm[at : at + step], "<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = RATE
        for made in resampler.resample(frame):
            made.pts, made.time_base = pts, Fraction(1, stream.rate)
            pts += made.samples
            yield made


def write_bold_claim(path: Path, samples: int = 20_000_000) -> Path:
    """A small MP4 that says it has so many samples: FFmpeg makes a table of 24 bytes for each."""
    write(path, speech(), "m4a")
    data = bytearray(path.read_bytes())
    for box, at, values in (
        (b"stsz", 8, (7, samples)),  # all have 7 bytes, there are so many
        (b"stts", 12, (samples, 1024)),  # so many have this length
        (b"stsc", 16, (samples,)),  # so many are in each chunk
    ):
        start = data.index(box) + at
        for number, value in enumerate(values):
            data[start + 4 * number : start + 4 * number + 4] = value.to_bytes(4, "big")
    path.write_bytes(data)
    return path
