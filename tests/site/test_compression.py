"""Long answers are compressed where that gives nothing away, and arrive as they are made."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.transcription.building import make_job, make_upload, staff_client, within
from transcription.http.compression import takes_gzip
from transcription.models import Job, State, Transcript

pytestmark = pytest.mark.django_db(transaction=True)
GZIP = {"accept-encoding": "br, gzip;q=0.8"}


@pytest.fixture
def client(settings: LazySettings, tmp_path: Path) -> Client:
    within(settings, tmp_path)
    return staff_client()


def made(count: int) -> Job:
    """A job whose transcript has so many segments."""
    job = make_job(upload=make_upload(b"hello"), state=State.COMPLETED, params={})
    line = "and then we went forward some ten meters, step {}, as all of you know"
    spoken = [
        {"start": 3.0 * step, "end": 3.0 * step + 2.5, "text": line.format(step)}
        for step in range(count)
    ]
    Transcript.objects.create(job=job, segments=spoken)
    return job


def pieces(client: Client, path: str) -> Iterator[bytes]:
    answer: Any = client.get(path, headers=GZIP)
    assert answer["Content-Encoding"] == "gzip" and answer.streaming
    assert not answer.has_header("Content-Length")
    return iter(answer.streaming_content)


@pytest.mark.slow
def test_long_transcripts_are_a_fifth_and_the_same(client: Client) -> None:
    job = made(4000)
    addresses = [f"/jobs/{job.pk}/{name}" for name in ("segments.json", "export.srt")]
    addresses += [f"/jobs/{job.pk}/export.json", f"/task/{job.pk}"]
    for path in addresses:
        plain: Any = client.get(path, headers={"accept-encoding": "identity"})
        assert not plain.has_header("Content-Encoding")
        assert "Accept-Encoding" in plain["Vary"], path
        whole = b"".join(plain.streaming_content)
        packed = b"".join(pieces(client, path))
        assert gzip.decompress(packed) == whole, path
        assert len(packed) < len(whole) / 4, path


@pytest.mark.slow
def test_what_is_made_gradually_arrives_so(client: Client) -> None:
    """After the second piece there is something to read, long before the end."""
    job = made(20_000)
    unpack = zlib.decompressobj(31)
    sent = pieces(client, f"/jobs/{job.pk}/segments.json")
    early = unpack.decompress(next(sent)) + unpack.decompress(next(sent))
    assert early.startswith(b'{"segments"') and len(early) > 10_000
    rest = [unpack.decompress(piece) for piece in sent]
    assert len(rest) > 10
    assert len(json.loads(early + b"".join(rest))["segments"]) == 20_000


def test_their_length_is_blurred(client: Client) -> None:
    path = f"/jobs/{made(100).pk}/segments.json"
    answers = [client.get(path, headers=GZIP) for _ in range(12)]
    assert len({len(answer.content) for answer in answers}) > 1
    for answer in answers:
        assert answer["Content-Encoding"] == "gzip"
        assert answer["Content-Length"] == str(len(answer.content))
        assert len(json.loads(gzip.decompress(answer.content))["segments"]) == 100


@pytest.mark.slow
def test_nothing_else_is_compressed(client: Client) -> None:
    """Neither what is mixed with a token, a search or others' names, nor bytes of uploads."""
    job = made(1)
    assert job.upload
    for path in (
        *("/", f"/jobs/{job.pk}", f"/jobs/{job.pk}.json", "/jobs.json?q=wav", "/task/all"),
        *("/admin/transcription/job/?q=wav", f"/uploads/files/{job.upload.id.hex}", "/docs"),
    ):
        headers = {**GZIP, "accept": "text/html"}
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200 and not answer.has_header("Content-Encoding"), path
        assert "Accept-Encoding" not in answer.get("Vary", ""), path
    part: Any = client.get(
        f"/uploads/files/{job.upload.id.hex}", headers={**GZIP, "range": "bytes=1-3"}
    )
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"ell")
    document = client.get("/openapi.json", headers=GZIP)
    head = client.head("/openapi.json", headers=GZIP)
    assert document["Content-Encoding"] == head["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(document.content))["openapi"].startswith("3.1")


def test_who_takes_gzip() -> None:
    for said in ("gzip", "GZIP, br", "*", "gzip;q=0.1", "br;q=1, gzip ; q=0.5", "*;q=0, gzip"):
        assert takes_gzip(said), said
    for said in ("", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*, gzip;q=0", "xgzip", ";;,="):
        assert not takes_gzip(said), said
