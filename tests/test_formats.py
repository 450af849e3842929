"""What the writers write is read back by small independent readers and compared."""

import html
import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcription.formats import FORMATS, Options, render

SRT_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d),(\d{3})"
VTT_TIME = SRT_TIME.replace(",(", r"\.(")


def segment(text: str, start: Any = 0.0, end: Any = 1.0, **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "text": text, **more}


def spoken(text: str, seconds_a_word: float = 0.4) -> dict[str, Any]:
    """A segment whose words follow each other without a gap."""
    words = [
        {"word": word, "start": number * seconds_a_word, "end": (number + 1) * seconds_a_word}
        for number, word in enumerate(text.split())
    ]
    return segment(text, 0.0, len(words) * seconds_a_word, words=words)


def read_cues(written: str, time: str) -> list[tuple[int, int, str]]:
    """Read SRT or VTT blocks back as (start, end, text) with milliseconds."""
    found = []
    for block in re.split(r"\n\n+", written.strip("\n")):
        lines = block.split("\n")
        match = next(
            (m for m in (re.fullmatch(f"{time} --> {time}", x) for x in lines[:2]) if m), None
        )
        if match is None:
            assert block in ("", "WEBVTT"), block
            continue
        h1, m1, s1, t1, h2, m2, s2, t2 = (int(part) for part in match.groups())
        at = lines.index(match.group())
        found.append(
            (
                ((h1 * 60 + m1) * 60 + s1) * 1000 + t1,
                ((h2 * 60 + m2) * 60 + s2) * 1000 + t2,
                "\n".join(lines[at + 1 :]),
            )
        )
    return found


def read_srt(written: str) -> list[tuple[int, int, str]]:
    return read_cues(written, SRT_TIME)


def read_vtt(written: str) -> list[tuple[int, int, str]]:
    assert written.startswith("WEBVTT\n")
    return [
        (start, end, html.unescape(re.sub(r"^<v ([^>]*)>(.*)</v>$", r"\2", text, flags=re.DOTALL)))
        for start, end, text in read_cues(written, VTT_TIME)
    ]


def test_srt_numbers_cues_and_uses_a_comma() -> None:
    written = render("srt", [segment("one", 0, 1.5), segment("two", 3720, 3725.25)], {})
    assert written == (
        "1\n00:00:00,000 --> 00:00:01,500\none\n\n2\n01:02:00,000 --> 01:02:05,250\ntwo\n"
    )


def test_vtt_has_its_header_and_a_point() -> None:
    written = render("vtt", [segment("one", 0, 1.5)], {})
    assert written == "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\none\n"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59.9996, "00:01:00,000"),
        (59.9994, "00:00:59,999"),
        (3599.9999, "01:00:00,000"),
        (0.9999, "00:00:01,000"),
        (359_999.9999, "100:00:00,000"),
        (1.001, "00:00:01,001"),
    ],
)
def test_rounding_is_carried(seconds: float, expected: str) -> None:
    assert render("srt", [segment("x", seconds, 1e6)], {}).splitlines()[1].startswith(expected)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-3.0, 2.0, (0, 2000)),
        (-3.0, -2.0, (0, 1)),
        (5.0, 3.0, (3000, 5000)),
        (4.0, 4.0, (4000, 4001)),
        (None, 2.0, (0, 2000)),
        (2.0, None, (2000, 2001)),
        (None, None, (0, 1)),
        (float("nan"), float("inf"), (0, 1)),
        ("1.5", "later", (1500, 1501)),
        (1e308, 1.0, (0, 1000)),
    ],
)
def test_times_that_are_no_times(start: Any, end: Any, expected: tuple[int, int]) -> None:
    assert read_srt(render("srt", [segment("x", start, end)], {})) == [(*expected, "x")]


def test_missing_times_continue_or_come_from_the_words() -> None:
    words = [{"word": "b", "start": 7.0, "end": 7.5}, {"word": "c"}]
    written = render(
        "srt",
        [segment("a", 1, 2), segment("x", None, None), segment("b c", None, None, words=words)],
    )
    assert [cue[:2] for cue in read_srt(written)] == [(1000, 2000), (2000, 2001), (7000, 7500)]


def test_vtt_escapes_text_and_speaker() -> None:
    hostile = segment("a <b> & --> c", speaker="R&D > <x>\nB")
    written = render("vtt", [hostile], {})
    assert "<v R&amp;D &gt; &lt;x&gt; B>a &lt;b&gt; &amp; --&gt; c</v>\n" in written
    assert written.count("-->") == 1


def test_srt_keeps_arrows_out_of_the_text() -> None:
    for arrow in ("-->", "--->", "----->"):  # shortened by one, the second would be the first
        written = render("srt", [segment(f"00:00:01,000 {arrow} 00:00:02,000")], {})
        assert written.count("-->") == 1


