"""The pipe that all requests of a worker share: no upload gets another one's bytes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gevent
import pytest
from gevent import socket

from uploads.stores.pipe import Pipe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has splice")


def test_what_a_refused_request_leaves_behind_is_nobody_elses(tmp_path: Path) -> None:
    """One waits for its client; meanwhile another has its bytes in the pipe, and may not write."""
    pipe = Pipe()
    ours, client = socket.socketpair()
    others, other_client = socket.socketpair()
    waiting = gevent.spawn(pipe.fill, ours, 1000, 10)
    gevent.sleep(0)
    other_client.sendall(b"refused, for the disk is full")
    assert pipe.fill(others, 1000, 10) > 0
    client.sendall(b"ours")
    assert waiting.get(timeout=10) == 4
    with (tmp_path / "file").open("wb") as file:
        while len(pipe):
            pipe.pour(file.fileno(), os.fstat(file.fileno()).st_size)
    assert (tmp_path / "file").read_bytes() == b"ours"
    for end in (ours, client, others, other_client):
        end.close()
    for descriptor in pipe.ends:
        os.close(descriptor)
