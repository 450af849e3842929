"""What the POST routes read, and what they refuse (sections 1, 4, 6 and 15 of the contract)."""

import uuid
from pathlib import Path

import pytest

from tests.running import Site
from tests.site.people import page_token, signed_in
from tests.speech import recordings

from .forms import (
    ALIGNED,
    BOUNDARY,
    MULTIPART,
    TRANSCRIPT,
    TURNS,
    URLENCODED,
    WAV,
    accepted,
    faults,
    file,
    form,
    metadata,
    part,
    post,
    raw,
    silence,
    text,
)

STT = "/speech-to-text"
MISSING_FILE = [("missing", ["body", "file"])]


@pytest.mark.parametrize(
    ("target", "body", "task_type"),
    [
        ("/speech-to-text", form(file()), "full_process"),
        ("/service/transcribe", form(file()), "transcription"),
        ("/service/diarize", form(file()), "diarization"),
        (
            "/service/align",
            form(file("transcript", "t.json", TRANSCRIPT), file()),
            "transcription_alignment",
        ),
        (
            "/service/combine",
            form(
                file("aligned_transcript", "a.json", ALIGNED),
                file("diarization_result", "d.json", TURNS),
            ),
            "combine_transcript&diarization",
        ),
    ],
)
def test_each_route_makes_its_task(site: Site, target: str, body: bytes, task_type: str) -> None:
    """§1, §3: 200, an identifier and "Task queued"; §15: audio_duration is known at once."""
    answer = post(site, target, body)
    identifier = accepted(answer)
    assert str(uuid.UUID(identifier)) == identifier
    found = site.task(identifier)["metadata"]
    assert found["task_type"] == task_type
    combined = task_type.startswith("combine")
    assert found["audio_duration"] == (None if combined else 0.1)
    assert found["file_name"] == (None if combined else "a.wav")
    assert answer.headers["X-Request-ID"]


def test_the_language_of_an_alignment_is_the_transcripts(site: Site) -> None:
    """§4: from the transcript, null included; of a diarization there is none."""
    latvian = form(file("transcript", "t.json", {**TRANSCRIPT, "language": "lv"}), file())
    assert metadata(site, post(site, "/service/align", latvian))["language"] == "lv"
    unknown = form(file("transcript", "t.json", {**TRANSCRIPT, "language": None}), file())
    assert metadata(site, post(site, "/service/align", unknown))["language"] is None
    assert metadata(site, post(site, "/service/diarize"))["language"] is None


@pytest.mark.proof
def test_any_kind_that_the_probe_reads(site: Site, tmp_path: Path) -> None:
    """§2.2 and better: flac and webm, too, as whatever FFmpeg decodes; the length is exact."""
    for kind in ("flac", "webm", "mp3"):
        path = recordings.write(tmp_path / f"a.{kind}", recordings.speech()[:16000])
        body = form(file("file", path.name, path.read_bytes()))
        found = metadata(site, post(site, "/service/transcribe", body))
        assert found["audio_duration"] == pytest.approx(0.5, abs=0.1), kind
        assert found["file_name"] == path.name


# Parts that are not there (§6) ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [None, "application/json", "audio/wav", "text/plain", URLENCODED])
@pytest.mark.parametrize("body", [b"", b'{"file": "a.wav"}'])
def test_a_body_of_another_kind_lacks_the_file(site: Site, kind: str | None, body: bytes) -> None:
    """§6: 422 `missing`, never 415."""
    answer = post(site, STT, body, kind)
    assert faults(answer) == MISSING_FILE
    assert answer.json()["detail"][0]["msg"] == "Field required"
    assert answer.json()["detail"][0]["input"] is None


