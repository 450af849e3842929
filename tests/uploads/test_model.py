"""Random sequences of requests at one upload, beside a model of what must be held."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.running import Site
from tests.uploads.conftest import ROOT
from tests.uploads.wire import DATA, TUS, Answer, Wire

LENGTH = 4000
data = st.binary(min_size=0, max_size=1500)


class OneUpload(RuleBasedStateMachine):
    """The model: the bytes held, and whether the upload still lives."""

    site: Site

    def __init__(self) -> None:
        super().__init__()
        self.held = b""
        self.gone = False
        self.path = ""
        self.wire = Wire(self.site)

    def teardown(self) -> None:
        self.wire.__exit__()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """One request on the connection that the machine keeps while the server does."""
        self.wire.head(method, path, {**headers, "Content-Length": str(len(body))})
        self.wire.send(body)
        answer = self.wire.answer(method)
        if answer.closes:
            self.wire.__exit__()
            self.wire = Wire(self.site)
        return answer

    @initialize(first=data, with_body=st.booleans(), chunked=st.booleans())
    def create(self, first: bytes, with_body: bool, chunked: bool) -> None:
        headers = {**DATA, "Upload-Length": str(LENGTH)}
        if not with_body:
            answer = self.ask("POST", ROOT, headers)
        else:
            answer = self.send("POST", ROOT, headers, first, chunked)
            self.held = first
        assert answer.status == 201
        if with_body and first:
            assert answer.offset == len(first)
        self.path = answer.headers["Location"]

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes, chunked: bool
    ) -> Answer:
        if not chunked:
            return self.ask(method, path, headers, body)
        with Wire(self.site) as wire:
            wire.head(method, path, {**headers, "Transfer-Encoding": "chunked"})
            for at in range(0, len(body), 700):
                wire.chunk(body[at : at + 700])
            wire.chunk(b"")
            return wire.answer()

    @rule(
        piece=data,
        shift=st.sampled_from([0, 0, 0, 0, 0, 1, -1, 700]),
        chunked=st.booleans(),
        override=st.booleans(),
    )
    def patch(self, piece: bytes, shift: int, chunked: bool, override: bool) -> None:
        offset = max(0, len(self.held) + shift)
        headers = {**DATA, "Upload-Offset": str(offset)}
        if override:
            headers["X-HTTP-Method-Override"] = "PATCH"
        method = "POST" if override else "PATCH"
        answer = self.send(method, self.path, headers, piece, chunked)
        if self.gone:
            assert answer.status == 404
        elif offset != len(self.held):
            assert answer.status == 409
        elif offset + len(piece) > LENGTH:
            assert answer.status == 413
        else:
            self.held += piece
            assert (answer.status, answer.offset) == (204, len(self.held))

    @precondition(lambda self: not self.gone and len(self.held) < LENGTH)
    @rule(piece=data, chunked=st.booleans())
    def patch_cut_off(self, piece: bytes, chunked: bool) -> None:
        """Announced in full, sent in part: what arrived counts, if it fits."""
        piece = piece[: LENGTH - len(self.held)]
        how = {"Transfer-Encoding": "chunked"}
        if not chunked:
            how = {"Content-Length": str(LENGTH - len(self.held))}
        with Wire(self.site) as wire:
            wire.head("PATCH", self.path, {**DATA, "Upload-Offset": str(len(self.held)), **how})
            if chunked and piece:
                wire.send(b"%x\r\n" % LENGTH + piece)
            else:
                wire.send(piece)
            wire.finish_sending()
            answer = wire.answer()
        self.held += piece
        assert (answer.status, answer.offset) == (204, len(self.held))

    @rule(content_type=st.sampled_from(["text/plain", "application/octet-stream"]), piece=data)
    def patch_of_another_type(self, content_type: str, piece: bytes) -> None:
        headers = {**DATA, "Upload-Offset": str(len(self.held)), "Content-Type": content_type}
        assert self.send("PATCH", self.path, headers, piece, False).status == 415

    @rule(start=st.integers(0, LENGTH), last=st.integers(0, LENGTH))
    def get(self, start: int, last: int) -> None:
        answer = self.ask("GET", self.path, {"Range": f"bytes={start}-{last}"})
        if self.gone or len(self.held) < LENGTH:
            assert answer.status == 404
        elif last < start:
            assert (answer.status, answer.body) == (200, self.held)
        elif start >= LENGTH:
            assert answer.status == 416
        else:
            assert (answer.status, answer.body) == (206, self.held[start : last + 1])

    @precondition(lambda self: len(self.held) > 3000)
    @rule()
    def delete(self) -> None:
        answer = self.ask("DELETE", self.path, TUS)
        assert answer.status == (404 if self.gone else 204)
        self.gone = True

    @invariant()
    def head_tells_what_is_held(self) -> None:
        if not self.path:
            return
        answer = self.ask("HEAD", self.path, TUS)
        if self.gone:
            assert answer.status == 404
        else:
            assert (answer.status, answer.offset) == (200, len(self.held))


@pytest.mark.proof
def test_one_upload_is_what_the_model_says(plain_site: Site) -> None:
    machine = type("Here", (OneUpload,), {"site": plain_site})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=16,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
