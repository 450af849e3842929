"""Finds the words of a text in up to 30 s of speech: where Whisper's decoder looks at each word."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transcription.engines.base import Word
from transcription.languages import UNSPACED
from transcription.media.pcm import RATE

if TYPE_CHECKING:
    import numpy

LEAST_PROBABILITY = 0.15
"""The mean probability of a text's tokens below which it was not said. Measured: 0.66 to 0.85 for
what was said, 0.02 to 0.05 for other sentences, 0.24 with a third of the words wrong.
"""
STEPS_PER_SECOND = 50
MOST_FRAMES = 3000  # 30 s, two a step
SHORTEST_PAUSE_MS, SPEECH_PADDING_MS = 300, 50
SILENT_CATEGORIES = "PSZC"  # of Unicode: punctuation, symbols, separators, control

Span = tuple[float, float]


@dataclass(frozen=True)
class Token:
    """A piece of the text, and when it is said.

    Attributes:
        first: Its first letter in the text.
        last: The letter after its last one.
        start: Seconds.
        end: Seconds.
        probability: That the model would have written it.
    """

    first: int
    last: int
    start: float
    end: float
    probability: float


def find_words(
    model: Any,
    tokenizer: Any,
    samples: numpy.ndarray,
    written: Sequence[str],
    language: str | None,
) -> list[Word] | None:
    """The words with their times in seconds from the first sample.

    Words of nothing but symbols have no times.

    Args:
        model: A WhisperModel.
        tokenizer: faster-whisper's, for this model and language.
        samples: At most 30 s.
        written: The words.
        language: Theirs.

    Returns:
        None: something else was said, or the text is too long for the model or the time.
    """
    text = ("" if language in UNSPACED else " ").join(written)
    tokens = _tokens(model, tokenizer, samples, text)
    speech = _speech(samples) if tokens else []
    spoken = _spoken(text, written)
    found = [_word(word, letters, tokens, speech) for word, letters in spoken]
    scores = [word["score"] for word in found if "score" in word]
    return found if scores and sum(scores) / len(scores) >= LEAST_PROBABILITY else None


def _tokens(model: Any, tokenizer: Any, samples: numpy.ndarray, text: str) -> list[Token]:
    """The text's tokens at their times; none if there are more than the model or the time can
    take."""
    encoding = model.hf_tokenizer.encode(f" {text}", add_special_tokens=False)
    encoded = [
        (token, first - 1, last - 1)
        for token, (first, last) in zip(encoding.ids, encoding.offsets, strict=True)
        if token < tokenizer.eot
    ]
    numbers = [token for token, *_ in encoded]
    room = model.max_length - len(tokenizer.sot_sequence) - 2
    if not 0 < len(numbers) <= min(room, len(samples) / RATE * STEPS_PER_SECOND):
        return []
    steps, probabilities = _attended(model, tokenizer, samples, numbers)
    moments = [step / STEPS_PER_SECOND for step in steps]
    return [
        Token(first, last, moments[at], moments[at + 1], probabilities[at])
        for at, (_, first, last) in enumerate(encoded)
    ]


def _attended(
    model: Any, tokenizer: Any, samples: numpy.ndarray, tokens: list[int]
) -> tuple[list[int], list[float]]:
    """The steps at which the tokens and the end of the text begin, and the tokens'
    probabilities."""
    features = model.feature_extractor(samples, padding=160)[..., :MOST_FRAMES]
    # The usual padding to 30 s would take up to 16 times as long, and places no word better.
    encoded, frames = model.encode(features), max(1, features.shape[-1] - 1)
    (made,) = model.model.align(encoded, tokenizer.sot_sequence, [tokens], frames)
    steps: dict[int, int] = {}
    for token, step in made.alignments:
        steps.setdefault(token, step)
    return [steps[number] for number in range(len(tokens) + 1)], list(made.text_token_probs)


def _word(
    word: str, letters: tuple[int, int], tokens: Sequence[Token], speech: Sequence[Span]
) -> Word:
    """A word with the time of its tokens; without one if no token is its own."""
    first, last = letters
    own = [token for token in tokens if token.first < last and first < token.last]
    if not own:
        return {"word": word}
    start, end = _within_speech((own[0].start, own[-1].end), speech)
    score = sum(token.probability for token in own) / len(own)
    return {"word": word, "start": start, "end": end, "score": score}


def _spoken(text: str, written: Sequence[str]) -> list[tuple[str, tuple[int, int]]]:
    """Each word, and from where to where in the text it has letters or digits."""
    placed, at = [], 0
    for word in written:
        at = text.index(word, at)
        first, last = at, at + len(word)
        while first < last and _is_silent(text[first]):
            first += 1
        while first < last and _is_silent(text[last - 1]):
            last -= 1
        placed.append((word, (first, last)))
        at += len(word)
    return placed


def _is_silent(letter: str) -> bool:
    return unicodedata.category(letter)[0] in SILENT_CATEGORIES


def _speech(samples: numpy.ndarray) -> list[Span]:
    """Start and end in seconds of each part with speech."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=SHORTEST_PAUSE_MS, speech_pad_ms=SPEECH_PADDING_MS)
    found = get_speech_timestamps(samples, options)
    return [(part["start"] / RATE, part["end"] / RATE) for part in found]


def _within_speech(word: Span, speech: Sequence[Span]) -> Span:
    """A word's time without the pause before or after it, which its neighbours leave to it."""

    def shared(part: Span) -> float:
        return min(word[1], part[1]) - max(word[0], part[0])

    best = max(speech, key=shared, default=word)
    return (max(word[0], best[0]), min(word[1], best[1])) if shared(best) > 0 else word
