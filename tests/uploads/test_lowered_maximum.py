"""UPLOADS_MAX_SIZE was lowered: what was accepted before goes on, and others hear the maximum."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.running import Site
from tests.uploads.conftest import ROOT, content, created, head, patch, patching
from tests.uploads.test_concatenation import PARTIAL, final
from tests.uploads.wire import TUS, Answer, Wire, ask

DEFERRED = {**TUS, "Upload-Defer-Length": "1"}


def says_the_maximum(answer: Answer) -> bool:
    told = answer.headers["Tus-Max-Size"] == "500000" and b"at most 500000 bytes" in answer.body
    return answer.status == 413 and told


@pytest.mark.proof
def test_a_lowered_maximum(new_site: Callable[..., Site]) -> None:
    site = new_site(UPLOADS_ACCEPT="any", UPLOADS_MAX_SIZE="1000000").start()
    announced = created(site, 800_000)
    long, short = (str(ask(site, "POST", ROOT, DEFERRED).headers["Location"]) for _ in range(2))
    assert patch(site, long, 0, bytes(600_000)).status == 204
    parts = [created(site, 400_000, **PARTIAL) for _ in range(2)]
    whole = final(site, parts).headers["Location"]
    site.stop()
    site.environment["UPLOADS_MAX_SIZE"] = "500000"
    site.start()
    assert ask(site, "POST", ROOT, {**TUS, "Upload-Length": "500001"}).status == 413
    # What was accepted.
    assert patch(site, announced, 0, bytes(800_000)).status == 204
    for path in parts:
        assert patch(site, path, 0, bytes(400_000)).status == 204
    assert head(site, whole).offset == 800_000
    # What was not.
    assert says_the_maximum(patch(site, long, 600_000, b"x"))
    assert says_the_maximum(patch(site, short, 0, bytes(500_001)))
    assert says_the_maximum(patch(site, short, 0, b"", **{"Upload-Length": "500001"}))
    with Wire(site) as wire:
        wire.head("PATCH", short, patching(0, None))
        wire.chunk(bytes(300_000))
        wire.chunk(bytes(300_000))
        assert says_the_maximum(wire.answer())
    assert head(site, short).offset == 0
    # What is held stays, also where it is more than would be accepted now.
    assert patch(site, long, 600_000, b"", **{"Upload-Length": "600000"}).status == 204
    assert content(site, long) == bytes(600_000)
