"""Selects a file's audio track, and describes the others.

Tracks are counted from 1, as players do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transcription.media.container import is_usable

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

MOST_NAMED = 12
"""The maximum number of tracks that a sentence lists."""
MOST_TRIED = 32
"""The maximum number of tracks that are tried if they can't be decoded."""
_LONGEST_TITLE = 60


@dataclass(frozen=True)
class Track:
    """One audio track.

    Attributes:
        number: From 1 on, counting only audio tracks.
        codec: Its short name.
        language: According to the file; "" if unknown.
        title: According to the file; "" if it has none.
        is_default: Whether the file says that players should choose it.
        is_extra: Whether it is a commentary, or made for hearing or visually impaired users.
        is_usable: Whether there is a decoder for it.
    """

    number: int
    codec: str
    language: str
    title: str
    is_default: bool
    is_extra: bool
    is_usable: bool

    def __str__(self) -> str:
        title = f'"{self.title}"' if self.title else ""
        said = ", ".join(part for part in (title, self.language, self.codec) if part)
        return f"{self.number} ({said})"


def tracks_of(container: InputContainer) -> list[Track]:
    return [_track(number, stream) for number, stream in enumerate(container.streams.audio, 1)]


def stream_of(container: InputContainer, number: int) -> av.AudioStream:
    return container.streams.audio[number - 1]


def by_preference(tracks: Sequence[Track]) -> list[Track]:
    """The tracks that can be decoded: the file's default first, then in the file's order."""
    usable = [track for track in tracks if track.is_usable]
    return sorted(usable, key=lambda track: (track.is_extra, not track.is_default))


def listed(tracks: Sequence[Track]) -> str:
    """Tracks in words."""
    names = [str(track) for track in tracks[:MOST_NAMED]]
    more = len(tracks) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def note_on(tracks: Sequence[Track], used: int, failed: Sequence[int]) -> str:
    """What users should know about the choice; "" if there was none.

    Args:
        tracks: All tracks of the file.
        used: The number of the track that is read.
        failed: Numbers of tracks that would have been used, but can't be decoded.
    """
    if len(tracks) < 2:
        return ""
    said = f"The file has {len(tracks)} audio tracks; track {tracks[used - 1]} was used."
    lost = [t for t in tracks if t.number != used and (t.number in failed or not t.is_usable)]
    if lost:
        said += f" Can't be read: {listed(lost)}."
    others = [t for t in tracks if t.number != used and t not in lost]
    if others:
        said += f" Others can be chosen by audio_track: {listed(others)}."
    return said


def _track(number: int, stream: av.AudioStream) -> Track:
    import av.stream

    flags = stream.disposition
    kinds = av.stream.Disposition
    context = stream.codec_context
    return Track(
        number=number,
        codec=context.codec.canonical_name if context is not None else "of an unknown kind",
        language="" if (language := _said(stream, "language")) == "und" else language,
        title=_said(stream, "title"),
        is_default=bool(flags & kinds.default),
        is_extra=bool(flags & (kinds.comment | kinds.hearing_impaired | kinds.visual_impaired)),
        is_usable=is_usable(stream),
    )


def _said(stream: av.AudioStream, key: str) -> str:
    """A tag of the file, shortened to one line."""
    return " ".join(stream.metadata.get(key, "").split())[:_LONGEST_TITLE]