def test_blank_lines_do_not_end_a_cue() -> None:
    text = "\n first\r\n\r\n \t\nsecond\u2028\u2029third\x85\n"
    for kind, read in (("srt", read_srt), ("vtt", read_vtt)):
        whole = render(kind, [segment(text)], {}, Options(split=False))
        assert read(whole) == [(0, 1000, "first\nsecond\nthird")]
        assert read(render(kind, [segment(text)], {})) == [(0, 1000, "first second third")]
    assert render("txt", [segment(text)], {}) == "first second third\n"


def test_speakers_in_every_format() -> None:
    said = [segment("hello", speaker="SPEAKER_00"), segment("hi")]
    assert "\n[SPEAKER_00] hello\n" in render("srt", said)
    assert "\n<v SPEAKER_00>hello</v>\n" in render("vtt", said)
    assert render("txt", said) == "[SPEAKER_00]: hello\nhi\n"
    assert render("txt", said, options=Options(times=True)) == (
        "[00:00:00] [SPEAKER_00]: hello\n[00:00:00] hi\n"
    )
    assert render("tsv", said) == (
        "start\tend\ttext\tspeaker\n0\t1000\thello\tSPEAKER_00\n0\t1000\thi\t\n"
    )


def test_tsv_holds_one_row_a_segment() -> None:
    assert render("tsv", [segment("a\tb\nc\rd", 0.0004, 59.9996)], {}) == (
        "start\tend\ttext\n0\t60000\ta b c d\n"
    )


def test_json_is_utf8_and_strict() -> None:
    said = segment(
        "žluťoučký 漢字 🎙", start=float("nan"), words=[{"word": "x", "score": float("inf")}]
    )
    written = render("json", [said], {"language": "cs"})
    assert "žluťoučký 漢字 🎙" in written and "NaN" not in written and "Infinity" not in written
    body = json.loads(written)
    assert body["metadata"] == {"language": "cs"}
    assert body["segments"][0]["start"] is None
    assert body["segments"][0]["words"][0]["score"] is None
    assert json.loads(render("json", [])) == {"segments": []}


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_transcript_is_valid(kind: str) -> None:
    for segments in ([], [segment("  \n ")]):
        written = render(kind, segments, {})
        if kind == "json":
            assert json.loads(written) == {"segments": segments}
        else:
            assert written == {"vtt": "WEBVTT\n", "tsv": "start\tend\ttext\n"}.get(kind, "")


@pytest.mark.parametrize("kind", FORMATS)
def test_surrogates_and_control_characters_do_no_harm(kind: str) -> None:
    said = segment("a\ud800b\x00\x07\x1bc\x9f\udfff", speaker="S\udc00\x01")
    written = render(kind, [said], {"file": "\udcff.wav"})
    assert "a\ufffdb" in written.encode("utf-8").decode("utf-8")
    if kind != "json":
        assert not re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", written)


def test_an_unknown_format_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        render("docx", [], {})


def test_the_registry_says_what_a_download_needs() -> None:
    assert list(FORMATS) == ["srt", "vtt", "txt", "tsv", "json"]
    for name, form in FORMATS.items():
        assert form.suffix == f".{name}"
        assert form.content_type.endswith("; charset=utf-8")


SENTENCE = (
    "Ask not what your country can do for you, ask what you can do for your country, and then sit "
    "down quietly; for there is nothing more to be said about it. Nothing at all, my friends."
)


def test_long_segments_are_cut_where_words_have_times() -> None:
    written = read_srt(render("srt", [spoken(SENTENCE)], {}))
    assert len(written) > 2
    assert " ".join(text.replace("\n", " ") for _, _, text in written) == SENTENCE
    for start, end, text in written:
        assert 0 < end - start <= 7000
        assert len(text.split("\n")) <= 2 and all(len(line) <= 42 for line in text.split("\n"))
    assert written[0][2].endswith(",")  # a clause end, not the last word that would have fitted
    assert written[0][0] == 0 and written[-1][1] == len(SENTENCE.split()) * 400


def test_slow_speech_is_cut_by_time() -> None:
    slow = spoken(SENTENCE, seconds_a_word=1.7)
    written = read_vtt(render("vtt", [slow], {}))
    assert " ".join(text.replace("\n", " ") for _, _, text in written) == SENTENCE
    assert all(end - start <= 7000 for start, end, _ in written)


