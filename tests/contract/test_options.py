"""The query of the POST routes (sections 2 and 6 of the contract)."""

from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.contract.defaults import ALIGNMENT, ASR, DIARIZATION, MODEL, VOICE
from tests.running import Site

from .forms import accepted, faults, metadata, post

STT = "/speech-to-text"
MODELS = (
    "'tiny', 'tiny.en', 'base', 'base.en', 'small', 'small.en', 'medium', 'medium.en', 'large', "
    "'large-v1', 'large-v2', 'large-v3', 'large-v3-turbo', 'distil-large-v2', 'distil-medium.en', "
    "'distil-small.en', 'distil-large-v3' or 'nyrahealth/faster_CrisperWhisper'"
)


def nothing(site: Site, query: str, target: str = STT) -> requests.Response:
    """Ask without a file, so that no job is made: all faults but that of the file are tested."""
    return post(site, f"{target}?{query}", b"", None)


def faults_of_query(site: Site, query: str, target: str = STT) -> list[tuple[str, list[Any]]]:
    *found, last = faults(nothing(site, query, target))
    assert last == ("missing", ["body", "file"])
    return found


def params(site: Site, query: str, target: str = STT) -> dict[str, Any]:
    """The task_params of a request with this query."""
    found: dict[str, Any] = metadata(site, post(site, f"{target}?{query}"))["task_params"]
    return found


def test_defaults(site: Site) -> None:
    """§2, §4: literal defaults, whatever host and settings; every key is there."""
    full = {**MODEL, **ALIGNMENT, **DIARIZATION, "asr_options": ASR, "vad_options": VOICE}
    assert params(site, "") == full
    transcription = {**MODEL, "asr_options": ASR, "vad_options": VOICE}
    assert params(site, "", "/service/transcribe") == transcription
    assert params(site, "device=cpu", "/service/diarize") == {**DIARIZATION, "device": "cpu"}
    assert params(site, "", "/service/diarize")["device"] in ("cpu", "cuda")


def test_context_is_an_option_beyond_the_contract(site: Site) -> None:
    """§2: old clients find no key that they don't know."""
    assert "condition_on_previous_text" not in params(site, "")
    asked = params(site, "condition_on_previous_text=true")
    assert asked["condition_on_previous_text"] is True
    asked = params(site, "condition_on_previous_text=true", "/service/transcribe")
    assert asked["condition_on_previous_text"] is True


def test_all_at_once(site: Site) -> None:
    """§2: each option arrives where it belongs."""
    asked = {
        "language": "lv", "task": "translate", "model": "turbo", "device": "cpu",
        "device_index": 1, "threads": 2, "batch_size": -1, "chunk_size": 30,
        "compute_type": "int8", "align_model": "x/y", "interpolate_method": "linear",
        "return_char_alignments": "on", "min_speakers": 1, "max_speakers": 3, "beam_size": 2,
        "best_of": 3, "patience": 0.5, "length_penalty": 2, "temperatures": 0.1,
        "compression_ratio_threshold": 1, "log_prob_threshold": -2, "no_speech_threshold": 0.1,
        "initial_prompt": "ä & b", "suppress_tokens": [1, 2], "suppress_numerals": "Y",
        "hotwords": "", "vad_onset": 0.1, "vad_offset": 0.2, "unknown": "x",
    }  # fmt: skip
    pairs = [
        (name, one)
        for name, value in asked.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    query = "&".join(f"{name}={quote(str(value))}" for name, value in pairs)
    found = params(site, query)
    flat = {**found, **found["asr_options"], **found["vad_options"]}
    for name, value in asked.items():
        if name not in ("model", "return_char_alignments", "suppress_numerals", "unknown"):
            assert flat[name] == value, name
    assert flat["model"] == "large-v3-turbo"
    assert flat["return_char_alignments"] is True and flat["suppress_numerals"] is True
    assert "unknown" not in flat


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("task", "Transcribe", "'transcribe' or 'translate'"),
        ("model", "huge", MODELS),
        ("model", "", MODELS),
        ("device", "CPU", "'cuda' or 'cpu'"),
        ("compute_type", "int4", "'float16', 'float32' or 'int8'"),
        ("interpolate_method", "", "'nearest', 'linear' or 'ignore'"),
    ],
)
def test_words(site: Site, name: str, value: str, expected: str) -> None:
    """§2, §6: case counts; the message lists what there is, and so does ctx."""
    fault = nothing(site, f"{name}={value}").json()["detail"][0]
    assert fault == {
        "type": "enum",
        "loc": ["query", name],
        "msg": f"Input should be {expected}",
        "input": value,
        "ctx": {"expected": expected},
    }


NUMBERS = ["device_index", "threads", "batch_size", "chunk_size", "beam_size", "best_of"]
FLOATS = ["patience", "length_penalty", "temperatures", "vad_onset", "no_speech_threshold"]


@pytest.mark.parametrize("value", ["", "x", "5.5", "1e3", "0x10", "1,2", "null"])
def test_no_integers(site: Site, value: str) -> None:
    """§6: int_parsing, for all of them together."""
    names = [*NUMBERS, "min_speakers", "max_speakers"]
    found = faults_of_query(site, "&".join(f"{name}={value}" for name in names))
    assert {kind for kind, _ in found} == {"int_parsing"}
    assert sorted(loc[-1] for _, loc in found) == sorted(names)


