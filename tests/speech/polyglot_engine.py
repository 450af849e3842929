"""An engine that says long sentences of many scripts, each in one segment, of every recording.

Texts are lists of what readers see as one letter, so that a test needs no library to tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.speech.able_engine import Able
from transcription.engines.base import (
    Alignment,
    Capabilities,
    Diarization,
    Progress,
    Request,
    Segment,
    ShouldStop,
    Transcription,
)

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

JAPANESE = list(
    "今日は天気がいいから散歩しましょう。「はい、そうですね」と彼女は言いました。"
    "そしてコンピューターの電源を切って、ゆっくりと公園へ歩いて行きました。"
)
HINDI = (
    "क्ष त्रि य | रा जा | ने | क हा | कि | स्त्रि यों | को | भी | यु द्ध | में | भा ग "
    "| ले ना | चा हि ए | औ र | इ स | प्र का र | स ब ने | मि ल क र | रा ज्य | की "
    "| र क्षा | की । | " + "न म स्ते " * 10
)
ARABIC = (
    "قَ ا لَ | ا ل مُ عَ لِّ مُ | إِ نَّ | ا ل دَّ رْ سَ | سَ يَ بْ دَ أُ | غَ دً ا ، "
    "| وَ عَ لَ ى | ا ل جَ مِ ي عِ | أَ نْ | يَ حْ ضُ رُ و ا | مُ بَ كِّ رً ا | مِ نْ "
    "| فَ ضْ لِ كُ مْ | يَ ا | أَ صْ دِ قَ ا ئِ ي"
)
EMOJI = ["👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "❤️", "🏳️‍🌈", "🇫🇷", "👩🏿‍🚀"] * 9
PAUSE = ("Okay.", 22.0, "Let us go on.")


def letters(spaced: str) -> list[str]:
    """What is written with a blank behind each letter, and a bar for each blank."""
    return [" " if letter == "|" else letter for letter in spaced.split()]


LETTERS = {
    "ja": JAPANESE,
    "hi": letters(HINDI),
    "ar": letters(ARABIC),
    "emoji": EMOJI,
    "en": list(
        "The committee will meet on Thursday, and then we shall decide what to do about it."
    ),
}
WIDE = ("ja", "emoji")  # scripts whose letters take two columns each
PACE = 0.06
"""Seconds that each character takes. Words of scripts without blanks are single characters, as
those of Whisper's aligners are."""


def segment(name: str, start: float) -> dict[str, Any]:
    """What is said in one language, with words."""
    text = "".join(LETTERS[name])
    said = list(text) if name in WIDE else text.split()
    words = []
    end = start
    for word in said:
        words.append({"word": word, "start": end, "end": round(end + len(word) * PACE, 3)})
        end = round(end + (len(word) + 1) * PACE, 3)
    return {"start": start, "end": end, "text": text, "words": words}


def pause(start: float) -> dict[str, Any]:
    """Two sentences with a long silence between them."""
    first, silence, second = PAUSE
    words = [{"word": first, "start": start, "end": start + 0.5}]
    for number, word in enumerate(second.split()):
        begin = start + 0.5 + silence + number * 0.5
        words.append({"word": word, "start": begin, "end": begin + 0.4})
    return {"start": start, "end": words[-1]["end"], "text": f"{first} {second}", "words": words}


def segments() -> list[dict[str, Any]]:
    """All of it, one after the other."""
    said: list[dict[str, Any]] = []
    for name in LETTERS:
        said.append(segment(name, said[-1]["end"] + 1 if said else 0.5))
    return [*said, pause(said[-1]["end"] + 1)]


class Polyglot(Able):
    name = "polyglot"

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), words=True)

    def transcribe(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Transcription:
        return Transcription(segments(), request.language or "en")

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        return Alignment(list(segments))

    def diarize(
        self, audio: Audio, request: Request, on_progress: Progress, should_stop: ShouldStop
    ) -> Diarization:
        return Diarization([{"label": "A", "speaker": "SPEAKER_00", "start": 0.0, "end": 600.0}])
