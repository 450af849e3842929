"""Finds where each word of an English text is spoken, by PocketSphinx."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from transcription.engines import words
from transcription.engines.base import Alignment, Progress, Request, Segment, ShouldStop, Word
from transcription.engines.fallbacks.uniform_alignment import spread_segment, with_words
from transcription.engines.pocketsphinx.pronunciation import guess, parts
from transcription.media.errors import Cancelled

if TYPE_CHECKING:
    from transcription.media.pcm import Audio

FRAMES_PER_SECOND = 100
LONGEST = 60.0
"""Seconds of the longest segment that is searched: the search holds Python's lock, and memory."""
SHARPNESS = 0.5
"""For the score: the mean acoustic fit of a word, a logarithm per 10 ms, is between 0 and about
-4; spoken words had -0.7 to -1.3, others -2.5 to -4.
"""


class ForcedAligner:
    """Keeps its own decoder: the transcription's must not learn words with guessed
    pronunciations."""

    def __init__(self) -> None:
        self._decoder: Any = None

    def align(
        self,
        audio: Audio,
        segments: Sequence[Segment],
        request: Request,
        on_progress: Progress,
        should_stop: ShouldStop,
    ) -> Alignment:
        """Each segment with its words; if its text isn't found, the words share its time."""
        aligned, guessed = [], 0
        for segment in segments:
            if should_stop():
                raise Cancelled
            found = self._segment(audio, segment, request)
            guessed += not found
            aligned.append(found or spread_segment(segment, request))
            on_progress(min(max(segment["end"], 0.0), audio.duration))
        warnings = []
        if guessed:
            warnings.append(
                f"{guessed} of {len(aligned)} segments could not be found in the audio; "
                "their words share their segment's time evenly, with score 0."
            )
        return Alignment(aligned, warnings=warnings)

    def _segment(self, audio: Audio, segment: Segment, request: Request) -> Segment | None:
        """The segment with its words at their times; None if that is impossible."""
        start, end = max(0.0, segment["start"]), min(segment["end"], audio.duration)
        written = words.split(segment["text"], "en")
        said = [parts(word) for word in written]
        if not written:
            return with_words(segment, [], request)
        if not any(said) or not 0 < end - start <= LONGEST:
            return None
        places = self._search(audio, start, end, [part for group in said for part in group])
        if places is None:
            return None
        found = []
        for word, group in zip(written, said, strict=True):
            mine, places = places[: len(group)], places[len(group) :]
            found.append(_word(word, mine, start))
        if request.options.get("interpolate_method") != "ignore":
            found = words.fill(found, start, end)
        return with_words(segment, found, request)

    def _search(
        self, audio: Audio, start: float, end: float, said: list[str]
    ) -> list[tuple[int, int, float]] | None:
        """First frame, last frame and fit of each part; None if one is missing."""
        decoder = self._loaded()
        for part in said:
            if decoder.lookup_word(part) is None:
                decoder.add_word(part, guess(part), False)
        try:
            decoder.set_align_text(" ".join(said))
            decoder.start_utt()
            decoder.process_raw(audio.pcm(start, end), full_utt=True)
            decoder.end_utt()
        except RuntimeError:  # the decoder's answer for a text that it can't follow
            return None
        if decoder.hyp() is None:
            return None
        found = [
            (piece.start_frame, piece.end_frame, _fit(piece))
            for piece in decoder.seg()
            if piece.word[0] not in "<[+"
        ]
        return found if len(found) == len(said) else None

    def _loaded(self) -> Any:
        if self._decoder is None:
            import pocketsphinx

            self._decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
        return self._decoder


def _fit(piece: Any) -> float:
    """The acoustic fit, 0 to 1."""
    frames = piece.end_frame - piece.start_frame + 1
    if piece.ascore <= 0:  # smaller than the smallest float
        return 0.0
    return math.exp(min(0.0, SHARPNESS * math.log(piece.ascore) / frames))


def _word(word: str, places: list[tuple[int, int, float]], offset: float) -> Word:
    """A word from its first part's start to its last part's end."""
    if not places:
        return {"word": word}
    return {
        "word": word,
        "start": round(offset + places[0][0] / FRAMES_PER_SECOND, 3),
        "end": round(offset + (places[-1][1] + 1) / FRAMES_PER_SECOND, 3),
        "score": round(sum(fit for *_, fit in places) / len(places), 3),
    }
