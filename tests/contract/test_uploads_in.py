"""Options in the metadata of tus uploads, `/upload/stream` and languages in file names (sections
11.2, 12 and 14 of the contract)."""

import json
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.running import Site

from .forms import WAV, accepted, file, form, metadata, part, post, text


def create(site: Site, **options: str) -> requests.Response:
    """POST of tus with these options."""
    return site.post(len(WAV), {"filename": "a.wav", **options})


def upload(site: Site, file_name: str = "a.wav", **options: str) -> str:
    """Upload a recording; its job."""
    identifier = str(uuid.uuid4())
    address = site.create(len(WAV), {"filename": file_name, "taskId": identifier, **options})
    assert site.patch(address, 0, WAV).status_code == 204
    return identifier


def row(site: Site, identifier: str) -> dict[str, Any]:
    """What staff see of a job."""
    code = (
        "import json; from transcription.models import Job; "
        f"j = Job.objects.get(pk='{identifier}'); "
        "print(json.dumps([j.language, j.model, j.task, j.options, j.callback_url, j.params]))"
    )
    names = ("language", "model", "task", "options", "callback_url", "params")
    return dict(zip(names, json.loads(site.shell(code)), strict=True))


def test_options_of_a_tus_upload(site: Site) -> None:
    """§11.2: the names and rules of the query; what is not said keeps this site's own default."""
    job = row(
        site,
        upload(
            site,
            language="auto",
            model="turbo",
            task="translate",
            device="cpu",
            compute_type="int8",
            min_speakers=" 2 ",
            max_speakers="",
            suppress_tokens="1,2",
            return_char_alignments="yes",
            initial_prompt="ä",
            name="ignored",
            relativePath="null",
        ),
    )
    assert (job["language"], job["model"], job["task"]) == ("", "turbo", "translate")
    assert job["options"] == {
        "device": "cpu",
        "compute_type": "int8",
        "min_speakers": 2,
        "suppress_tokens": [1, 2],
        "return_char_alignments": True,
        "initial_prompt": "ä",
    }


def test_a_tus_upload_tells_its_options(site: Site) -> None:
    """§4, §11.2: all keys that the API's tasks have, and the language as given, `auto` included."""
    said = {"language": "auto", "model": "turbo", "beam_size": "2", "max_speakers": "3"}
    identifier = upload(site, **said)
    told = site.task(identifier)["metadata"]
    api = metadata(site, post(site, "/speech-to-text?language=lv"))
    params = told["task_params"]
    assert params.keys() == api["task_params"].keys() | {"align", "diarize"}
    assert told["language"] == params["language"] == "auto"
    assert (params["model"], params["task"], params["max_speakers"]) == ("turbo", "transcribe", 3)
    assert (params["device"], params["compute_type"]) == ("auto", "default")  # the site's own
    assert params["asr_options"] == {**api["task_params"]["asr_options"], "beam_size": 2}
    assert params["vad_options"] == api["task_params"]["vad_options"]
    assert (params["align"], params["diarize"]) == (None, None)
    listed = site.http.get(f"{site.url}/task/all").json()["tasks"]
    assert {row["identifier"]: row["language"] for row in listed}[identifier] == "auto"
    plain = site.task(upload(site, language="en", diarize="no"))["metadata"]
    assert plain["language"] == plain["task_params"]["language"] == "en"
    assert (plain["task_params"]["model"], plain["task_params"]["diarize"]) == ("tiny.en", False)


