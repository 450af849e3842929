"""Subtitles that can be read in every script: read back by the libraries that people use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from tests.running import Site
from tests.speech import able_engine, polyglot_engine, recordings
from tests.speech.polyglot_engine import LETTERS, PAUSE, WIDE
from transcription.formats import Options, by_speaker, openai, render
from transcription.formats.cues import cues as by_cues
from transcription.formats.graphemes import bounds, width

LABEL = "[SPEAKER_00] "
MILLISECOND = timedelta(milliseconds=1)
READ_TRACK = """vtt => new Promise((resolve, reject) => {
    const track = document.createElement("track");
    track.src = URL.createObjectURL(new Blob([vtt], {type: "text/vtt"}));
    track.onerror = () => reject(new Error("the track is refused"));
    track.onload = () => resolve([...track.track.cues].map(cue => [
        Math.round(cue.startTime * 1000), Math.round(cue.endTime * 1000),
        cue.getCueAsHTML().textContent]));
    document.querySelector("video").append(track);
    track.track.mode = "hidden";
})"""


class Cue(NamedTuple):
    start: int
    end: int
    text: str

    @property
    def line(self) -> str:
        return self.text.replace("\n", " ").removeprefix(LABEL)


def by_srt(text: str) -> list[Cue]:
    """OpenAI's subtitles end with more line breaks, which this library counts to the last cue."""
    return [
        Cue(cue.start // MILLISECOND, cue.end // MILLISECOND, cue.content.rstrip())
        for cue in srt.parse(text)
    ]


def by_webvtt(text: str) -> list[Cue]:
    return [
        Cue(milliseconds(cue.start), milliseconds(cue.end), cue.text)
        for cue in webvtt.from_string(text).captions
    ]


def milliseconds(stamp: str) -> int:
    hours, minutes, seconds = stamp.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def by_pysubs2(text: str) -> list[Cue]:
    return [
        Cue(cue.start, cue.end, re.sub("</?v[^>]*>", "", cue.text.replace(r"\N", "\n")))
        for cue in pysubs2.SSAFile.from_string(text)
    ]


@pytest.fixture(scope="module")
def by_chromium(chromium: Browser) -> Iterator[Callable[[str], list[Cue]]]:
    page = chromium.new_page()
    page.set_content("<video></video>")
    yield lambda text: [Cue(*cue) for cue in page.evaluate(READ_TRACK, text)]
    page.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The subtitles of one recording, by every door of a site whose engine says many languages."""
    folder = tmp_path_factory.mktemp("polyglot")
    place = f"{polyglot_engine.__name__}:Polyglot"
    site = Site(folder / "data", fresh=False, **able_engine.environment(folder, place, "polyglot"))
    recording = recordings.write(folder / "many.wav", recordings.speech())
    site.start()
    try:
        yield {
            **exports(site, recording),
            **{f"/v1 {kind}": v1(site, recording, kind) for kind in ("srt", "vtt")},
            "command vtt": site.manage(
                "transcribe", "--no-speakers", "--format", "vtt", str(recording)
            ).stdout,
        }
    finally:
        site.kill_everything()


def exports(site: Site, recording: Path) -> dict[str, str]:
    with recording.open("rb") as file:
        answer = site.http.post(
            f"{site.url}/speech-to-text?language=en", files={"file": file}, timeout=30
        )
    job = answer.json()["identifier"]
    site.wait_for_task(job)
    kinds = ("srt", "vtt")
    return {
        f"export {kind}": site.http.get(
            f"{site.url}/jobs/{job}/export.{kind}", timeout=30
        ).content.decode()
        for kind in kinds
    }


def v1(site: Site, recording: Path, kind: str) -> str:
    with recording.open("rb") as file:
        answer = site.http.post(
            f"{site.url}/v1/audio/transcriptions",
            data={"model": "whisper-1", "response_format": kind},
            files={"file": file},
            timeout=60,
        )
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


def columns(line: str) -> int:
    """The width of a line of which each letter is known to be narrow or wide; -1: one is cut."""
    narrow = [one for name, letters in LETTERS.items() if name not in WIDE for one in letters]
    widths = dict.fromkeys([*narrow, *LABEL, *PAUSE[0], *PAUSE[2]], 1)
    widths |= dict.fromkeys([one for name in WIDE for one in LETTERS[name]], 2)
    by_length = sorted(widths, key=len, reverse=True)
    place = used = 0
    while place < len(line):
        letter = next((one for one in by_length if line.startswith(one, place)), None)
        if letter is None:
            return -1
        used += widths[letter]
        place += len(letter)
    return used


def check(cues: list[Cue], label: str) -> None:
    said = [one["text"] for one in polyglot_engine.segments()]
    found = "".join(cue.line for cue in cues).replace(" ", "")
    assert found == "".join(said).replace(" ", "")
    assert all(0 < cue.end - cue.start <= 7000 for cue in cues)
    assert all(first.end <= second.start for first, second in pairwise(cues))
    for cue in cues:
        lines = cue.text.split("\n")
        assert len(lines) <= 2, cue
        assert lines[0].startswith(label.strip()), cue
        assert all(0 < columns(line) <= 42 for line in lines), (cue, [*map(columns, lines)])
    before, after = cues[-2:]
    assert (before.line, after.line) == (PAUSE[0], PAUSE[2])
    assert (before.end - before.start, after.start - before.end) == (500, 22_000)


@pytest.mark.proof
@pytest.mark.parametrize("door", ["export srt", "/v1 srt", "export vtt", "/v1 vtt", "command vtt"])
def test_every_script_by_every_door(
    door: str, written: dict[str, str], by_chromium: Callable[[str], list[Cue]]
) -> None:
    readers = [by_pysubs2, *([by_srt] if "srt" in door else [by_webvtt, by_chromium])]
    read = [reader(written[door]) for reader in readers]
    assert all(cues == read[0] for cues in read)
    check(read[0], LABEL if door == "export srt" else "")


@pytest.mark.proof
def test_all_doors_have_the_same_cues(written: dict[str, str]) -> None:
    of_srt, of_vtt = by_srt(written["export srt"]), by_webvtt(written["export vtt"])
    assert [(cue.start, cue.end, cue.line) for cue in of_srt] == [
        (cue.start, cue.end, cue.line) for cue in of_vtt
    ]
    assert by_srt(written["/v1 srt"]) == by_webvtt(written["/v1 vtt"])
    assert written["command vtt"] == written["/v1 vtt"].removesuffix("\n")


# Single rules -----------------------------------------------------------------------------------


def cues_of(text: str, start: float, end: float, *words: tuple[str, float, float]) -> list[Cue]:
    """The subtitles of one segment."""
    said = [{"word": word, "start": first, "end": last} for word, first, last in words]
    return by_srt(render("srt", [{"start": start, "end": end, "text": text, "words": said}]))


def test_a_line_that_is_too_long_is_wrapped_where_both_are_most_even() -> None:
    text = "".join(LETTERS["en"])
    assert len(text) == 82
    assert cues_of(text, 0, 6) == [
        Cue(0, 6000, text.replace("Thursday, and ", "Thursday, and\n")),
    ]
    assert cues_of(text[:42], 0, 6) == [Cue(0, 6000, text[:42].strip())]
    own = "- Who is there?\n- Nobody."
    assert cues_of(own, 0, 3) == [Cue(0, 3000, own)]


def test_without_times_of_words_they_are_spread_evenly() -> None:
    text = "One two three, four five six. Seven eight nine ten, eleven twelve, thirteen fourteen."
    cues = cues_of(text, 10, 26)
    assert " ".join(cue.line for cue in cues) == text
    assert (cues[0].start, cues[-1].end, len(cues)) == (10_000, 26_000, 3)
    assert all(first.end == second.start for first, second in pairwise(cues))
    assert cues[0].line == "One two three, four five six."


def test_a_word_without_a_time_stays_with_its_sentence() -> None:
    """Not in the pause: it takes no longer than it takes to say it."""
    pause = [("Okay.", 0.0, 0.5), ("was", 23.0, 23.5), ("it.", 23.5, 24.0)]
    words = [{"word": word, "start": start, "end": end} for word, start, end in pause]
    words.insert(1, {"word": "1985"})
    said = {"start": 0.0, "end": 24.0, "text": "Okay. 1985 was it.", "words": words}
    assert by_srt(render("srt", [said])) == [
        Cue(0, 500, "Okay."),
        Cue(22_400, 24_000, "1985 was it."),
    ]
    del words[0]["start"], words[0]["end"]
    first, second = by_srt(render("srt", [said]))
    assert (first.start, first.line, second.line) == (0, "Okay. 1985", "was it.")


def test_silence_before_and_after_the_words_shows_nothing() -> None:
    assert cues_of("Hello there.", 0, 60, ("Hello", 30, 30.5), ("there.", 30.5, 31)) == [
        Cue(30_000, 31_000, "Hello there.")
    ]
    assert cues_of("Music", 0, 60) == [Cue(0, 7000, "Music")]  # a word is not cut


def test_times_of_words_outside_of_their_segment_are_none() -> None:
    text = "".join(LETTERS["en"]) + " Yes."
    cues = cues_of(text, 0, 6, *((word, 90.0, 91.0) for word in text.split()))
    assert cues and all(cue.end <= 6000 and cue.end - cue.start > 200 for cue in cues)


def test_the_label_counts_and_never_hides_the_text() -> None:
    for name in ("Dr. Alexandra Konstantinopolsky-Feuer", "名" * 60, "n" * 300):
        said = {"start": 0, "end": 3, "text": "Good morning to all.", "speaker": name}
        (cue,) = by_srt(render("srt", [said]))
        label, text = cue.text.split("\n")
        assert text == "Good morning to all."
        assert re.fullmatch(r"\[(.+?)…?\]", label) and len(label) <= 42
        assert f"<v {name}>" in render("vtt", [said])


def test_no_line_begins_or_ends_with_the_wrong_sign() -> None:
    text = "「あっ、ちょっと」とコーヒー、「ええっ」と" * 8
    for words in ((), [(letter, at * 0.1, at * 0.1 + 0.1) for at, letter in enumerate(text)]):
        lines = [
            line
            for cue in cues_of(text, 0, len(text) / 10, *words)
            for line in cue.text.split("\n")
        ]
        assert "".join(lines) == text
        assert not any(line[0] in "」、ーっょ" or line[-1] == "「" for line in lines), lines


def test_a_letter_has_one_speaker_in_every_format() -> None:
    family = LETTERS["emoji"][0]
    words = [
        {"word": sign, "start": at / 10, "end": at / 10 + 0.1, "speaker": f"SPEAKER_0{at % 2}"}
        for at, sign in enumerate(family)
    ]
    said = {"start": 0.0, "end": 1.0, "text": family, "words": words}
    assert [part["text"] for part in by_speaker([said])] == [family]
    assert render("txt", [said]) == f"[SPEAKER_00]: {family}\n"


def test_openais_cues_can_be_read_too() -> None:
    long = {"start": 0.0, "end": 60.0, "text": "word " * 100}
    cues = by_srt(openai.subtitles("srt", [long]))
    assert "".join(f"{cue.line} " for cue in cues) == "word " * 100
    assert max(cue.end - cue.start for cue in cues) <= 7000


@pytest.mark.parametrize("sign", ["\u00a0", "\u200b", "\u2060", "\u200d", " \u0301", "\u0301", "🇩"])
def test_many_strange_signs_are_written(sign: str) -> None:
    for kind, read in (("srt", by_srt), ("vtt", by_webvtt)):
        said = [{"start": 0, "end": 30, "text": f"漢{sign * 20_000}漢 x {sign * 20_000}"}]
        assert read(render(kind, said))
        assert read(render(kind, said, options=Options(split=False)))


@pytest.mark.slow
def test_what_has_no_width_and_letters_without_end_cost_no_more_than_others() -> None:
    """Each would take hours if all before it were looked at again and again."""
    mark = "\u0301"
    letter = {"start": 0, "end": 30, "text": f"a{mark * 300_000}"}
    letter["words"] = [{"word": mark, "start": at / 1e3, "end": at / 1e3} for at in range(10_000)]
    widthless = {"start": 0, "end": 30, "text": "a " * 42 + "\u2060\u200b" * 100_000 + "b b b"}
    for said in (letter, widthless):
        assert by_srt(render("srt", [said]))
        assert by_webvtt(render("vtt", [said]))


LETTER = st.sampled_from([letter for letters in LETTERS.values() for letter in letters])
SAID = st.lists(st.one_of(LETTER, st.text(max_size=3), st.just(" ")), min_size=1, max_size=150)


def without_blanks(text: str) -> str:
    return re.sub(r"[\s\u200b]", "", text)


@settings(max_examples=60, deadline=None)
@given(SAID, st.booleans(), st.floats(0.001, 2), st.sampled_from(["", "A", "n" * 30, "名" * 40]))
def test_whatever_is_said_can_be_read(
    said: list[str], has_words: bool, pace: float, speaker: str
) -> None:
    text = " ".join("".join(said).split())
    words = [
        {"word": word, "start": at * pace, "end": (at + 1) * pace}
        for at, word in enumerate(said)
        if has_words
    ]
    spoken = {"start": 0.0, "end": len(said) * pace, "text": text, "words": words}
    cues = list(by_cues([{**spoken, "speaker": speaker}], split=True))
    whole = next(by_cues([spoken]), None)
    found = "".join(line for cue in cues for line in cue.lines)
    letters = bounds(whole.line) if whole else {0}
    place = 0
    for cue in cues:
        assert 0 < cue.end - cue.start <= 7000
        assert len(cue.labelled_lines) <= 2
        assert all(len(line) > 0 and width(line) <= 42 for line in cue.labelled_lines)
        for line in cue.lines:
            assert whole is not None
            place = whole.line.index(line, place)
            assert place in letters and place + len(line) in letters, (line, place)
            place += len(line)
    assert all(first.end <= second.start for first, second in pairwise(cues))
    assert without_blanks(found) == without_blanks(whole.line if whole else "")
