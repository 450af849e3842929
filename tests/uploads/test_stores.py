"""One contract for every store, and the proof that fencing never mixes or loses bytes."""

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from uploads.stores.base import Missing, OffsetMismatch, Store, Writer, WriterSuperseded
from uploads.stores.disk import DiskStore

# A new store is one more line here.
STORES: dict[str, Callable[[Path], Store]] = {"disk": lambda path: DiskStore(str(path))}
NAME = "0123456789abcdef"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = STORES[request.param](tmp_path)
    made.identify("of a test")
    made.create(NAME)
    return made


def content(store: Store, name: str = NAME) -> bytes:
    with store.open(name) as file:
        return file.read()


def test_bytes_are_appended_at_the_offset(store: Store) -> None:
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abc")
    writing.write(memoryview(b"de"))
    assert (writing.offset, store.held(NAME)) == (5, 5)
    writing.end()
    assert content(store) == b"abcde" and store.fence_and_get_offset(NAME) == 5


def test_another_offset_is_refused_and_nobody_loses_a_right(store: Store) -> None:
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abc")
    for offset in (0, 2, 4, 99):
        with pytest.raises(OffsetMismatch) as refusal:
            store.acquire_writer(NAME, offset)
        assert refusal.value.held == 3
    writing.write(b"d")
    assert store.held(NAME) == 4


def test_the_newer_one_rules_at_once(store: Store) -> None:
    older = store.acquire_writer(NAME, 0)
    older.write(b"abc")
    newer = store.acquire_writer(NAME, 3)
    with pytest.raises(WriterSuperseded):
        older.write(b"XXX")
    newer.write(b"def")
    older.end()  # ends nobody else's right
    newer.write(b"g")
    assert content(store) == b"abcdefg"


def test_settling_ends_the_right_to_write(store: Store) -> None:
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abc")
    assert store.fence_and_get_offset(NAME) == 3
    with pytest.raises(WriterSuperseded):
        writing.write(b"d")
    assert store.fence_and_get_offset(NAME) == 3


def test_what_is_tentative_goes_unless_accepted(store: Store) -> None:
    store.acquire_writer(NAME, 0).write(b"abc")
    writing = store.acquire_writer(NAME, 3, tentative=True)
    writing.write(b"bad")
    assert store.held(NAME) == 3
    writing.end()
    assert content(store) == b"abc"

    forgotten = store.acquire_writer(NAME, 3, tentative=True)
    forgotten.write(b"never ended, as after a crash")
    assert store.held(NAME) == 3
    with pytest.raises(OffsetMismatch):
        store.acquire_writer(NAME, 32)
    writing = store.acquire_writer(NAME, 3, tentative=True)
    writing.write(b"good")
    writing.accept()
    writing.end()
    assert content(store) == b"abcgood"
    with pytest.raises(WriterSuperseded):
        forgotten.accept()
    forgotten.end()
    assert content(store) == b"abcgood"

    last = store.acquire_writer(NAME, 7, tentative=True)
    last.write(b"settled before it was accepted")
    assert store.fence_and_get_offset(NAME) == 7
    with pytest.raises(WriterSuperseded):
        last.accept()


def test_withdrawing_takes_back_ones_own_bytes_only(store: Store) -> None:
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abcdef")
    writing.withdraw(2)
    assert content(store) == b"ab"
    newer = store.acquire_writer(NAME, 2)
    newer.write(b"XYZ")
    writing.withdraw(0)
    assert content(store) == b"abXYZ"


def test_copying_appends_another_file(store: Store) -> None:
    store.create("source")
    data = os.urandom(9 * 1024 * 1024 + 17)
    store.acquire_writer("source", 0).write(data)
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"head")
    with store.open("source") as source:
        while writing.copy(source, len(data)):
            pass
    assert content(store) == b"head" + data


def test_removal_ends_everything(store: Store) -> None:
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abc")
    assert store.remove(NAME) == 3
    with pytest.raises(WriterSuperseded):
        writing.write(b"d")
    writing.end()
    assert store.remove(NAME) == 0
    for attempt in (store.held, store.fence_and_get_offset, store.open, store.path):
        with pytest.raises(Missing):
            attempt(NAME)
    with pytest.raises(Missing):
        store.acquire_writer(NAME, 0)
    assert list(store.entries()) == []


