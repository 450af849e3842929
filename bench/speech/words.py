"""Word error rate: how many words of a true transcript were not understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

FILLERS = frozenset({"um", "uh"})
"""Whisper leaves them out on purpose; so they count nowhere."""
TOGETHER = {"alright": "all right", "thyself": "thy self"}
"""Words that are written in one or in two."""
SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
SPELLINGS = {"mr": "mister", **TOGETHER, **{str(number): word for number, word in enumerate(SMALL)}}
"""Numbers to twelve become words; larger ones don't occur in the clips."""


def words_of(text: str) -> list[str]:
    """Lower case, punctuation and hyphens as blanks, without fillers, one spelling of numbers."""
    found = re.sub(r"[^a-z0-9]+", " ", text.lower()).split()
    spelled = (SPELLINGS.get(word, word) for word in found if word not in FILLERS)
    return " ".join(spelled).split()


@lru_cache(maxsize=64)  # most runs of a contestant give the same text
def word_error_rate(truth: str, heard: str) -> float:
    """Wrong, missing and added words, divided by the number of true words."""
    true_words = words_of(truth)
    return edits(true_words, words_of(heard)) / len(true_words)


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """The fewest words to change, add or remove (Levenshtein's distance), row by row."""
    numbers = {word: number for number, word in enumerate({*one, *other})}
    columns = np.array([numbers[word] for word in other], dtype=np.int64)
    steps = np.arange(len(other) + 1, dtype=np.int64)
    row = steps
    for count, word in enumerate(one, start=1):
        changed = row[:-1] + (columns != numbers[word])
        best = np.concatenate(([count], np.minimum(row[1:] + 1, changed)))
        row = np.minimum.accumulate(best - steps) + steps  # words added to the right
    return int(row[-1])
