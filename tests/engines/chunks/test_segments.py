"""The library's segments as plain values."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from transcription.engines.faster_whisper.segments import Found, compression, likelihood, plain


def place(time: float, near: float) -> float:
    return min(max(0.0, time + 1.0), 5.0)


def test_segments_in_plain_values() -> None:
    word = SimpleNamespace(
        word=" hi", start=np.float64(3.0), end=np.float64(9.0), probability=np.float32(1.00001)
    )
    found = SimpleNamespace(
        text=" hi ", start=np.float64(1.0), end=np.float64(9.0), avg_logprob=np.nan, words=[word]
    )
    assert plain(Found(found, -2.0), place) == {
        "start": 2.0,
        "end": 5.0,
        "text": "hi",
        "words": [{"word": "hi", "start": 2.0, "end": 5.0, "score": 1.0}],
    }
    found.words = None
    assert plain(Found(found), place) == {"start": 2.0, "end": 5.0, "text": "hi"}
    found.text = "  "
    assert plain(Found(found), place) is None


def test_how_good_a_text_is() -> None:
    good = Found(SimpleNamespace(text=" Some words.", avg_logprob=-0.2, tokens=[1, 2, 3]))
    bad = Found(SimpleNamespace(text=" la" * 100, avg_logprob=-1.2, tokens=[4]))
    assert likelihood([good, bad]) == pytest.approx((-0.6 - 1.2) / 4)
    assert likelihood([]) == -np.inf
    assert compression([good]) < 2 < compression([bad])
    assert compression([]) == 0
