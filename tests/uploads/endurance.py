"""Clients that live through a fault, and know afterwards what must be held."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.running import Site, encode_metadata, wait_for
from tests.uploads.conftest import ROOT
from tests.uploads.outages import Outage
from tests.uploads.wire import DATA, TUS, Answer, Wire

PATIENCE = 60.0  # seconds for an answer
STREAMS = frozenset(("stream", "checked stream"))
WRITES = frozenset(("first patch", "patch", "last patch", "checked patch", "post with bytes"))
WRITES |= {"concatenation"}
EVERYTHING = STREAMS | WRITES | {"post", "head", "get", "delete"}


@dataclass(eq=False)
class Kept:
    """One upload as its client knows it.

    Attributes:
        data: What it shall hold in the end.
        path: Its address; empty: the server has not told it.
        acknowledged: The last offset that an answer told.
        reached: How many bytes the server may have got.
        unwanted: Whether DELETE was asked for.
        ended: Whether it was answered.
    """

    data: bytes
    name: str = field(default_factory=lambda: f"{uuid.uuid4().hex}.mp3")
    path: str = ""
    acknowledged: int = 0
    reached: int = 0
    unwanted: bool = False
    ended: bool = False

    def tell(self, offset: int) -> None:
        """An answer told this offset: not less than before, and not more than was sent."""
        assert self.acknowledged <= offset <= self.reached, (
            f"{self.acknowledged} bytes were acknowledged, {self.reached} sent, {offset} are told"
        )
        self.acknowledged = offset

    def patching(self, until: int, checked: bool = False) -> dict[str, str]:
        """The headers of a PATCH from where it stands."""
        piece = self.data[self.acknowledged : until]
        headers = {"Upload-Offset": str(self.acknowledged), "Content-Length": str(len(piece))}
        if checked:
            digest = base64.b64encode(hashlib.sha256(piece).digest()).decode()
            headers["Upload-Checksum"] = f"sha256 {digest}"
        return {**DATA, **headers}


class Household:
    """The clients of one site, through one fault after the other.

    Args:
        site: Takes any file (UPLOADS_ACCEPT=any), and makes jobs of recordings.
        store: The directory of its files, as we see it.
        size: Of the uploads, in bytes.
        seed: Of their contents and of the moments of faults.
    """

    def __init__(self, site: Site, store: Callable[[], Path], size: int, seed: int = 0) -> None:
        self.site = site
        self.store = store
        self.size = size
        self.chance = random.Random(seed)
        self.faults = 0
        self.statuses: list[int] = []
        self.completed = 0
        self.compared = 0

    def summary(self) -> str:
        refused = sum(status >= 500 for status in self.statuses)
        return (
            f"{self.faults} faults, {len(self.statuses)} requests, {refused} of them refused with "
            f"Retry-After, {self.completed} uploads completed, once each, {self.compared} bytes "
            "compared, 0 bytes lost"
        )

    # requests ------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        with Wire(self.site, timeout=PATIENCE) as wire:
            wire.head(method, path, headers)
            wire.send(body)
            answer = wire.answer(method)
        self.statuses.append(answer.status)
        return answer

    def content(self, size: int) -> bytes:
        """Looks like a recording, so that what is finished becomes a job."""
        return b"ID3\x04" + self.chance.randbytes(size - 4)

    def post(self, kept: Kept, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        headers = headers or {}
        fields = {"Upload-Metadata": encode_metadata({"filename": kept.name}), **TUS, **headers}
        final = headers.get("Upload-Concat", "").startswith("final")
        if not final:
            fields["Upload-Length"] = str(len(kept.data))
        answer = self.ask("POST", ROOT, fields, body)
        if answer.status == 201:
            kept.path = str(answer.headers["Location"])
            kept.reached = len(kept.data) if body or final else 0
            kept.tell(int(answer.headers["Upload-Offset"] or 0))
        return answer

    def patch(self, kept: Kept, until: int, checked: bool = False) -> Answer:
        headers = kept.patching(until, checked)
        kept.reached = max(kept.reached, until)
        piece = kept.data[kept.acknowledged : until]
        answer = self.ask("PATCH", kept.path, headers, piece)
        if answer.status == 204:
            assert answer.offset == until
            kept.tell(until)
        return answer

    def head(self, kept: Kept) -> Answer:
        answer = self.ask("HEAD", kept.path, TUS)
        if answer.status == 200:
            kept.tell(answer.offset)
        return answer

    def delete(self, kept: Kept) -> Answer:
        kept.unwanted = True
        answer = self.ask("DELETE", kept.path, TUS)
        kept.ended = answer.status == 204
        return answer

    def grown(self, share: float, size: int = 0, **headers: str) -> Kept:
        """An upload that holds such a share of its bytes, while all is well."""
        kept = Kept(self.content(size or self.size))
        assert self.post(kept, headers).status == 201
        if share:
            assert self.patch(kept, int(share * len(kept.data))).status == 204
        return kept

    def begin(self, kept: Kept, checked: bool) -> Wire:
        """Send some of a body, and know that the server has it."""
        wire = Wire(self.site, timeout=PATIENCE)
        wire.head("PATCH", kept.path, kept.patching(len(kept.data), checked))
        half = (kept.acknowledged + len(kept.data)) // 2
        kept.reached = self.chance.randint(half, half + self.size // 10)
        wire.send(kept.data[kept.acknowledged : kept.reached])
        digits = kept.path.rpartition("/")[2]
        file = self.store() / digits[:2] / digits
        wait_for(lambda: file.stat().st_size == kept.reached, 10, 0.01, "the bytes sent")
        return wire

    def end(self, kept: Kept, wire: Wire) -> Answer:
        """Send the rest, into the fault."""
        with wire:
            begun, kept.reached = kept.reached, len(kept.data)
            wire.send(kept.data[begun:])
            answer = wire.answer("PATCH")
        self.statuses.append(answer.status)
        if answer.status == 204:
            kept.tell(answer.offset)
        return answer

    # a fault -------------------------------------------------------------------------------------

    def live_through(
        self, outage: Outage, refused: frozenset[str], full: bool = False, cut: bool = False
    ) -> None:
        """Send every kind of request into a fault, and look at everything when it is over.

        Args:
            outage: Begins and ends it.
            refused: The kinds of requests that it concerns; all others must be answered as ever.
            full: Whether 507 may be said.
            cut: Whether it ends requests that are at work; else they go on into it.
        """
        uploads = {
            "stream": self.grown(0),
            "checked stream": self.grown(0.3),
            "first patch": self.grown(0),
            "patch": self.grown(0.5),
            "last patch": self.grown(0.7),
            "checked patch": self.grown(0.5),
            "head": self.grown(0.5),
            "get": self.grown(1),
            "delete": self.grown(0.5, 20_000),  # so little that the others do not gain by it
        }
        parts = [self.grown(1, self.size // 2, **{"Upload-Concat": "partial"}) for _ in range(2)]
        uploads["post"] = Kept(self.content(self.size))
        uploads["post with bytes"] = Kept(self.content(self.size))
        uploads["concatenation"] = Kept(b"".join(part.data for part in parts))
        wires = {kind: self.begin(uploads[kind], "checked" in kind) for kind in sorted(STREAMS)}

        def send(kind: str) -> Answer:
            kept = uploads[kind]
            if kind in wires:
                return self.end(kept, wires[kind])
            if kind == "post with bytes":
                headers = {**DATA, "Content-Length": str(self.size)}
                return self.post(kept, headers, kept.data)
            if kind == "concatenation":
                together = " ".join(part.path for part in parts)
                return self.post(kept, {"Upload-Concat": f"final;{together}"})
            if kind.endswith("patch"):
                until = self.size - 100 * (kind != "last patch")
                return self.patch(kept, until, checked="checked" in kind)
            if kind == "get":
                return self.ask("GET", kept.path, {})
            return {"post": self.post, "head": self.head, "delete": self.delete}[kind](kept)

        kinds = sorted(EVERYTHING - STREAMS if cut else EVERYTHING)
        with outage():
            self.faults += 1
            with ThreadPoolExecutor(len(kinds)) as pool:
                answers = dict(zip(kinds, pool.map(send, kinds), strict=True))
            for kind, answer in answers.items():
                if answer.status >= 300:
                    self.judge(kind, answer, full)
            met = {kind for kind, answer in answers.items() if answer.status >= 300}
            # What is taken back of a refused request may be room enough for another one.
            enough = len(met) > len(refused) / 2 if full else met == refused
            assert met <= refused and enough, (met - refused, refused - met)
        if cut:
            for wire in wires.values():
                wire.__exit__()
        for kind, kept in uploads.items():
            assert kept.path or kind in refused
        self.recover([kept for kept in uploads.values() if kept.path])
        assert not self.jobs({kept.name for kept in uploads.values() if not kept.path})

    def judge(self, kind: str, answer: Answer, full: bool) -> None:
        """A refusal is clear, and says that it is for a while."""
        assert answer.status in ((503, 507) if full else (503,)), (kind, answer)
        assert int(answer.headers["Retry-After"]) >= 1, kind
        assert answer.headers["Tus-Resumable"] == "1.0.0", kind
        assert kind == "head" or json.loads(answer.body)["detail"], kind

    # afterwards ----------------------------------------------------------------------------------

    def jobs(self, names: set[str]) -> list[str]:
        """The names of the files among these that have a job, as often as they have one."""
        tasks = self.site.http.get(f"{self.site.url}/task/all", timeout=30).json()["tasks"]
        return sorted(task["file_name"] for task in tasks if task["file_name"] in names)

    def recover(self, uploads: list[Kept]) -> None:
        """HEAD tells the truth at once, and every upload is completed, once."""
        for kept in uploads:
            deadline = time.monotonic() + 15  # a database that comes back is not found at once
            while (answer := self.head(kept)).status == 503 and time.monotonic() < deadline:
                time.sleep(int(answer.headers["Retry-After"]) / 10)
            if answer.status == 410 and kept.unwanted and not kept.ended:
                # A full disk took no word of its end: its bytes went to make room for one.
                assert self.delete(kept).status == 204
                answer = self.head(kept)
            assert answer.status == (404 if kept.ended else 200), answer
        living = [kept for kept in uploads if not kept.ended]
        for kept in living:
            if kept.acknowledged < len(kept.data):
                answer = self.patch(kept, len(kept.data))
                assert answer.status == 204, answer
            answer = self.head(kept)
            assert answer.offset == len(kept.data) and answer.headers["X-Task-Id"]
            whole = self.ask("GET", kept.path, {})
            assert whole.status == 200 and whole.body == kept.data, (
                f"{kept.path}: {whole.status}, {len(whole.body)} of {len(kept.data)} bytes, "
                f"{len(os.path.commonprefix([whole.body, kept.data]))} of them right"
            )
            self.compared += len(kept.data)
        assert self.jobs({kept.name for kept in uploads}) == sorted(kept.name for kept in living)
        self.completed += len(living)
        for kept in living:
            assert self.delete(kept).status == 204
