"""Clients on bad networks, and clients that err: what may happen on the way to an upload's end.

After every step the client asks where it stands. What it is told must lie between what was
acknowledged and what was sent, and every answer must be the one that the protocol has for it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable

from tests.uploads.client import Client, Step
from tests.uploads.conftest import head, patch, patching
from tests.uploads.wire import TUS, Answer, Wire, ask

# A part that begins anew is another part: who waits for the old one waits in vain.
LASTING = "plain stall cut_fin cut_rst lost_answer roam duplicate head_within wrong_offset".split()
LASTING += "empty right_checksum wrong_checksum cut_checksum trailer wrong_trailer beyond".split()
KINDS = [*LASTING, "delete"]


class Person(Client):
    """A client to whom all of this happens."""

    # what goes well -------------------------------------------------------------------------

    def plain(self, step: Step, **headers: str) -> None:
        """A PATCH, in two pieces, with or without an announced length."""
        piece = self.piece(step)
        with Wire(self.site) as wire:
            count = self.begin(wire, piece, step, 0, **headers)
            time.sleep(step.pause if step.kind == "stall" else 0)
            self.accepted(self.end(wire, piece, step, count), len(piece))

    stall = plain

    def empty(self, step: Step) -> None:
        self.accepted(patch(self.site, self.path, self.offset), 0)

    def right_checksum(self, step: Step) -> None:
        self.plain(step, **{"Upload-Checksum": checksum(self.piece(step))})

    def trailer(self, step: Step, right: bool = True) -> Answer:
        """A checksum behind the body."""
        piece = self.piece(step)
        with Wire(self.site) as wire:
            wire.head("PATCH", self.path, patching(self.offset, None, Trailer="Upload-Checksum"))
            if piece:
                wire.chunk(piece)
            expected = checksum(piece if right else piece + b"!")
            wire.send(f"0\r\nUpload-Checksum: {expected}\r\n\r\n".encode())
            answer = wire.answer()
        if right:
            self.accepted(answer, len(piece))
        return answer

    # what goes wrong on the way -------------------------------------------------------------

    def cut_fin(self, step: Step, **headers: str) -> None:
        """The connection ends midway, and the client still hears what was kept."""
        piece = self.piece(step)
        if self.offset + len(piece) == self.length:
            return  # there is no more to announce
        with Wire(self.site) as wire:
            count = self.begin(wire, piece, step, 1, **headers)
            wire.finish_sending()
            self.accepted(wire.answer(), 0 if headers else count)

    def cut_checksum(self, step: Step) -> None:
        """Cut off before anybody could say whether the bytes were right: none count."""
        self.cut_fin(step, **{"Upload-Checksum": checksum(b"whatever")})

    def cut_rst(self, step: Step) -> None:
        """The client is gone without a word, and comes back on another connection."""
        wire = Wire(self.site)
        count = self.begin(wire, self.piece(step), step)
        time.sleep(step.pause)
        wire.reset()
        self.come_back(count)

    def lost_answer(self, step: Step) -> None:
        """All bytes went, and the answer never came."""
        piece = self.piece(step)
        wire = Wire(self.site)
        wire.head("PATCH", self.path, patching(self.offset, len(piece)))
        wire.send(piece)
        time.sleep(step.pause)
        wire.reset()
        self.come_back(len(piece))

    def come_back(self, most: int) -> None:
        """Go on after a request without an answer, which may even reach the server later than
        what follows: it is newer then, and wins. Once a byte more is held, it is too late for it.

        Args:
            most: How many bytes it may have brought.
        """
        before = self.offset
        self.look(before, before + most)
        while self.offset == before < self.length:
            answer = patch(self.site, self.path, before, self.data[before : before + 1])
            assert answer.status in (204, 409)
            self.look(before, before + max(1, most))

    def roam(self, step: Step) -> None:
        """A new connection goes on while the old one still lives: it hears 409."""
        piece = self.piece(step)
        with Wire(self.site) as old:
            count = self.begin(old, piece, step)
            time.sleep(step.pause)
            before = self.offset
            self.look(before, before + count)
            fenced = self.offset > before  # else the old request may be the one that comes last
            new = self.data[self.offset : before + len(piece)]
            answers = [patch(self.site, self.path, self.offset, new)]
            answers.append(self.end(old, piece, step, count))
            statuses = [answer.status for answer in answers]
            if new and fenced:
                # With nothing left to send, the old one has nothing that could be refused.
                assert statuses == [204, 409] or (count == len(piece) and statuses == [204, 204])
            assert set(statuses) <= {204, 409}
            self.look(before, before + len(piece))

    def head_within(self, step: Step) -> None:
        """HEAD ends the right of the request that is at work."""
        piece = self.piece(step)
        with Wire(self.site) as wire:
            count = self.begin(wire, piece, step)
            time.sleep(step.pause)
            before = self.offset
            self.look(before, before + count)
            # Told that bytes came, it had a writer to end; else it may have been there first.
            fenced = self.offset > before
            status = self.end(wire, piece, step, count).status
            # With nothing left to send, the writer has nothing that could be refused.
            assert status == 409 or (status == 204 and not (fenced and count < len(piece)))
            self.look(before, before + len(piece))

    def duplicate(self, step: Step) -> None:
        """The same PATCH twice at once: one of them is right."""
        piece = self.piece(step)
        if not piece:
            return
        answers: list[Answer] = []

        def send() -> None:
            answers.append(patch(self.site, self.path, self.offset, piece))

        at_once(send, send)
        assert sorted(answer.status for answer in answers) == [204, 409]
        self.accepted(next(answer for answer in answers if answer.status == 204), len(piece))

    # what is wrong with the request ---------------------------------------------------------

    def wrong_offset(self, step: Step) -> None:
        elsewhere = self.offset + 1 + round(step.share * 1000)
        assert patch(self.site, self.path, elsewhere, b"x").status == 409

    def wrong_checksum(self, step: Step) -> None:
        piece = self.piece(step)
        headers = {"Upload-Checksum": checksum(piece + b"!")}
        assert patch(self.site, self.path, self.offset, piece, **headers).status == 460

    def wrong_trailer(self, step: Step) -> None:
        assert self.trailer(step, right=False).status == 460

    def beyond(self, step: Step) -> None:
        if not self.defers:
            more = b"x" * (self.length - self.offset + 1)
            assert patch(self.site, self.path, self.offset, more).status == 413

    def delete(self, step: Step) -> None:
        """The client gives up, and starts anew; but never what is finished."""
        if self.offset == self.length:
            return
        assert ask(self.site, "DELETE", self.path, TUS).status == 204
        assert head(self.site, self.path).status == 404
        self.create()


def checksum(data: bytes) -> str:
    return f"sha1 {base64.b64encode(hashlib.sha1(data).digest()).decode()}"


def at_once(*tasks: Callable[[], object]) -> None:
    """Run them in threads of their own; the first fault is raised here."""
    faults: list[BaseException] = []

    def run(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as fault:  # noqa: BLE001 - raised below
            faults.append(fault)

    threads = [threading.Thread(target=run, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
