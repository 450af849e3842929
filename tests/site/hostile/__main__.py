"""Sends shapes of requests that try to block a site, each again and again, two at a time.

`python -m tests.site.hostile PORT KEY SECONDS SHAPE...` prints how often which answer came.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from tests.site.hostile.shapes import SHAPES
from tests.site.hostile.source import source
from tests.site.hostile.target import Target


def keep_sending(target: Target, shape: str, seconds: float) -> dict[str, int]:
    """Sends a shape, two at a time, for this long; counts the responses by status."""
    until = time.monotonic() + seconds
    said: dict[str, int] = {}

    def send() -> None:
        while True:
            answer = SHAPES[shape](target)
            said[answer] = said.get(answer, 0) + 1
            if time.monotonic() > until:
                return

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return said


if __name__ == "__main__":
    target = Target(int(sys.argv[1]), sys.argv[2])
    target.url = source()
    for shape in sys.argv[4:]:
        print(json.dumps({shape: keep_sending(target, shape, float(sys.argv[3]))}), flush=True)
