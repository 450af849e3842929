"""Where a recording is cut, from the probabilities of speech alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from transcription.engines.chunks.cutting import EDGE, LONG_PAUSE, SPAN, Cut, Rules, cut

RULES = Rules(limit=937, onset=0.5, offset=0.35)
SECOND = 31


def speech(*seconds: float) -> list[float]:
    """So long someone speaks, then not, then someone speaks again, and so on."""
    return [
        0.9 if number % 2 == 0 else 0.0
        for number, length in enumerate(seconds)
        for _ in range(round(length * SECOND))
    ]


def all_cuts(heard: Sequence[float], start: int = 0, rules: Rules = RULES) -> Iterator[Cut]:
    """All chunks of a recording, each with windows counted from its beginning."""
    while found := cut(heard[start:], rules, is_all=True):
        yield Cut(
            tuple((first + start, last + start) for first, last in found.pieces),
            tuple((first + start, last + start) for first, last in found.speech),
            found.pause,
        )
        start += found.end


def test_silence_has_no_chunks() -> None:
    assert cut([], RULES, is_all=True) is None
    assert cut([0.4] * 5000, RULES, is_all=True) is None


def test_a_short_recording_is_one_chunk_with_edges() -> None:
    (found,) = all_cuts(speech(0, 3, 5, 1, 5, 9))
    assert found.pieces == ((3 * SECOND - EDGE, 14 * SECOND + EDGE),)
    assert found.speech == ((3 * SECOND, 8 * SECOND), (9 * SECOND, 14 * SECOND))


def test_it_is_cut_at_the_longest_of_the_last_pauses() -> None:
    first, second = all_cuts(speech(10, 1.5, 11, 0.6, 4, 0.3, 5))
    assert first.speech == ((0, 310), (356, 697))
    assert first.end == second.pieces[0][0] == (697 + 716) // 2


def test_long_pauses_are_left_out() -> None:
    (found,) = all_cuts(speech(5, 3, 5))
    assert found.pieces == (
        (0, 5 * SECOND + EDGE),
        (8 * SECOND - EDGE, 13 * SECOND),
    )
    (found,) = all_cuts(speech(5, LONG_PAUSE / SECOND, 5))
    assert len(found.pieces) == 1


def test_one_chunk_spans_no_more_than_a_minute() -> None:
    found = list(all_cuts(speech(2, 25, 2, 25, 2, 25, 2)))
    assert len(found) == 2
    assert all(one.end - one.pieces[0][0] <= SPAN for one in found)


def test_speech_without_any_pause_is_cut_anyway() -> None:
    heard = speech(100)
    heard[900] = 0.6  # where it is least like speech
    found = list(all_cuts(heard))
    assert found[0].end == 900
    assert all(one.length <= RULES.limit for one in found)
    assert sum(one.length for one in found) == len(heard)


def test_who_hesitates_still_speaks() -> None:
    (found,) = all_cuts([0.0] * 50 + [0.6] * 20 + [0.4] * 20 + [0.3] * 50)
    assert found.speech == ((50, 90),)


def test_more_must_be_heard_before_the_end_is_known() -> None:
    heard = speech(10, 1, 10)
    assert cut(heard, RULES, is_all=False) is None
    heard += [0.0] * SPAN
    assert cut(heard, RULES, is_all=False) == cut(heard, RULES, is_all=True)


LENGTHS = st.lists(st.floats(0.03, 20), min_size=1, max_size=60)


@given(LENGTHS, st.integers(200, 937))
def test_the_chunks_hold_all_speech_once(lengths: list[float], limit: int) -> None:
    heard = speech(*lengths)
    found = list(all_cuts(heard, rules=Rules(limit, 0.5, 0.35)))
    assert all(0 < one.length <= limit for one in found)
    pieces = [piece for one in found for piece in one.pieces]
    assert all(before[1] <= after[0] for before, after in zip(pieces, pieces[1:], strict=False))
    held = {window for start, end in pieces for window in range(start, end)}
    assert held >= {window for window, likely in enumerate(heard) if likely > 0.5}


@given(LENGTHS, st.data())
def test_who_goes_on_after_a_chunk_finds_the_same_ones(
    lengths: list[float], data: st.DataObject
) -> None:
    heard = speech(*lengths)
    found = list(all_cuts(heard))
    after = data.draw(st.integers(0, len(found) - 1))
    assert list(all_cuts(heard, found[after].end)) == found[after + 1 :]


@given(LENGTHS, st.integers(1, 20_000))
def test_a_beginning_has_the_chunks_of_the_whole(lengths: list[float], length: int) -> None:
    """But for its last ones, whose end is not known before more is heard."""
    heard = speech(*lengths)
    beginning, whole = heard[:length], list(all_cuts(heard))
    at = number = 0
    while found := cut(beginning[at:], RULES, is_all=False):
        assert found.end + at == whole[number].end
        at, number = at + found.end, number + 1
    left = beginning[at:]
    assert max(left, default=0) < 0.5 or len(left) - left.index(0.9) < SPAN