def test_names_with_accents_as_macs_write_them(site: Site) -> None:
    """Composed at intake whatever the door, and found however they are typed."""
    name = "Größen Zürich.wav"
    decomposed = unicodedata.normalize("NFD", name)
    by_tus = upload(site, decomposed)
    by_form = accepted(post(site, "/speech-to-text", form(file("file", decomposed))))
    by_openai = site.http.post(
        f"{site.url}/v1/audio/transcriptions",
        data={"model": "whisper-1"},
        files={"file": (decomposed, WAV)},
        timeout=60,
    ).headers["X-Task-Id"]
    endless = unicodedata.normalize("NFD", "ö" * 20_000)  # is cut before it is composed
    by_form_too = accepted(post(site, "/speech-to-text", form(file("file", f"{endless}.wav"))))
    assert site.task(by_form_too)["metadata"]["file_name"].endswith("öö.wav")
    ours = {by_tus, by_form, by_openai}
    for identifier in ours:
        assert site.task(identifier)["metadata"]["file_name"] == name
    old = f"from transcription.models import Job; Job.objects.filter(pk='{by_form}').update"
    site.shell(f"{old}(file_name={decomposed!r})")  # a row from before
    for typed in ("größen", unicodedata.normalize("NFD", "ZÜRICH"), name, decomposed):
        found = site.http.get(f"{site.url}/task/all", params={"q": typed}, timeout=30).json()
        assert {task["identifier"] for task in found["tasks"]} == ours, typed


