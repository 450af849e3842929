"""Who says what, in every format: also where somebody else goes on within a segment."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcription.formats import FORMATS, Options, by_speaker, openai, render

ANNA, BEN = "SPEAKER_00", "SPEAKER_01"


def words(*said: tuple[str, str | None], pace: float = 0.5) -> list[dict[str, Any]]:
    """Words that follow each other, with who says them."""
    return [
        {"word": word, "start": at * pace, "end": (at + 1) * pace}
        | ({"speaker": who} if who else {})
        for at, (word, who) in enumerate(said)
    ]


def segment(text: str, *said: tuple[str, str | None], **more: Any) -> dict[str, Any]:
    found = words(*said)
    return {"start": 0.0, "end": len(found) * 0.5, "text": text, "words": found, **more}


def parts(*said: dict[str, Any]) -> list[tuple[str | None, str, float, float]]:
    return [
        (part.get("speaker"), part["text"], part["start"], part["end"]) for part in by_speaker(said)
    ]


TALK = segment(
    " Good morning. Morning! Shall we?",
    *(("Good", ANNA), ("morning.", ANNA), ("Morning!", BEN), ("Shall", ANNA), ("we?", ANNA)),
    speaker=ANNA,
)


def test_srt() -> None:
    assert render("srt", [TALK]) == (
        "1\n00:00:00,000 --> 00:00:01,000\n[SPEAKER_00] Good morning.\n\n"
        "2\n00:00:01,000 --> 00:00:01,500\n[SPEAKER_01] Morning!\n\n"
        "3\n00:00:01,500 --> 00:00:02,500\n[SPEAKER_00] Shall we?\n"
    )


def test_vtt() -> None:
    assert render("vtt", [TALK]) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.000\n<v SPEAKER_00>Good morning.</v>\n\n"
        "00:00:01.000 --> 00:00:01.500\n<v SPEAKER_01>Morning!</v>\n\n"
        "00:00:01.500 --> 00:00:02.500\n<v SPEAKER_00>Shall we?</v>\n"
    )


def test_txt_and_tsv() -> None:
    assert render("txt", [TALK]) == (
        "[SPEAKER_00]: Good morning.\n[SPEAKER_01]: Morning!\n[SPEAKER_00]: Shall we?\n"
    )
    assert render("tsv", [TALK]) == (
        "start\tend\ttext\tspeaker\n"
        "0\t1000\tGood morning.\tSPEAKER_00\n"
        "1000\t1500\tMorning!\tSPEAKER_01\n"
        "1500\t2500\tShall we?\tSPEAKER_00\n"
    )


def test_json_holds_everything_as_it_is() -> None:
    assert json.loads(render("json", [TALK])) == {"segments": [TALK]}


def test_openais_subtitles_know_no_speakers() -> None:
    assert openai.subtitles("srt", [TALK]) == (
        "1\n00:00:00,000 --> 00:00:02,500\nGood morning. Morning! Shall we?\n\n\n"
    )
    assert openai.subtitles("vtt", [TALK]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nGood morning. Morning! Shall we?\n\n"
    )


@pytest.mark.parametrize("kind", ["srt", "vtt", "txt", "tsv"])
def test_speakers_can_be_left_out(kind: str) -> None:
    bare = {"start": 0.0, "end": 2.5, "text": TALK["text"]}
    assert render(kind, [TALK], options=Options(speakers=False)) == render(kind, [bare])


def test_names_that_mean_something_in_vtt_are_escaped() -> None:
    hostile = segment(
        "a<b --> c & d", ("a<b", "R&D>\n<c.x>"), ("-->", "R&D>\n<c.x>"), ("c", "-->"), ("d", "-->")
    )
    assert render("vtt", [hostile]) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.000\n<v R&amp;D&gt; &lt;c.x&gt;>a&lt;b --&gt;</v>\n\n"
        "00:00:01.000 --> 00:00:02.000\n<v --&gt;>c &amp; d</v>\n"
    )
    assert render("srt", [hostile]).count("-->") == 2  # the two lines of times


def test_long_turns_are_cut_into_cues_that_each_name_the_speaker() -> None:
    said = [(f"word{at:02},", ANNA if at < 30 else BEN) for at in range(40)]
    written = render("vtt", [segment(" ".join(word for word, _ in said), *said)])
    cues = [block.split("\n")[1:] for block in written.strip().split("\n\n")[1:]]
    voices = [lines[0].split(">")[0] for lines in cues]
    assert voices == [f"<v {ANNA}"] * 4 + [f"<v {BEN}"] * 2
    assert all(lines[-1].endswith("</v>") for lines in cues)
    text = " ".join(" ".join(lines) for lines in cues).replace("</v>", "")
    assert text.replace(f"<v {ANNA}>", "").replace(f"<v {BEN}>", "").split() == [w for w, _ in said]


# Where a segment is cut -------------------------------------------------------------------------


def test_words_of_nobody_go_with_their_neighbours() -> None:
    """To the one before; at the beginning to the first that is known."""
    said = segment("a b c d e", ("a", None), ("b", ANNA), ("c", None), ("d", BEN), ("e", None))
    assert parts(said) == [(ANNA, "a b c", 0.0, 1.5), (BEN, "d e", 1.5, 2.5)]


def test_words_know_better_than_their_segment() -> None:
    said = segment("a b", ("a", BEN), ("b", BEN), speaker=ANNA)
    assert parts(said) == [(BEN, "a b", 0.0, 1.0)]


def test_without_speakers_of_words_the_segment_is_what_it_was() -> None:
    for said in (
        {"start": 0.0, "end": 1.0, "text": "a b"},
        {"start": 0.0, "end": 1.0, "text": "a b", "speaker": ANNA},
        segment("a b", ("a", None), ("b", None), speaker=ANNA),
        {"start": 0.0, "end": 1.0, "text": "a", "words": None, "speaker": ANNA},
        segment("other text", ("a", ANNA), ("b", BEN), speaker=ANNA),  # nowhere to cut
    ):
        (part,) = by_speaker([said])
        assert part is said


def test_text_without_blanks_and_marks_between_words_stay() -> None:
    assert parts(segment("你好吗?很好。", *(("你好吗", ANNA), ("很好", BEN)))) == [
        (ANNA, "你好吗?", 0.0, 0.5),
        (BEN, "很好。", 0.5, 1.0),
    ]


def test_times_that_words_lack_are_those_beside_them() -> None:
    said = segment("a 7 b 8", ("a", ANNA), ("7", ANNA), ("b", BEN), ("8", BEN))
    for at in (1, 2, 3):
        del said["words"][at]["start"], said["words"][at]["end"]
    assert parts(said) == [(ANNA, "a 7", 0.0, 0.5), (BEN, "b 8", 0.5, 2.0)]
    written = render("srt", [{**said, "start": None, "end": None}])
    assert "00:00:00,000 --> 00:00:00,500\n[SPEAKER_00] a 7" in written


def test_nothing_that_is_given_is_changed() -> None:
    before = json.dumps(TALK)
    list(by_speaker([TALK]))
    assert json.dumps(TALK) == before


WHO = st.sampled_from([None, ANNA, BEN, "", "Ä>"])
SAID = st.lists(st.tuples(st.text("abcd.,é", min_size=1, max_size=8), WHO), max_size=12)


@given(st.lists(SAID, max_size=4), WHO)
def test_no_word_is_lost_and_each_part_has_one_speaker(
    talk: list[list[tuple[str, str | None]]], who: str | None
) -> None:
    spoken = [segment(" ".join(word for word, _ in said), *said, speaker=who) for said in talk]
    found = list(by_speaker(spoken))
    assert " ".join(part["text"] for part in found).split() == [w for said in talk for w, _ in said]
    for part in found:
        assert {word.get("speaker") or part["speaker"] for word in part["words"]} <= {
            part["speaker"]
        }
        assert part["start"] <= part["end"]
    lines = render("txt", spoken).splitlines()
    assert len(lines) == sum(bool(part["text"].strip()) for part in found)
    for kind in FORMATS:
        render(kind, spoken)
