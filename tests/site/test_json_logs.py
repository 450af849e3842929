"""LOG_FORMAT=json: each line of each process is an object, with the ids of what it is about."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.running import ROOT, Site, encode_metadata, wait_for
from tests.speech import recordings
from tests.uploads.wire import DATA, Wire
from uploads.services.activity import log_context
from whisperx_site.configuration.logs import JsonFormatter, LineFormatter

TOKEN = "a_secret-token" * 3
NAME = {"filename": "speech.wav"}
Line = dict[str, Any]


def written(message: str, *arguments: object, problem: Any = None, **extra: object) -> Line:
    """What a log call writes."""
    record = logging.LogRecord("uploads.views", logging.WARNING, "f", 1, message, arguments, None)
    if problem is not None:
        record.exc_info = (type(problem), problem, problem.__traceback__)
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert text.isascii() and text.isprintable()
    line: Line = json.loads(text)
    return line


def raised(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as problem:
        return problem


def lines_of(text: str) -> list[Line]:
    """All lines, each of which must be an object."""
    found = [json.loads(line) for line in text.splitlines()]
    assert found and all(isinstance(line, dict) for line in found)
    return found


@pytest.fixture(autouse=True)
def outside_of_requests() -> None:
    log_context.begin()


def test_the_fields_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_PROCESS", "light")
    line = written("%s was sent", "Ā\udcff")
    at = line.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
    assert abs(datetime.now().timestamp() - datetime.fromisoformat(at).timestamp()) < 60
    assert line == {
        "level": "WARNING",
        "logger": "uploads.views",
        "process": "light",
        "message": "Ā\udcff was sent",
    }


def test_what_clients_send_is_short_and_steers_no_terminal() -> None:
    """Not even where a program decodes a line and prints it."""
    hostile = 'a"}\n{"forged": 1}\x1b[31m\u2028\x9b' + "x" * 60_000
    with log_context.about(request_id=hostile):
        line = written("begin %s end", hostile, problem=raised(hostile))
    for text in (line["message"], line["request_id"], *line["exception"].split("\n")):
        assert len(text) <= 500 and not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", text)
    assert line["message"].startswith("begin ") and line["message"].endswith(" end")


@pytest.mark.parametrize("formatter", [JsonFormatter(), LineFormatter("%(message)s")])
def test_a_traceback_is_bounded(formatter: logging.Formatter) -> None:
    """Its first lines, which say where, and its last; however many the error's own text has."""
    problem = raised("\n".join(map(str, range(9999))))
    facts = (type(problem), problem, problem.__traceback__)
    text = formatter.format(logging.LogRecord("x", 40, "f", 1, "a", (), facts))
    assert "in raised" in text and "9998" in text and "5000" not in text
    assert len(text) < 5000


def test_readers_of_the_log_cannot_log_in() -> None:
    """Nor where the text is cut at the token."""
    address = f"/login/link?token={TOKEN}"
    line = written("%s", address, problem=raised(address), job_id=address)
    assert TOKEN not in str(line) and line["message"] == "/login/link?token=..."
    for length in range(200, 260):
        text = "x" * length + f"token={TOKEN}" + "x" * 400
        assert TOKEN[:5] not in str(written(text))


def test_the_ids_of_a_line_are_those_of_its_call_or_of_what_runs() -> None:
    assert not {"request_id", "upload_id", "job_id"} & written("a").keys()
    log_context.begin(request_id="r")
    log_context.add(upload_id="of the request", job_id="")
    assert [written("a").get(name) for name in ("request_id", "upload_id", "job_id")] == [
        *("r", "of the request", None)
    ]
    job = uuid.uuid4()
    with log_context.about(job_id=job):
        assert written("a")["job_id"] == str(job)
        assert written("a", upload_id="another")["upload_id"] == "another"
    assert "job_id" not in written("a") and written("a")["upload_id"] == "of the request"
    seen: list[Line] = []
    other = threading.Thread(target=lambda: seen.append(written("a")))
    other.start()
    other.join()
    assert "request_id" not in seen[0]  # of another client
    log_context.begin(request_id="next")
    assert written("a")["request_id"] == "next" and "upload_id" not in written("a")


BREAKS_DOWN = """
import threading, warnings, django
django.setup()
warnings.warn("beware")
thread = threading.Thread(target=lambda: 1 / 0, name="of mine")
thread.start()
thread.join()
raise ValueError("the end\\nof it")
"""