def test_short_segments_stay_one_cue() -> None:
    said = spoken("Short enough for two lines of a subtitle, however long it took to say.")
    assert len(read_srt(render("srt", [said], {}))) == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        [{"word": word} for word in SENTENCE.split()],
        [{"word": "other", "start": 1.0, "end": 2.0}],
    ],
)
def test_long_segments_are_cut_evenly_where_words_have_no_times(words: list[Any]) -> None:
    written = read_srt(render("srt", [segment(SENTENCE, 0, 20, words=words)], {}))
    assert " ".join(text.replace("\n", " ") for _, _, text in written) == SENTENCE
    assert all(0 < end - start <= 7000 for start, end, _ in written)
    assert (written[0][0], written[-1][1]) == (0, 20_000)


def test_splitting_can_be_switched_off_and_is_for_subtitles_only() -> None:
    assert len(read_srt(render("srt", [spoken(SENTENCE)], {}, Options(split=False)))) == 1
    assert render("txt", [spoken(SENTENCE)], {}) == SENTENCE + "\n"


def test_text_without_blanks_is_cut_too() -> None:
    text = "今日は天気がいいから散歩しましょう。" * 8
    words = [
        {"word": sign, "start": at * 0.1, "end": at * 0.1 + 0.1} for at, sign in enumerate(text)
    ]
    written = read_srt(render("srt", [segment(text, 0, 14.4, words=words)], {}))
    assert len(written) > 1
    assert "".join(part.replace("\n", "") for _, _, part in written) == text


TIMES = st.one_of(st.none(), st.floats(), st.floats(-10, 1e6))
TEXTS = st.text(st.characters(exclude_categories=()), max_size=200)
WORDS = st.lists(
    st.fixed_dictionaries(
        {"word": TEXTS}, optional={"start": TIMES, "end": TIMES, "speaker": TEXTS}
    ),
    max_size=9,
)
SEGMENTS = st.lists(
    st.fixed_dictionaries(
        {"start": TIMES, "end": TIMES, "text": TEXTS}, optional={"speaker": TEXTS, "words": WORDS}
    ),
    max_size=5,
)


@settings(deadline=None)
@given(SEGMENTS)
def test_anything_can_be_written_and_read_back(segments: list[dict[str, Any]]) -> None:
    whole = Options(split=False)
    srt, vtt = render("srt", segments, {}, whole), render("vtt", segments, {}, whole)
    subtitles, voices = read_srt(srt), read_vtt(vtt)
    rows = [row.split("\t") for row in render("tsv", segments, {}).split("\n")[1:-1]]
    lines = render("txt", segments, {}).split("\n")[:-1]
    assert len(subtitles) == len(voices) == len(rows) == len(lines)
    for subtitle, voice, row in zip(subtitles, voices, rows, strict=True):
        assert subtitle[:2] == voice[:2] == (int(row[0]), int(row[1]))
        assert subtitle[0] < subtitle[1]
        said = voice[2].replace("\n", " ")
        is_formula = said.lstrip('" ')[:1] in tuple("=+-@\uff1d\uff0b\uff0d\uff20")
        assert row[2] == (f"'{said}" if is_formula else said)
    json.loads(render("json", segments, {}))
    for kind in FORMATS:
        render(kind, segments, {}).encode("utf-8")


@given(st.integers(0, 10**9))
def test_every_millisecond_survives(value: int) -> None:
    written = render("srt", [segment("x", value / 1000, value / 1000 + 1)], {})
    assert read_srt(written) == [(value, value + 1000, "x")]


@settings(deadline=None)
@given(
    st.lists(st.text("abcdefgh,.", min_size=1, max_size=30), min_size=1, max_size=60),
    st.floats(0.01, 3),
)
def test_splitting_loses_no_word_and_never_overlaps(words: list[str], pace: float) -> None:
    written = read_srt(render("srt", [spoken(" ".join(words), pace)], {}))
    assert " ".join(text.replace("\n", " ") for _, _, text in written).split() == words
    assert all(first[1] <= second[0] for first, second in pairwise(written))


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", '"=', ' "+', "\t="])
def test_no_cell_of_tsv_is_a_formula(sign: str) -> None:
    """A spreadsheet would run `=HYPERLINK(…)`; an apostrophe makes it text."""
    said = f"{sign}1+1 is two"
    row = render("tsv", [segment(said, 0, 1) | {"speaker": f"{sign}A"}]).splitlines()[1]
    start, end, text, speaker = row.split("\t")
    assert (start, end) == ("0", "1000")
    assert text.startswith("'") and text.endswith("1+1 is two")
    assert speaker.startswith("'")
    for kind in ("txt", "json", "srt", "vtt"):
        assert "'" not in render(kind, [segment(said, 0, 1)])


def test_tsv_leaves_other_cells_alone() -> None:
    rows = render("tsv", [segment("1 = 1, a-b, 'so'", 0, 1), segment("", 1, 2)]).splitlines()
    assert rows[1].split("\t")[2] == "1 = 1, a-b, 'so'"
