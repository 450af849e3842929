"""Whatever the OpenAPI document allows, and much that it does not, is answered as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.running import Site
from tests.speech import recordings

from .test_openapi import PARTS, TAGS

pytestmark = pytest.mark.proof

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_headers_conformance, response_schema_conformance),
]
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
NOWHERE = "http://127.0.0.1:9/hook.wav"  # nobody listens there, and the guard does not go there
DOCUMENTS = {
    "transcript": b'{"segments": [{"start": 0, "end": 1, "text": "go"}], "language": "en"}',
    "aligned_transcript": b'{"segments": [], "word_segments": []}',
    "diarization_result": b"[]",
}


@pytest.fixture(scope="module")
def described(site: Site) -> Any:
    """The document of the running site; no case asks for the names of foreign hosts."""
    document = schemathesis.openapi.from_url(f"{site.url}/openapi.json", headers=site.authorization)

    @document.hook
    def map_query(context: Any, query: Any) -> Any:
        return without_hosts(query, "callback_url")

    @document.hook
    def map_body(context: Any, body: Any) -> Any:
        return without_hosts(body, "url")

    return document


def without_hosts(values: Any, name: str) -> Any:
    """The values; an address of another machine is replaced by one of this."""
    if isinstance(values, dict) and isinstance(values.get(name), str):
        try:
            elsewhere = bool(urlsplit(values[name]).netloc)
        except ValueError:
            elsewhere = False
        if elsewhere:
            values[name] = NOWHERE
    return values


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """A recording that no engine needs long for."""
    path: Path = tmp_path_factory.mktemp("short") / "short.wav"
    yield recordings.write(path, recordings.silence(0.2)).read_bytes()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("path", TAGS)
def test_every_operation(site: Site, described: Any, path: str, mode: GenerationMode) -> None:
    def ask(case: schemathesis.Case[Any]) -> None:
        case.validate_response(
            case.call(base_url=site.url, headers=site.authorization), checks=CHECKS
        )

    for method in described[path]:
        for_each_case(described[path][method], mode, ask)


@pytest.mark.parametrize("path", [*PARTS, "/upload/stream"])
def test_real_files_with_any_options(
    site: Site, described: Any, recording: bytes, path: str
) -> None:
    """Files that random bytes never become, with whatever the query says."""
    files = {
        name: (f"{name}.json", DOCUMENTS[name]) if name in DOCUMENTS else ("a.wav", recording)
        for name in PARTS.get(path, {"file"})
    }
    statuses = set()

    def ask(case: schemathesis.Case[Any]) -> None:
        answer = site.http.post(site.url + path, params=case.query, files=files, timeout=30)
        case.validate_response(answer, checks=CHECKS)
        lacking = {400} if (case.query or {}).get("audio_track") else set()  # it has but one
        assert answer.status_code in {200, 422} | lacking
        statuses.add(answer.status_code)

    for_each_case(described[path]["POST"], GenerationMode.POSITIVE, ask, 5)
    assert 200 in statuses


def for_each_case(
    operation: Any, mode: GenerationMode, ask: Callable[[Any], None], count: int = 8
) -> None:
    """Ask what can be asked of an operation; some take nothing that could be wrong."""

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case[Any]) -> None:
        ask(case)

    try:
        asked()
    except Unsatisfiable:
        assert mode == GenerationMode.NEGATIVE
