"""What is measured: modes, their cases, and how large they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MIB = 1 << 20
GIB = 1 << 30
MODES = ("bulk", "big", "small", "head", "slow")
# A second's work is soon disturbed: what takes part of a virtual machine's memory away for a moment
# made one upload of a GiB cost three times the next.
IN_A_ROW = 5
NAMES = ("limit", "ours", "tus-node", "tuspyserver")


@dataclass(frozen=True)
class Scale:
    """How much is sent, in bytes, and how long requests go on, in seconds."""

    bulk: int = GIB
    big: int = 5 * GIB
    seconds: float = 5
    warm_up: float = 1
    settle: float = 20
    clients: int = 1000
    drip_seconds: float = 15
    fast: int = 256 * MIB
    fast_chunk: int = 8 * MIB


FULL = Scale()
QUICK = Scale(bulk=256 * MIB, big=GIB, seconds=1, warm_up=0, settle=0, clients=200, drip_seconds=5)


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    Attributes:
        name: Its key in tables and raw data.
        mode: The mode it belongs to.
        kind: The load (`bench.load`), or `crowd` for the one that takes two loads.
        load: The load's specification, without target and source.
        warm_up: Changes to it for the unmeasured run before.
        with_limit: Whether the machine's limit can be compared.
        in_a_row: How often it is measured in each round, at once one after the other.
    """

    name: str
    mode: str
    kind: str
    load: dict[str, Any]
    warm_up: dict[str, Any] = field(default_factory=dict)
    with_limit: bool = False
    in_a_row: int = 1

    @property
    def total(self) -> int:
        """Bytes that one run of a long case moves."""
        load = self.load
        return int(load["size"] * load.get("parallel", 1) * load.get("repeat", 1))


def cases(scale: Scale, modes: list[str]) -> list[Case]:
    """The cases of the modes that were asked for."""
    return [case for case in (*long_ones(scale), *short_ones(scale)) if case.mode in modes]


def long_ones(scale: Scale) -> Iterator[Case]:
    """Those that move many bytes."""
    warm = {"size": 16 * MIB, "chunk": 16 * MIB, "parallel": 4, "repeat": 1, "timed_end": False}
    chunks = {"one-patch": scale.bulk, "50-mib": 50 * MIB, "5-mib": 5 * MIB}
    for name, chunk in chunks.items():
        sent = {"size": scale.bulk, "chunk": chunk}
        yield Case(f"bulk-{name}", "bulk", "bulk", sent, warm, True, IN_A_ROW)
    quarter = scale.bulk // 4
    at_once = {"size": quarter, "chunk": quarter, "parallel": 4}
    yield Case("bulk-4-at-once", "bulk", "bulk", at_once, warm, True, IN_A_ROW)
    short = {"size": MIB, "chunk": MIB, "timed_end": True, "repeat": 5}
    yield Case("end-1-mib", "big", "bulk", short, warm, True)
    long = {"size": scale.big, "chunk": scale.big, "timed_end": True}
    yield Case("end-big", "big", "bulk", long, warm, True)


def short_ones(scale: Scale) -> Iterator[Case]:
    """Those of many requests."""
    warm = {"seconds": scale.warm_up} if scale.warm_up else {}
    for work in ("post-patch", "with-upload"):
        for connections in (1, 16):
            load = {"work": work, "connections": connections, "seconds": scale.seconds}
            yield Case(f"{work}-{connections}", "small", "small", load, warm)
    head = {"work": "head", "connections": 16, "seconds": scale.seconds}
    yield Case("head-16", "head", "small", head, warm)
    drip = {
        "clients": scale.clients,
        "seconds": scale.drip_seconds,
        "piece": 1024,
        "every": 0.1,
        "ramp": 1.0,
        "slack": 3.0,
        "patience": 45.0,
        "fast": {"size": scale.fast, "chunk": scale.fast_chunk},
    }
    yield Case("slow", "slow", "crowd", drip)


def groups(chosen: list[Case]) -> list[list[Case]]:
    """Cases that one start of a server serves: long ones, huge ones, short ones, the crowd."""
    by_start: dict[str, list[Case]] = {}
    for case in chosen:
        start = "small" if case.mode == "head" else case.mode
        by_start.setdefault(start, []).append(case)
    return list(by_start.values())