def test_each_missing_part_is_told(site: Site) -> None:
    """§6: one entry for each, and those of the query before them."""
    missing = [("missing", ["body", name]) for name in ("transcript", "file")]
    assert faults(post(site, "/service/align", form(text("x", "y")))) == missing
    query = "?device=tpu&interpolate_method=Best"
    assert faults(post(site, f"/service/align{query}", b"", None)) == [
        ("enum", ["query", "interpolate_method"]),
        ("enum", ["query", "device"]),
        *missing,
    ]
    assert faults(post(site, "/service/combine", b"", None)) == [
        ("missing", ["body", name]) for name in ("aligned_transcript", "diarization_result")
    ]
    assert faults(post(site, "/speech-to-text-url", b"", None)) == [("missing", ["body", "url"])]


def test_the_url_must_be_in_the_form(site: Site) -> None:
    """§2, §6: neither the query counts nor an empty value; both kinds of form do."""
    missing = [("missing", ["body", "url"])]
    target = "/speech-to-text-url"
    assert faults(post(site, f"{target}?url=http://h/a.wav", b"", URLENCODED)) == missing
    assert faults(post(site, target, b"url=", URLENCODED)) == missing
    assert faults(post(site, target, form(text("url", "")))) == missing
    assert faults(post(site, target, b'{"url": "http://h/a.wav"}', "application/json")) == missing
    as_file = form(file("url", "a.txt", b"http://h/a.wav"))
    assert faults(post(site, target, as_file)) == [("string_type", ["body", "url"])]
    for body, kind in ((b"url=ftp://h/a.wav", URLENCODED), (form(text("url", "ftp:x")), MULTIPART)):
        answer = post(site, target, body, kind)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "SSRF_BLOCKED")


def test_forms_that_would_keep_the_server_busy(site: Site) -> None:
    """Many fields, or one header of many options: refused before anybody looks at each."""
    many = post(site, "/speech-to-text-url", b"a&" * 1001, URLENCODED)
    said = "Too many fields. Maximum number of fields is 1000."
    assert (many.status_code, many.json()["detail"]) == (400, said)
    quotes = 'name="file"; b="' + '\\";' * 19_000
    long = post(site, "/service/combine", form(part(quotes)))
    said = "There was an error parsing the body"
    assert (long.status_code, long.json()["detail"]) == (400, said)
    semicolons = "a;" * 100 + ".wav"
    assert (
        metadata(site, post(site, STT, form(file("file", semicolons))))["file_name"] == semicolons
    )


def test_a_recording_of_hours_in_a_few_bytes(site: Site) -> None:
    """§6: one sample a second is no recording; decoded it would fill the disk."""
    slow = bytearray(silence(0.1))
    slow[24:32] = (1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    answer = post(site, STT, form(file("file", "a.wav", bytes(slow))))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "AUDIO_PROCESSING_ERROR")
    assert "1 samples a second" in error["reason"]


def test_a_text_in_the_place_of_a_file(site: Site) -> None:
    """§6: `value_error`; an empty one counts as missing."""
    answer = post(site, STT, form(text("file", "hello")))
    assert faults(answer) == [("value_error", ["body", "file"])]
    assert answer.json()["detail"][0]["input"] == "hello"
    assert faults(post(site, STT, b"file=hello", URLENCODED)) == [("value_error", ["body", "file"])]
    assert faults(post(site, STT, form(text("file", "")))) == MISSING_FILE


def test_of_a_repeated_part_the_last_counts(site: Site) -> None:
    """§2."""
    names = [file("file", "first.wav"), file("file", "last.wav", silence(0.2))]
    found = metadata(site, post(site, "/service/transcribe", form(*names)))
    assert (found["file_name"], found["audio_duration"]) == ("last.wav", 0.2)
    refused = post(site, STT, form(file(), file("file", "last.txt")))
    assert "last.txt" in refused.json()["detail"] and refused.status_code == 400
    assert faults(post(site, STT, form(file(), text("file", "x")))) == [
        ("value_error", ["body", "file"])
    ]
    accepted(post(site, "/service/transcribe", form(text("file", "x"), file())))


def test_fields_of_the_form_are_no_options(site: Site) -> None:
    """§2: model options are read from the query alone; whatever else comes along is ignored."""
    body = form(
        text("model", "nonsense"), text("language", "lv"), file("other", "x.bin", b"?"), file()
    )
    found = metadata(site, post(site, "/service/transcribe", body))
    assert (found["language"], found["task_params"]["model"]) == ("en", "tiny")


