"""Names and contents of the recordings that forms bring (sections 2.2, 4 and 6 of the contract)."""

import json
import uuid

import pytest

from tests.running import Site

from .forms import (
    BOUNDARY,
    WAV,
    file,
    form,
    metadata,
    part,
    post,
)

STT = "/speech-to-text"


# Names (§2.2, §4, §6) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "a.txt", "a", "a.", ".wav", "a.wav.txt", "a.json", "a.wav/", "wav"]
)
def test_a_name_that_is_no_recordings(site: Site, name: str) -> None:
    """§6: 400 with the name and what is allowed; also for `filename=""`."""
    for target in (STT, "/service/transcribe", "/service/diarize"):
        answer = post(site, target, form(file("file", name)))
        assert answer.status_code == 400
        said = answer.json()["detail"]
        assert said.startswith(f"Invalid file extension for file {name}. Allowed: {{'.")
        assert "'.wav'" in said and "'.mkv'" in said


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('filename="A.MP3"', "A.MP3"),
        ('filename="ä 日本.wav"', "ä 日本.wav"),
        pytest.param('filename="😀; a=b.wav"', "😀; a=b.wav", marks=pytest.mark.proof),
        (b'filename="\xe4.wav"', "ä.wav"),
        pytest.param('filename="a\\"b.wav"', 'a"b.wav', marks=pytest.mark.proof),
        pytest.param("filename=plain.wav", "plain.wav", marks=pytest.mark.proof),
        ("filename*=UTF-8''na%C3%AFve.wav", "naïve.wav"),
        ("filename=\"x.txt\"; filename*=UTF-8''na%C3%AFve.wav", "naïve.wav"),
        ('filename="C:\\\\dir\\\\a.wav"', "a.wav"),
        pytest.param('filename="/abs/../a.wav"', "a.wav", marks=pytest.mark.proof),
        pytest.param('filename="%22a%22.wav"', '"a".wav', marks=pytest.mark.proof),
        pytest.param('filename=" a .wav"', " a .wav", marks=pytest.mark.proof),
        pytest.param(f'filename="{"x" * 300}.wav"', "x" * 300 + ".wav", marks=pytest.mark.proof),
    ],
)
def test_a_name_as_it_was_sent(site: Site, disposition: str | bytes, name: str) -> None:
    """§4: as sent, non-ASCII included, in any case, but for folders and browsers' escapes."""
    said = disposition if isinstance(disposition, bytes) else disposition.encode()
    body = form(part(b'name="file"; ' + said, WAV))
    assert metadata(site, post(site, "/service/diarize", body))["file_name"] == name


# Recordings (§6) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"hello", WAV[:44], b"\x89PNG\r\n\x1a\n" + bytes(3000), b"hello" * 5000]
)
def test_a_file_without_sound(site: Site, content: bytes) -> None:
    """§6: 400 AUDIO_PROCESSING_ERROR, at once and not as a task that fails."""
    answer = post(site, STT, form(file("file", "a.mp4", content)))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "AUDIO_PROCESSING_ERROR" and error["message"]
    assert uuid.UUID(error["correlation_id"]) and error["reason"]
    assert "original_error" in error


def test_refused_files_leave_nothing_but_their_reason(site: Site) -> None:
    """Rows tell staff why; the bytes are gone."""
    name = f"{uuid.uuid4().hex}.wav"
    posts = [
        form(file("file", name, b"no sound")),
        form(file("file", name), file("file", "last.txt")),
        form(file("file", name))[: -BOUNDARY.__len__() - 8],
        form(file("file", name), part("no name", b"")),
    ]
    assert [post(site, STT, body).status_code for body in posts] == [400, 400, 422, 400]
    post(site, "/service/align", form(file("transcript", "t.json", b"["), file("file", name)))
    rows = site.shell(
        "import json\n"
        "from uploads.models import Upload\n"
        "from uploads.stores.registry import store\n"
        "held = {entry.name for entry in store().entries()}\n"
        f"rows = Upload.objects.filter(file_name='{name}').order_by('created')\n"
        "print(json.dumps([(r.state, r.failure, r.id.hex in held) for r in rows]))"
    )
    found = json.loads(rows)
    assert len(found) == len(posts) + 1
    assert all(state == "refused" and not held for state, _, held in found), found
    reasons = [reason for _, reason, _ in found]
    assert "Audio processing failed" in reasons[0]
    assert "another file of the same name" in reasons[1]
    assert "ended within this file" in reasons[2]
    assert '"name" must be provided' in reasons[3]
    assert "invalid JSON" in reasons[4]


def test_a_wrong_query_costs_no_disk(site: Site) -> None:
    """What is refused in any case is not stored first."""
    name = f"{uuid.uuid4().hex}.wav"
    assert post(site, f"{STT}?model=x", form(file("file", name))).status_code == 422
    count = f"from uploads.models import Upload; print(Upload.objects.filter(file_name='{name}')"
    assert site.shell(f"{count}.count())").strip() == "0"
