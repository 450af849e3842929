"""The writers, one a format. A new format is one function and one line in FORMATS."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transcription.formats.cues import Options, Segment, clock, cues, timestamp

Metadata = Mapping[str, Any]
Writer = Callable[[Sequence[Segment], Metadata, Options], str]

ARROW = re.compile("-{2,}>")
# Full-width signs count to spreadsheets, and a quotation mark around a cell does not.
FORMULA = re.compile(r'[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]')
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class Format:
    """How one kind of file is written and announced."""

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
    """Write a transcript as one of FORMATS.

    Args:
        kind: a key of FORMATS.
        segments: in the order in which they shall appear.
        metadata: facts about the recording; only json carries them.
        options: see Options.

    Returns:
        Text that always encodes as UTF-8.

    Raises:
        KeyError: the kind is unknown.
    """
    written = FORMATS[kind].write(list(segments), metadata or {}, options or Options())
    return _SURROGATES.sub("\ufffd", written)


def _write_srt(segments: Sequence[Segment], _: Metadata, options: Options) -> str:
    """SubRip. It knows no escaping, so an arrow that would look like a time line is shortened."""
    blocks = []
    for number, cue in enumerate(cues(segments, options.split, options.speakers), start=1):
        times = f"{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}"
        speaker = f"[{cue.speaker}] " if cue.speaker else ""
        text = ARROW.sub("->", speaker + "\n".join(cue.lines))
        blocks.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


def _write_vtt(segments: Sequence[Segment], _: Metadata, options: Options) -> str:
    """WebVTT, with the speaker as a voice span."""
    blocks = ["WEBVTT\n"]
    for cue in cues(segments, options.split, options.speakers):
        times = f"{timestamp(cue.start, '.')} --> {timestamp(cue.end, '.')}"
        text = _escaped("\n".join(cue.lines))
        voiced = f"<v {_escaped(cue.speaker)}>{text}</v>" if cue.speaker else text
        blocks.append(f"{times}\n{voiced}\n")
    return "\n".join(blocks)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _write_txt(segments: Sequence[Segment], _: Metadata, options: Options) -> str:
    """One line a segment, and another one where somebody else goes on."""
    lines = []
    for cue in cues(segments, speakers=options.speakers):
        time = f"[{clock(cue.start // 1000)}] " if options.times else ""
        speaker = f"[{cue.speaker}]: " if cue.speaker else ""
        lines.append(f"{time}{speaker}{cue.line}\n")
    return "".join(lines)


def _write_tsv(segments: Sequence[Segment], _: Metadata, options: Options) -> str:
    """Tab-separated start and end in milliseconds, text, and a speaker column if there is any."""
    said = cues(segments, speakers=options.speakers)
    rows = [(str(cue.start), str(cue.end), _cell(cue.line), _cell(cue.speaker)) for cue in said]
    columns = 4 if any(row[3] for row in rows) else 3
    table = [("start", "end", "text", "speaker"), *rows]
    return "".join("\t".join(row[:columns]) + "\n" for row in table)


def _cell(text: str) -> str:
    """What was said, as text to spreadsheets, too: what they would calculate gets an apostrophe."""
    return f"'{text}" if FORMULA.match(text) else text


def _write_json(segments: Sequence[Segment], metadata: Metadata, _: Options) -> str:
    """Everything as it is known; numbers that JSON cannot hold become null."""
    body = {"metadata": metadata, "segments": segments} if metadata else {"segments": segments}
    return json.dumps(_finite(body), ensure_ascii=False, indent=2, default=str) + "\n"


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
