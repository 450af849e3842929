"""`manage.py serve`: starts, stops and refusals."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.running import ROOT, Site, text_of, wait_for
from tests.site.people import signed_in
from tests.site.processes import leaves_nothing, members
from tests.speech import recordings
from tests.uploads.outages import POWERLESS

NewSite = Callable[..., Site]


def stop(site: Site, number: int = signal.SIGINT) -> int:
    """Stop it by a signal to its foreground process alone; returns its exit code."""
    assert site.process and members(site)
    site.process.send_signal(number)
    code = site.process.wait(10)
    assert not members(site)
    return code


@pytest.mark.proof
def test_first_start_work_stop_and_second_start(tmp_path: Path) -> None:
    site = Site(tmp_path / "Aufnahmen & Söhne", fresh=True, ADMIN_PASSWORD="")
    site.start()
    said = site.log.read_text()
    password = re.search(r"Password +(\S+)", said)
    assert password and f"http://127.0.0.1:{site.port}/" in said
    signed_in(site, "admin", password[1])
    key = site.data_dir / "secret_key"
    first_key = key.read_text()
    for path in (key, site.data_dir / "db.sqlite3", site.data_dir / "uploads"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path

    speech = recordings.write(tmp_path / "go.wav", recordings.speech())
    identifier = str(uuid.uuid4())
    site.upload(speech, taskId=identifier)
    assert "forward" in text_of(site.wait_for_task(identifier))

    again = refused_start(site, PORT=str(site.port + 1))
    assert "Another site is already running on" in again
    taken = refused_start(Site(tmp_path / "other"), PORT=str(site.port))
    assert f"Cannot listen on 127.0.0.1 port {site.port}" in taken
    doctor = site.manage("doctor", check=False)
    assert "all schedules are on time" in doctor.stdout

    beside = Site(tmp_path / "beside").start()
    assert site.task(identifier)["status"] == "completed"
    assert beside.http.get(f"{beside.url}/task/{identifier}", timeout=9).status_code == 404
    assert stop(beside, signal.SIGTERM) == 0
    assert stop(site) == 0

    began = time.monotonic()
    site.log.unlink()
    site.start()
    print(f"second start: {time.monotonic() - began:.1f} s")
    assert "Password" not in site.log.read_text()
    assert key.read_text() == first_key
    signed_in(site, "admin", password[1])
    assert site.task(identifier)["status"] == "completed"
    assert stop(site, signal.SIGTERM) == 0
    for log in (said, site.log.read_text(), beside.log.read_text()):
        assert_calm(log)


def assert_calm(log: str) -> None:
    """Nothing in a log says that anything is wrong."""
    for word in ("Traceback", "ERROR", "WARNING", "Warning"):
        assert word not in log, log


def refused_start(site: Site, **environment: str) -> str:
    """What a start says that is refused."""
    result = subprocess.run(
        [*site.prefix, sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env={**site.full_environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
    assert "Traceback" not in result.stderr, result.stderr
    return result.stderr


@pytest.mark.starts
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "PORT='abc' is not valid: it must be a port, 1 to 65535"),
        ("PORT", "70000", "a port, 1 to 65535"),
        ("PORT", "0", "a port, 1 to 65535"),
        ("HOST", "no.such.host.invalid", "Cannot listen on no.such.host.invalid"),
        ("UPLOADS_ACCEPT", "everything", "UPLOADS_ACCEPT='everything' is not known"),
        ("ENGINE", "guessing", "ENGINE='guessing' is not known"),
        ("ENGINE", "pocketsphinx", "set WHISPER_MODEL=tiny.en: the built-in Whisper model took"),
        ("UPLOADS_MAX_SIZE", "5 apples", "UPLOADS_MAX_SIZE='5 apples' is not valid"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/x", "The database doesn't answer"),
        ("PUBLIC_URL", "transcripts.example.org", "http:// or https:// with a host name"),
        ("TIME_ZONE", "Europe/Atlantis", "a time zone's name"),
        ("CORS_ALLOWED_ORIGINS", "example.org", "missing scheme"),
        ("SCRIPT_NAME", "/transcripts", "the site can't run below a path"),
    ],
)
def test_settings_that_cannot_work_are_said_plainly(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    assert said in refused_start(Site(tmp_path / "data"), **{name: value})


@pytest.mark.starts
def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "DATA_DIR can't be created" in refused_start(Site(tmp_path / "file" / "data"))


@pytest.mark.starts
@pytest.mark.skipif(os.name != "posix", reason="Windows knows no such bits")
@pytest.mark.parametrize(
    ("key", "said"),
    [("", "The secret key can't be stored in DATA_DIR"), ("x" * 50, "isn't writable")],
)
def test_a_data_directory_that_takes_no_writes(tmp_path: Path, key: str, said: str) -> None:
    site = Site(tmp_path / "data")
    site.prefix = POWERLESS if os.geteuid() == 0 else []  # permissions count for root, too
    site.data_dir.mkdir(mode=0o500)
    assert said in refused_start(site, SECRET_KEY=key)


@pytest.mark.proof
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_in_the_midst_of_work(
    new_site: NewSite, tmp_path: Path, number: signal.Signals
) -> None:
    """A job runs and an upload streams; both can go on after the next start."""
    site = new_site(UPLOADS_ACCEPT="media").start()
    long = recordings.write(tmp_path / "long.wav", recordings.long_speech(120))
    identifier = str(uuid.uuid4())
    site.upload(long, taskId=identifier)
    address = site.create(1 << 24, {"filename": "other.mp3"})
    wait_for(lambda: site.task(identifier)["status"] == "processing", 30)
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(
            f"PATCH {address.removeprefix(site.url)} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {site.key}\r\n"
            "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 16777216\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
        )
        client.sendall(b"ID3\x04" + bytes(200_000))
        time.sleep(0.5)
        assert stop(site, number) == 0
    assert_calm(site.log.read_text())


def test_killed_it_leaves_nothing_behind(new_site: NewSite) -> None:
    site = new_site().start()
    assert site.process and len(members(site)) > 10
    site.process.kill()
    site.process.wait()
    leaves_nothing(site, 5)


@pytest.mark.proof
@pytest.mark.skipif(os.name != "posix", reason="make and signals to it are POSIX")
@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, signal.SIGTERM, signal.SIGINT],
)
def test_make_run(tmp_path: Path, number: signal.Signals) -> None:
    """The command line's settings count; with make, all goes."""
    site = Site(tmp_path / "data")
    environment = {**site.full_environment, "PORT": "1", "DATA_DIR": str(tmp_path / "unused")}
    settings = [f"PORT={site.port}", f"DATA_DIR={site.data_dir}"]
    with (tmp_path / "log").open("wb") as log:
        make = subprocess.Popen(
            ["make", "-o", "install", "run", *settings],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_for(lambda: healthy(site), 60, what=str(tmp_path / "log"))
    assert members(site)
    if number == signal.SIGINT:
        os.killpg(make.pid, number)  # as a terminal does
    else:
        make.send_signal(number)
    make.wait(10)
    leaves_nothing(site, 5)
    assert "Traceback" not in (tmp_path / "log").read_text()


def healthy(site: Site) -> bool:
    try:
        return site.http.get(f"{site.url}/health/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.proof
def test_ctrl_c_before_anything_runs(tmp_path: Path) -> None:
    """No traceback, and nothing is left that would hinder the next start."""
    site = Site(tmp_path / "data", fresh=True).start(wait=False)
    wait_for(lambda: (site.data_dir / "db.sqlite3").exists(), 30, 0.02)
    assert stop(site) in (0, 1, 130, -signal.SIGINT)
    assert "Traceback" not in site.log.read_text()
    site.start()
    assert stop(site) == 0