def test_integers(site: Site) -> None:
    """§2: a fraction of zero, a sign, an underscore and blanks around are fine."""
    spelled = {
        "batch_size": ("5.0", 5),
        "max_speakers": ("%2B5", 5),
        "threads": ("1_0", 10),
        "chunk_size": ("+5+", 5),
        "device_index": ("-1", -1),
        "min_speakers": ("05", 5),
    }
    found = params(site, "&".join(f"{name}={said}" for name, (said, _) in spelled.items()))
    assert {name: found[name] for name in spelled} == {
        name: number for name, (_, number) in spelled.items()
    }


@pytest.mark.parametrize(
    ("value", "kind"),
    [("", "float_parsing"), ("x", "float_parsing"), ("1,5", "float_parsing")]
    + [(value, "finite_number") for value in ("nan", "inf", "-Infinity", "1e999")],
)
def test_no_floats(site: Site, value: str, kind: str) -> None:
    """§6: float_parsing; what is no number or endless is refused, too."""
    found = faults_of_query(site, "&".join(f"{name}={value}" for name in FLOATS))
    assert found and {fault for fault, _ in found} == {kind}


def test_booleans(site: Site) -> None:
    """§2: all spellings in any case; anything else is bool_parsing, the empty one included."""
    for value in ("", "2", "truee", "null"):
        query = f"return_char_alignments={value}&suppress_numerals={value}"
        found = faults_of_query(site, query)
        assert found == [
            ("bool_parsing", ["query", "return_char_alignments"]),
            ("bool_parsing", ["query", "suppress_numerals"]),
        ]
    for words, expected in (("true 1 YES On t y", True), ("FALSE 0 no oFF f N", False)):
        for word in words.split():
            # only one fault besides: the word itself is fine
            query = f"return_char_alignments={word}&suppress_numerals={word}&task=x"
            assert len(faults_of_query(site, query)) == 1, (word, expected)


def test_repeated_keys(site: Site) -> None:
    """§2: of a single value the last counts; a list repeats its key."""
    assert faults_of_query(site, "model=tiny&model=x") == [("enum", ["query", "model"])]
    assert faults_of_query(site, "model=x&model=tiny") == []
    listed = "suppress_tokens=1&suppress_tokens=x&suppress_tokens=&suppress_tokens=1,2"
    assert faults_of_query(site, listed) == [
        ("int_parsing", ["query", "suppress_tokens", place]) for place in (1, 2, 3)
    ]


def test_faults_come_together_in_order(site: Site) -> None:
    """§6: all of one request, in the order of the parameters, the body's last."""
    query = "vad_onset=a&callback_url=b&min_speakers=c&beam_size=d&task=e&interpolate_method=f"
    assert [loc[-1] for _, loc in faults(nothing(site, query))] == [
        *("task", "interpolate_method", "min_speakers", "beam_size", "vad_onset"),
        *("callback_url", "file"),
    ]


def test_what_a_route_does_not_know(site: Site) -> None:
    """§1, §2: options of other stages, unknown keys and broken queries are ignored."""
    assert faults_of_query(site, "min_speakers=x&callback_url=y", "/service/transcribe") == []
    assert faults_of_query(site, "model=x&vad_onset=y", "/service/diarize") == []
    assert faults_of_query(site, "MODEL=x&&&=5&;&a") == []
    assert faults_of_query(site, "device=x&max_speakers=y", "/service/diarize") == [
        ("int_parsing", ["query", "max_speakers"]),
        ("enum", ["query", "device"]),
    ]
    answer = nothing(site, "device=x", "/service/combine")
    assert {kind for kind, _ in faults(answer)} == {"missing"}


def test_language_is_not_enforced(site: Site) -> None:
    """§2: an unknown code is accepted, and the task is left to fail."""
    found = metadata(site, post(site, "/service/transcribe?language=xx"))
    assert found["language"] == found["task_params"]["language"] == "xx"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("", "url_parsing"),
        ("nonsense", "url_parsing"),
        ("http://", "url_parsing"),
        ("ftp://host/", "url_scheme"),
        ("javascript:alert(1)", "url_scheme"),
        ("http://host/" + "a" * 2083, "url_too_long"),
    ],
)
def test_callback_urls(site: Site, url: str, kind: str) -> None:
    """§6: a URL that is none is a fault among the others."""
    found = faults_of_query(site, f"callback_url={url}&model=x")
    assert found == [("enum", ["query", "model"]), (kind, ["query", "callback_url"])]


def test_a_refused_callback_hides_all_other_faults(site: Site) -> None:
    """§6, §7.1: before the file is looked at."""
    answer = nothing(site, "callback_url=http://127.0.0.1:9/&model=x")
    assert answer.status_code == 422
    assert answer.json() == {"detail": "The provided callback URL is not allowed."}


def test_long_and_odd_texts(site: Site) -> None:
    """§2: texts are free; none of them makes a 500."""
    long = "ä" * 5000
    query = f"initial_prompt={quote(long)}&hotwords=%00%ff%ED%A0%80&align_model="
    identifier = accepted(post(site, f"{STT}?{query}"))
    found = site.task(identifier)["metadata"]["task_params"]
    assert found["asr_options"]["initial_prompt"] == long
    assert found["align_model"] == ""
    huge = "9" * 2000
    assert params(site, f"threads={huge}")["threads"] == int(huge)