@pytest.mark.starts
def test_what_python_itself_would_print_is_json_too(tmp_path: Path) -> None:
    said = {"LOG_FORMAT": "json", "DATA_DIR": str(tmp_path / "data"), "LC_ALL": "C"}
    said["DJANGO_SETTINGS_MODULE"] = "whisperx_site.settings"
    done = subprocess.run(
        [sys.executable, "-c", BREAKS_DOWN],
        cwd=ROOT,
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    warned, thread, end = lines_of(done.stderr)
    assert done.returncode == 1 and not done.stdout
    assert warned["level"] == "WARNING" and "beware" in warned["message"]
    assert thread["message"] == "ZeroDivisionError ended the thread of mine"
    assert end["level"] == "CRITICAL" and "ValueError: the end" in end["exception"]


@pytest.fixture(scope="module")
def json_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("json")
    running = Site(folder / "data", LOG_FORMAT="json", ALLOW_ANONYMOUS="1", WEB_WORKERS="1")
    running.start()
    yield running
    running.kill_everything()


def line_of(site: Site, fits: Callable[[Line], bool]) -> Line:
    """The first line of the log that fits, as soon as it is there."""

    def look() -> Line | None:
        whole = site.log.read_text().rpartition("\n")[0]
        return next((line for line in lines_of(whole) if fits(line)), None)

    return wait_for(look, 30, what="a line of the log")


def test_lines_of_a_request_name_it_and_its_upload(json_site: Site) -> None:
    """As the client or a proxy called it, else by a name of its own, also on one connection."""
    address = json_site.create(9, NAME)
    upload_id = address.rpartition("/")[2]
    said = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "5"}
    for name in ("of a proxy ā", "", "of a proxy ā", ""):
        fields = {**said, **({"X-Request-ID": name.encode()} if name else {})}
        answer = json_site.http.patch(address, data=b"1", headers=fields, timeout=9)
        assert answer.status_code == 409

    def refusals() -> list[Line] | None:
        found = lines_of(json_site.log.read_text().rpartition("\n")[0])
        found = [line for line in found if f"{upload_id}: 409" in line["message"]]
        return found if len(found) == 4 else None

    lines = wait_for(refusals, 9)
    assert {line["upload_id"] for line in lines} == {upload_id}
    assert {line["process"] for line in lines} == {"web"}
    names = [line["request_id"] for line in lines]
    assert names[0] == names[2] == "of a proxy ā"
    assert uuid.UUID(names[1]) != uuid.UUID(names[3])


def test_requests_of_one_process_do_not_mix_their_ids(json_site: Site) -> None:
    """Slow ones wait in the middle of their bodies while others are served."""
    slow = [json_site.create(5000, NAME) for _ in range(3)]
    said = {
        **DATA,
        "Upload-Offset": "0",
        "Upload-Checksum": "crc32 AAAAAA==",
        "Content-Length": "8",
    }
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(json_site)) for _ in slow]
        for number, (wire, address) in enumerate(zip(wires, slow, strict=True)):
            path = address.removeprefix(json_site.url)
            wire.head("PATCH", path, {**said, "X-Request-ID": f"slow {number}"})
            wire.send(b"half")
        refused = json_site.patch(slow[0], 7, b"x", **{"X-Request-ID": "quick"})
        assert refused.status_code == 409
        for wire in wires:
            wire.send(b"rest")
            assert wire.answer("PATCH").status == 460
    for number, address in enumerate(slow):
        upload_id = address.rpartition("/")[2]
        line = line_of(json_site, lambda line, key=upload_id: f"{key}: 460" in line["message"])
        assert (line["request_id"], line["upload_id"]) == (f"slow {number}", upload_id)


def test_a_refused_creation_names_its_upload(json_site: Site) -> None:
    """Whose id nobody knew when the request came."""
    body = b"no media at all" * 99
    fields = {
        "Content-Type": "application/offset+octet-stream",
        "X-Request-ID": "creation",
        "Upload-Length": str(len(body)),
        "Upload-Metadata": encode_metadata(NAME),
    }
    address = f"{json_site.url}/uploads/files/"
    answer = json_site.http.post(address, data=body, headers=fields, timeout=9)
    assert answer.status_code == 415, answer.text
    line = line_of(json_site, lambda line: line.get("request_id") == "creation")
    assert ": 415 " in line["message"] and re.fullmatch("[0-9a-f]{32}", line["upload_id"])


def test_what_the_web_server_refuses_has_the_id_of_its_response(json_site: Site) -> None:
    with Wire(json_site) as wire:
        wire.socket.sendall(b"G\x1b[31m / HTTP/1.1\r\n\r\n")
        head = wire.socket.recv(4096).decode()
    found = re.search(r"X-Request-ID: (\S+)", head)
    assert found and head.startswith("HTTP/1.1 400")
    line = line_of(json_site, lambda line: line.get("request_id") == found[1])
    assert line["logger"] == "gunicorn.error" and "\x1b" not in line["message"]


def test_lines_of_a_job_name_it_and_its_upload(json_site: Site) -> None:
    identifier = str(uuid.uuid4())
    address = json_site.upload(recordings.GO_FORWARD, taskId=identifier)
    assert json_site.wait_for_task(identifier)["status"] == "completed"
    ended = f"job {identifier}: Ended: completed."
    line = line_of(json_site, lambda line: line["message"] == ended)
    assert (line["process"], line["job_id"]) == ("heavy", identifier)
    assert line["upload_id"] == address.rpartition("/")[2]
    assert "request_id" not in line
    started = line_of(json_site, lambda line: f"{identifier}: Started" in line["message"])
    assert started["job_id"] == identifier


def test_every_line_of_every_process_is_json(json_site: Site) -> None:
    """From the first greeting to the last word, with what a check of the site warns of."""
    line_of(json_site, lambda line: line["process"] == "light")
    second = json_site.manage("serve", check=False)
    assert second.returncode == 1
    assert "Another site is already running" in lines_of(second.stderr)[-1]["message"]
    json_site.stop()
    lines = lines_of(json_site.log.read_text())
    assert {"site", "web", "light"} <= {line["process"] for line in lines}
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()
    said = "\n".join(line["message"] for line in lines)
    for words in ("The site is at", "site.W002", "stopped"):
        assert words in said
