"""Options in the metadata of tus uploads, `/upload/stream` and languages in file names (sections
11.2, 12 and 14 of the contract)."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.running import Site

from .forms import WAV, file, form, metadata, post, text


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
    assert job["params"] is None  # §4: as tus tasks always had it


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
    site = new_site(UPLOADS_ACCEPT="any", LANGUAGE_PATTERNS="A03=lv, a04=ru").start()
    job = row(site, upload(site, min_speakers="two", beam_size="2"))
    assert job["options"] == {"beam_size": 2}
    # §14: languages in names, in any case, where nobody named one
    for name, said, language in (
        ("x_a03_1.wav", "", "lv"),
        ("A04.wav", "auto", "ru"),
        ("A04.wav", "en", "en"),
        ("A05.wav", "", ""),
    ):
        identifier = upload(site, name, **({"language": said} if said else {}))
        assert (site.task(identifier)["metadata"]["language"] or "") == language, name
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