def test_names_that_browsers_escape(site: Site) -> None:
    """A quote and line breaks, in forms alone: elsewhere a name may well have these letters."""
    escaped = "a%22b%0D%0Ac %25.wav"
    identifier = accepted(post(site, "/speech-to-text", form(file("file", escaped))))
    assert site.task(identifier)["metadata"]["file_name"] == 'a"b\r\nc %25.wav'
    site.wait_for_task(identifier)
    export = site.http.get(f"{site.url}/jobs/{identifier}/export.txt", timeout=30)
    assert export.status_code == 200, export.text
    assert export.headers["Content-Disposition"] == r'attachment; filename="a\"bc %25.txt"'
    stored = post(site, "/upload/stream", form(file("file", escaped))).json()
    assert stored["filename"] == 'a"bc %25.wav'
    encoded = part("name=\"file\"; filename*=utf-8''a%2522b.wav", WAV)
    asked = metadata(site, post(site, "/speech-to-text", form(encoded)))
    assert asked["file_name"] == "a%22b.wav"
    assert site.task(upload(site, "a%22b.wav"))["metadata"]["file_name"] == "a%22b.wav"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("language", "klingon"),
        ("model", "huge"),
        ("task", "summarise"),
        ("device", "tpu"),
        ("compute_type", "int4"),
        ("min_speakers", "two"),
        ("min_speakers", "0"),
        ("align", "perhaps"),
        ("diarize", "2"),
        ("beam_size", "5.5"),
        ("patience", "nan"),
        ("suppress_tokens", "1,x"),
        ("suppress_numerals", "maybe"),
        ("interpolate_method", "Best"),
        ("callback_url", "ftp://host/"),
        ("callback_url", "nonsense"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(site: Site, key: str, value: str) -> None:
    """§11.2: at POST, before a byte is sent, with a sentence that names the key."""
    answer = create(site, **{key: value})
    assert answer.status_code == 422
    assert key in answer.json()["detail"]
    assert "Location" not in answer.headers


def test_fewer_speakers_at_most_than_at_least_are_refused(site: Site) -> None:
    """§11.2: a rule of ours; the API takes any numbers in its query, as it always did."""
    answer = create(site, min_speakers="3", max_speakers="2")
    assert (answer.status_code, "max_speakers" in answer.json()["detail"]) == (422, True)
    assert create(site, min_speakers="2", max_speakers="2").status_code == 201
    query = "?min_speakers=3&max_speakers=2"
    asked = metadata(site, post(site, f"/speech-to-text{query}", form(file("file", "a.wav"))))
    assert (asked["task_params"]["min_speakers"], asked["task_params"]["max_speakers"]) == (3, 2)


def test_a_callback_of_a_tus_upload_is_judged_at_once(site: Site) -> None:
    """§7.1, §11.2: the guard rules here, too."""
    answer = create(site, callback_url="http://127.0.0.1:9/")
    assert answer.status_code == 422
    assert answer.json() == {"detail": "The provided callback URL is not allowed."}


@pytest.mark.proof
def test_a_plain_store_takes_any_metadata(new_site: Callable[..., Site]) -> None:
    """Options are this site's business where it takes recordings alone."""
    site = new_site(UPLOADS_ACCEPT="any", LANGUAGE_PATTERNS="A03=lv, a04=ru, Größe=de").start()
    job = row(site, upload(site, min_speakers="two", beam_size="2"))
    assert job["options"] == {"beam_size": 2}
    # §14: languages in names, in any case, where nobody named one
    for name, said, language in (
        ("x_a03_1.wav", "", "lv"),
        ("A04.wav", "auto", "ru"),
        ("A04.wav", "en", "en"),
        ("A05.wav", "", ""),
        (unicodedata.normalize("NFD", "Schuhgröße.wav"), "", "de"),
    ):
        identifier = upload(site, name, **({"language": said} if said else {}))
        assert site.task(identifier)["metadata"]["language"] == (language or "auto"), name
    for query, language in (("", "lv"), ("?language=en", "en"), ("?language=de", "de")):
        answer = post(site, f"/speech-to-text{query}", form(file("file", "zA03.wav")))
        found = metadata(site, answer)
        assert found["language"] == found["task_params"]["language"] == language
    assert metadata(site, post(site, "/speech-to-text"))["language"] == "en"


@pytest.mark.proof
def test_patterns_that_cannot_be_read(new_site: Callable[..., Site]) -> None:
    """A site that would misread its setting says so and does not start."""
    for value in ("A03", "A03=klingon", "=lv"):
        checked = new_site(LANGUAGE_PATTERNS=value).manage("check", check=False)
        assert checked.returncode != 0 and "LANGUAGE_PATTERNS" in checked.stderr


# /upload/stream (§12) ---------------------------------------------------------------------------


def test_a_stream_is_stored_and_no_task(site: Site) -> None:
    """§12: where it lies is an address here, no path of the server; GET gives it back."""
    before = {task["identifier"] for task in site.http.get(f"{site.url}/task/all").json()["tasks"]}
    answer = post(site, "/upload/stream", form(file("file", "a.flac", b"fLaC" + bytes(2000))))
    assert answer.status_code == 200, answer.text
    stored = answer.json()
    assert set(stored) == {"upload_id", "filename", "size_bytes", "path"}
    assert (stored["filename"], stored["size_bytes"]) == ("a.flac", 2004)
    assert stored["path"] == f"/uploads/files/{stored['upload_id']}"
    assert site.http.get(site.url + stored["path"]).content == b"fLaC" + bytes(2000)
    after = {task["identifier"] for task in site.http.get(f"{site.url}/task/all").json()["tasks"]}
    assert after == before


def test_a_stream_by_another_name(site: Site) -> None:
    """§12: the field `filename`, before or after the file."""
    for parts in (
        (text("filename", "b.wav"), file("file", "x")),
        (file("file", "x"), text("filename", "b.wav")),
    ):
        answer = post(site, "/upload/stream", form(*parts))
        assert (answer.status_code, answer.json()["filename"]) == (200, "b.wav")


def test_streams_that_are_refused(site: Site) -> None:
    """§12: 400 with a text for another body, another suffix and other first bytes."""
    for body, kind in (
        (b"{}", "application/json"),
        (b"", None),
        (form(text("file", "x")), ""),
        (form(), ""),
        (form(file("file", "a.txt")), ""),
        (form(file("file", "a.wav", b"%PDF-1.7" + bytes(2000))), ""),
        (form(file("file", "a.wav", b"")), ""),
    ):
        answer = post(site, "/upload/stream", body, *([kind] if kind != "" else []))
        assert answer.status_code == 400, body
        assert isinstance(answer.json()["detail"], str)
