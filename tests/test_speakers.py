"""Words and turns joined: against a plain reckoning, and in the cases that people ask about."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from transcription.services.stages.speakers import assign

MOMENT = st.integers(0, 40).map(lambda quarter: quarter / 4)  # exact in binary: no rounding
SPAN = st.tuples(MOMENT, MOMENT).map(sorted)
NAMES = st.sampled_from(["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"])


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    spans = draw(st.lists(st.tuples(SPAN, NAMES), max_size=12))
    return [{"label": "A", "speaker": name, "start": a, "end": b} for (a, b), name in spans]


@st.composite
def segments(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for start, end in draw(st.lists(SPAN, max_size=6)):
        words = [{"word": "w", "start": a, "end": b, "score": 0.5} for a, b in draw(st.lists(SPAN))]
        made.append({"start": start, "end": end, "text": "w", "words": [*words, {"word": "7"}]})
    return made


def share(part: dict[str, Any], name: str, given: list[dict[str, Any]]) -> float:
    """Seconds of the part in which this speaker speaks, each turn counted."""
    mine = (turn for turn in given if turn["speaker"] == name)
    seconds: float = sum(
        max(0.0, min(part["end"], turn["end"]) - max(part["start"], turn["start"])) for turn in mine
    )
    return seconds


@given(segments(), turns())
def test_everybody_gets_the_speaker_with_the_largest_share(
    said: list[dict[str, Any]], who: list[dict[str, Any]]
) -> None:
    joined = assign(said, who)
    names = {turn["speaker"] for turn in who}
    for before, after in zip(said, joined, strict=True):
        assert {**after, "words": before["words"]} in (
            before,
            {**before, "speaker": after.get("speaker")},
        )
        for part in (after, *after["words"][:-1]):
            most = max((share(part, name, who) for name in names), default=0.0)
            if most:
                assert share(part, part["speaker"], who) == most
            elif part["start"] < part["end"]:
                assert "speaker" not in part
        assert after["words"][-1] == {"word": "7"}


@given(segments(), turns(), st.randoms())
def test_the_order_of_the_turns_does_not_matter_and_nothing_given_is_changed(
    said: list[dict[str, Any]], who: list[dict[str, Any]], chance: Any
) -> None:
    before = repr((said, who))
    distinct = list({turn["start"]: turn for turn in who}.values())  # ties go by the given order
    shuffled = list(distinct)
    chance.shuffle(shuffled)
    assert assign(said, distinct) == assign(said, shuffled)
    assert repr((said, who)) == before


def word(start: float, end: float, **more: Any) -> dict[str, Any]:
    return {"word": "w", "start": start, "end": end, **more}


def speaker(part: dict[str, Any], *who: tuple[str, float, float]) -> str | None:
    given_turns = [{"label": "A", "speaker": name, "start": a, "end": b} for name, a, b in who]
    (joined,) = assign([part], given_turns)
    found: str | None = joined.get("speaker")
    return found


def test_cases() -> None:
    a, b = ("A", 0.0, 5.0), ("B", 4.0, 9.0)
    assert speaker(word(1, 2), a, b) == "A"
    assert speaker(word(4.5, 8), a, b) == "B"
    assert speaker(word(9.5, 10), a, b) is None
    assert speaker(word(5, 6), a) is None  # they only touch
    assert speaker(word(2, 2), a) == "A"  # a word without length
    assert speaker(word(0, 4), ("A", 0, 1), ("B", 1.2, 2.6), ("A", 2.8, 4)) == "A"  # together
    assert speaker(word(0, 2), ("B", 1, 2), ("A", 0, 1)) == "A"  # who began first
    assert speaker(word(9.5, 10, speaker="stale"), a) is None
    assert speaker({"word": "7"}, a) is None


def test_a_long_recording_is_joined_at_once() -> None:
    """No word looks at every turn, though one of them spans them all."""
    who = [{"speaker": str(n % 3), "start": n, "end": n + 0.9} for n in range(20_000)]
    long = {"speaker": "all", "start": -1, "end": 10**6}
    said = [{"start": n, "end": n + 0.5, "text": ""} for n in range(20_000)]
    assert [one["speaker"] for one in assign(said, who)][:4] == ["0", "1", "2", "0"]
    assert {one["speaker"] for one in assign(said, [*who, long])} == {"all"}
