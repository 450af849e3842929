"""Tasks are deleted in every state (contract, sections 6 and 15.8), over HTTP."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import requests

from tests.running import Site, wait_for
from tests.speech import recordings

from .kept import MAKE
from .task_requests import get, listed


def delete(site: Site, identifier: str) -> requests.Response:
    return site.http.delete(f"{site.url}/task/{identifier}/delete", timeout=30)


def test_delete_ended_tasks(site: Site) -> None:
    made: dict[str, str] = json.loads(site.shell(MAKE))
    for identifier in made.values():
        answer = delete(site, identifier)
        assert (answer.status_code, answer.json()) == (
            200,
            {"identifier": identifier, "message": "Task deleted"},
        )
        for again in (delete(site, identifier), get(site, f"/task/{identifier}")):
            assert (again.status_code, again.json()["error"]["code"]) == (404, "TASK_NOT_FOUND")
    assert not {row["identifier"] for row in listed(site)["tasks"]} & set(made.values())


def test_delete_working_and_waiting_tasks(site: Site, tmp_path: Path) -> None:
    """Section 15.8: first queued, then processing; both can go, and the next one is served."""
    long = recordings.write(tmp_path / "long.wav", recordings.long_speech(200))
    short = recordings.write(tmp_path / "short.wav", recordings.speech())
    working, waiting, last = (str(uuid.uuid4()) for _ in range(3))
    for identifier, path in ((working, long), (waiting, long), (last, short)):
        site.upload(path, chunk=1 << 24, taskId=identifier)
    wait_for(lambda: site.task(working)["status"] == "processing", 30)
    assert site.task(working)["metadata"]["start_time"]
    assert site.task(waiting)["status"] == "queued"
    assert site.task(waiting)["metadata"]["start_time"] is None
    progress = get(site, f"/tasks/{waiting}/progress").json()
    assert (progress["stage"], progress["percentage"]) == ("queued", 0)
    queued = listed(site, status="queued")["tasks"]
    assert {waiting, last} <= {row["identifier"] for row in queued}
    assert {row["status"] for row in queued} == {"queued"}
    for identifier in (waiting, working):
        assert delete(site, identifier).status_code == 200
        assert get(site, f"/tasks/{identifier}/progress").status_code == 404
    assert site.wait_for_task(last)["status"] == "completed"