# Bodies that are no forms (§6) ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (form(file()), "multipart/form-data", "Missing boundary in multipart."),
        (b"hello", MULTIPART, "There was an error parsing the body"),
        (form(file()), "multipart/form-data; boundary=other", "There was an error parsing"),
        (form(file()), "multipart/form-data; boundary=", "There was an error parsing"),
        (form(file()).replace(b"\r\n", b"\n"), MULTIPART, "There was an error parsing"),
        (b"--" + BOUNDARY.encode() + b"\r\nno header\r\n\r\nx", MULTIPART, "There was an error"),
        (form(part('filename="a.wav"', WAV)), MULTIPART, '"name" must be provided'),
        (form(text("x", "x" * 1_100_000)), MULTIPART, "Part exceeded maximum size of 1024KB."),
        (form(*[text("x", "")] * 1001), MULTIPART, "Too many fields."),
        (form(*[file("x", "x", b"")] * 1001), MULTIPART, "Too many files."),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_a_form_that_cannot_be_read(site: Site, body: bytes, kind: str, said: str) -> None:
    """§6: 400 with the reason, whatever is wrong with the query."""
    answer = post(site, f"{STT}?model=nonsense", body, kind)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_a_form_that_ends_too_early(site: Site) -> None:
    """§6: within the file 422 `missing`; what was whole before counts."""
    whole = form(file())
    for length in (5, 60, len(whole) // 2, len(whole) - len(BOUNDARY) - 6):
        assert faults(post(site, STT, whole[:length])) == MISSING_FILE, length
    accepted(post(site, "/service/transcribe", whole[:-2]))
    later = file() + file("file", "b.wav")[:-20]
    assert metadata(site, post(site, "/service/transcribe", later))["file_name"] == "a.wav"


def test_a_body_in_chunks_without_length(site: Site) -> None:
    """Transfer-Encoding: chunked is as good as a length."""
    whole = form(file())
    pieces = (whole[at : at + 1000] for at in range(0, len(whole), 1000))
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    headers = {"Content-Type": MULTIPART, "Transfer-Encoding": "chunked"}
    assert raw(site, body, headers)[0] == 200


def test_a_connection_that_breaks(site: Site) -> None:
    """Bytes that never came are no recording, and leave nothing behind."""
    body = form(file())
    headers = {"Content-Type": MULTIPART, "Content-Length": str(len(body) + 1)}
    status, answer = raw(site, body, headers, ends=True)
    assert status == 400 and "detail" in answer


def test_the_answer_arrives_before_the_body_was_read(site: Site) -> None:
    """§6: a client that still sends gets to see its refusal, on a connection that closes."""
    headers = {"Content-Type": "audio/wav", "Content-Length": "40000", "Connection": "close"}
    status, answer = raw(site, bytes(40000), headers)
    assert (status, answer["detail"][0]["type"]) == (422, "missing")


# Who asks ---------------------------------------------------------------------------------------


def test_a_browser_that_is_signed_in(site: Site) -> None:
    """Its token goes into a header, so that nobody reads the form before it is stored."""
    session = signed_in(site)
    address = f"{site.url}/service/diarize"
    fields = {"Content-Type": MULTIPART, "Origin": site.url}
    hidden = form(text("csrfmiddlewaretoken", page_token(site, session)), file())
    assert session.post(address, data=hidden, headers=fields, timeout=30).status_code == 403
    fields["X-CSRFToken"] = page_token(site, session)
    answer = session.post(address, data=form(file()), headers=fields, timeout=30)
    task = accepted(answer)
    assert session.get(f"{site.url}/task/{task}", timeout=30).status_code == 200
    owner = site.shell(
        f"from transcription.models import Job\nprint(Job.objects.get(pk='{task}').owner.username)"
    )
    assert owner.strip() == "admin"
