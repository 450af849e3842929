"""The writers, one a format. A new format is one function and one line in FORMATS."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transcription.formats.cues import Options, Segment, clock, cues, timestamp

Metadata = Mapping[str, Any]
Writer = Callable[[Iterable[Segment], Metadata, Options], Iterator[str]]

ARROW = re.compile("-{2,}>")
# Spreadsheets also react to full-width signs, and quotation marks around a cell don't prevent that.
FORMULA = re.compile(r'[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]')
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class Format:
    """A file format and its media type."""

    write: Writer
    content_type: str
    suffix: str
    label: str


def render(
    kind: str,
    segments: Iterable[Segment],
    metadata: Metadata | None = None,
    options: Options | None = None,
) -> str:
    """Writes a transcript in one of FORMATS, as a whole; see `written`."""
    return "".join(written(kind, list(segments), metadata, options))


def written(
    kind: str,
    segments: Iterable[Segment],
    metadata: Metadata | None = None,
    options: Options | None = None,
) -> Iterator[str]:
    """Writes a transcript in one of FORMATS, piece by piece.

    Args:
        kind: A key of FORMATS.
        segments: In the order of the output.
        metadata: Facts about the recording; only json contains them.
        options: See Options.

    Returns:
        Pieces of text that can always be encoded as UTF-8.

    Raises:
        KeyError: The kind is unknown.
    """
    pieces = FORMATS[kind].write(segments, metadata or {}, options or Options())
    return (_SURROGATES.sub("\ufffd", piece) for piece in pieces)


def _write_srt(segments: Iterable[Segment], _: Metadata, options: Options) -> Iterator[str]:
    """SubRip. It has no escaping, so an arrow that would look like a time line is shortened."""
    for number, cue in enumerate(cues(segments, options.split, options.speakers), start=1):
        times = f"{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}"
        text = ARROW.sub("->", "\n".join(cue.labelled_lines))
        blank_line = "\n" if number > 1 else ""
        yield f"{blank_line}{number}\n{times}\n{text}\n"


def _write_vtt(segments: Iterable[Segment], _: Metadata, options: Options) -> Iterator[str]:
    """WebVTT, with the speaker as a voice span."""
    yield "WEBVTT\n"
    for cue in cues(segments, options.split, options.speakers):
        times = f"{timestamp(cue.start, '.')} --> {timestamp(cue.end, '.')}"
        text = _escaped("\n".join(cue.lines))
        voiced = f"<v {_escaped(cue.speaker)}>{text}</v>" if cue.speaker else text
        yield f"\n{times}\n{voiced}\n"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _write_txt(segments: Iterable[Segment], _: Metadata, options: Options) -> Iterator[str]:
    """One line per segment, and a new one where the speaker changes."""
    for cue in cues(segments, speakers=options.speakers):
        time = f"[{clock(cue.start // 1000)}] " if options.times else ""
        speaker = f"[{cue.speaker}]: " if cue.speaker else ""
        yield f"{time}{speaker}{cue.line}\n"


def _write_tsv(segments: Iterable[Segment], _: Metadata, options: Options) -> Iterator[str]:
    """Tab-separated start and end in milliseconds, text, and a speaker column if there is any."""
    said = cues(segments, speakers=options.speakers)
    rows = [(str(cue.start), str(cue.end), _cell(cue.line), _cell(cue.speaker)) for cue in said]
    columns = 4 if any(row[3] for row in rows) else 3
    for row in (("start", "end", "text", "speaker"), *rows):
        yield "\t".join(row[:columns]) + "\n"


def _cell(text: str) -> str:
    """The text, with an apostrophe in front if a spreadsheet would calculate it."""
    return f"'{text}" if FORMULA.match(text) else text


def _write_json(segments: Iterable[Segment], metadata: Metadata, _: Options) -> Iterator[str]:
    """All data; numbers that JSON can't represent become null."""
    body = {"metadata": metadata, "segments": []} if metadata else {"segments": []}
    yield _indented(body).removesuffix("]\n}")
    mark = end = ""
    for segment in segments:
        yield f"{mark}\n    " + _indented(segment).replace("\n", "\n    ")
        mark, end = ",", "\n  "
    yield f"{end}]\n}}\n"


def _indented(value: object) -> str:
    return json.dumps(_finite(value), ensure_ascii=False, indent=2, default=str)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


FORMATS: dict[str, Format] = {
    "srt": Format(_write_srt, "application/x-subrip; charset=utf-8", ".srt", "SRT"),
    "vtt": Format(_write_vtt, "text/vtt; charset=utf-8", ".vtt", "VTT"),
    "txt": Format(_write_txt, "text/plain; charset=utf-8", ".txt", "TXT"),
    "tsv": Format(_write_tsv, "text/tab-separated-values; charset=utf-8", ".tsv", "TSV"),
    "json": Format(_write_json, "application/json; charset=utf-8", ".json", "JSON"),
}