def test_a_removal_that_was_killed_has_ended_everything(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told of bytes that nobody can go on with; the removal can be made again."""
    writing = store.acquire_writer(NAME, 0)
    writing.write(b"abc")
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(os, "unlink", Mock(side_effect=KeyboardInterrupt))
        store.remove(NAME)
    for attempt in (store.held, store.fence_and_get_offset):
        with pytest.raises(Missing):
            attempt(NAME)
    with pytest.raises(Missing):
        store.acquire_writer(NAME, 3)
    assert store.remove(NAME) == 3
    assert list(store.entries()) == []


class Fencing(RuleBasedStateMachine):
    """Any interleaving of writers, settlers and crashes against a model that is a list of bytes."""

    @initialize()
    def start(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = DiskStore(self.folder.name)
        self.store.identify("of a test")
        self.store.create(NAME)
        self.counts = b""  # what is held and counts
        self.tentative = b""  # what the ruling writer has written on top, tentatively
        self.writers: list[Writer] = []
        self.ruling: Writer | None = None
        self.checks = False  # whether the ruling writer is tentative

    @rule(tentative=st.booleans())
    def acquire_writer(self, tentative: bool) -> None:
        self.tentative = b""
        writing = self.store.acquire_writer(NAME, len(self.counts), tentative)
        self.writers.append(writing)
        self.ruling, self.checks = writing, tentative

    @rule(distance=st.integers(-3, 3).filter(bool))
    def take_elsewhere(self, distance: int) -> None:
        offset = len(self.counts) + distance
        if offset < 0:
            return
        with pytest.raises(OffsetMismatch):
            self.store.acquire_writer(NAME, offset)

    @rule(which=st.integers(0, 9), data=st.binary(min_size=1, max_size=9))
    def write(self, which: int, data: bytes) -> None:
        if not self.writers:
            return
        writing = self.writers[which % len(self.writers)]
        if writing is not self.ruling:
            with pytest.raises(WriterSuperseded):
                writing.write(data)
            return
        writing.write(data)
        if self.checks:
            self.tentative += data
        else:
            self.counts += data

    @rule(which=st.integers(0, 9))
    def accept(self, which: int) -> None:
        if not self.writers:
            return
        writing = self.writers[which % len(self.writers)]
        if writing is not self.ruling:
            with pytest.raises(WriterSuperseded):
                writing.accept()
            return
        writing.accept()
        self.counts, self.tentative, self.checks = self.counts + self.tentative, b"", False

    @rule(which=st.integers(0, 9))
    def end(self, which: int) -> None:
        if not self.writers:
            return
        writing = self.writers.pop(which % len(self.writers))
        writing.end()
        if writing is self.ruling:
            self.ruling, self.tentative = None, b""

    @rule(which=st.integers(0, 9))
    def crash(self, which: int) -> None:
        """Its process dies: nothing is ended, the descriptors are closed."""
        if not self.writers:
            return
        writing = self.writers.pop(which % len(self.writers))
        os.close(writing.data)  # type: ignore[attr-defined]
        os.close(writing.fence)  # type: ignore[attr-defined]

    @rule()
    def fence_and_get_offset(self) -> None:
        assert self.store.fence_and_get_offset(NAME) == len(self.counts)
        self.ruling, self.tentative = None, b""

    @invariant()
    def what_counts_is_held(self) -> None:
        if not hasattr(self, "store"):
            return
        assert self.store.held(NAME) == len(self.counts)
        assert content(self.store)[: len(self.counts)] == self.counts

    def teardown(self) -> None:
        if hasattr(self, "store"):
            for writing in self.writers:
                writing.end()
            self.folder.cleanup()


TestFencing = pytest.mark.slow(Fencing.TestCase)
TestFencing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def _fight(folder: str, seed: int, size: int, seconds: float, results: object) -> None:
    """One process that takes the right again and again and writes the one right content."""
    store, chance = DiskStore(folder), random.Random(seed)
    took = lost = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and store.held(NAME) < size:
        offset = store.fence_and_get_offset(NAME) if chance.random() < 0.3 else store.held(NAME)
        tentative = chance.random() < 0.3
        try:
            writing = store.acquire_writer(NAME, offset, tentative)
        except OffsetMismatch:
            continue
        took += 1
        try:
            for _ in range(chance.randint(1, 8)):
                piece = expected(
                    writing.offset, min(chance.randint(1, 5000), size - writing.offset)
                )
                writing.write(piece)
            if tentative:
                writing.accept()
        except WriterSuperseded:
            lost += 1
        if chance.random() < 0.9:  # else it dies without a word
            writing.end()
    results.put((took, lost))  # type: ignore[attr-defined]


def expected(offset: int, count: int) -> bytes:
    """The bytes that belong there: every place in the file has its own."""
    first = offset // 8
    words = b"".join(number.to_bytes(8, "big") for number in range(first, first + count // 8 + 2))
    return words[offset - first * 8 : offset - first * 8 + count]


@pytest.mark.starts
def test_processes_that_fight_never_mix_bytes(tmp_path: Path) -> None:
    DiskStore(str(tmp_path)).identify("of a test")
    DiskStore(str(tmp_path)).create(NAME)
    size = 6_000_000
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    fighters = [
        context.Process(target=_fight, args=(str(tmp_path), seed, size, 20.0, results))
        for seed in range(4)
    ]
    for fighter in fighters:
        fighter.start()
    counts = [results.get(timeout=60) for _ in fighters]
    for fighter in fighters:
        fighter.join(30)
    held = DiskStore(str(tmp_path)).fence_and_get_offset(NAME)
    whole = content(DiskStore(str(tmp_path)))
    assert whole[:held] == expected(0, held)
    assert held == size, "they did not get there in time"
    assert sum(lost for _, lost in counts) > 0, "nobody ever took over: the test shows nothing"
    print(f"{sum(took for took, _ in counts)} took the right, {sum(n for _, n in counts)} lost it")
