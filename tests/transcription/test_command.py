"""`manage.py transcribe`, run as people run it: with a site on its data directory, and without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from django.core.management.base import CommandError

from tests.running import ROOT, Site
from tests.speech import recordings
from transcription.models import Priority
from uploads.management.output import printable
from whisperx_site.command_line.local_files import Places
from whisperx_site.management.commands.transcribe import Command, spec_from

SAID = f"{recordings.TEXT}\n"
NEWEST = """
from transcription.models import Job
job = Job.objects.order_by("-created").first()
started = job.events.filter(what__startswith="Started by").last()
kept = bool(job.upload and job.upload.has_bytes)
print(job.state, job.file_name, kept, job.owner, started.what.split()[3])
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("command") / "go.wav"
    return recordings.write(path, recordings.speech())


def transcribe(site: Site, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return site.manage("transcribe", *map(str, arguments), check=False)


def begin(site: Site, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start the command, and wait until the engine is at work."""
    command = subprocess.Popen(
        [sys.executable, "manage.py", "transcribe", *map(str, arguments)],
        cwd=ROOT,
        env=site.full_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr
    for line in command.stderr:
        if line.endswith(": transcribing\n"):
            return command
    raise AssertionError(f"it ended with {command.wait()}")


def newest_job(site: Site) -> list[str]:
    """Its state, its name, whether its recording is kept, its owner, and who worked on it."""
    return site.shell(NEWEST).split()


@pytest.mark.proof
def test_without_a_site(new_site: Callable[..., Site], recording: Path) -> None:
    """In a data directory that has never been used."""
    site = new_site()
    done = transcribe(site, recording)
    assert (done.returncode, done.stdout) == (0, SAID), done.stderr
    assert f"{recording.name}: transcribing" in done.stderr
    assert newest_job(site)[:4] == ["completed", "go.wav", "True", "None"]  # no user is there yet


def test_with_a_site_that_does_the_work(site: Site, recording: Path, tmp_path: Path) -> None:
    target = tmp_path / "spoken.srt"
    done = transcribe(site, recording, "--format", "srt", "--output", target, "-v0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert target.read_text().startswith("1\n00:00:00,")
    assert target.read_text().endswith(SAID)
    *facts, worker = newest_job(site)
    assert facts == ["completed", "go.wav", "True", "admin"]
    assert int(worker) in {member.pid for member in site.processes()}


@pytest.mark.proof
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_no_utf8(site: Site, recording: Path, tmp_path: Path) -> None:
    """Such a name is shown as far as it can be, and the recordings after it are done, too."""
    odd = tmp_path / os.fsdecode(b"Gr\xf6\xdfen.wav")
    odd.write_bytes(recording.read_bytes())
    decomposed = tmp_path / unicodedata.normalize("NFD", "Zürich.wav")
    decomposed.write_bytes(recording.read_bytes())
    folder = tmp_path / "out"
    done = transcribe(site, odd, decomposed, "--output", folder)
    assert done.returncode == 0, done.stderr
    written = {os.fsencode(path.name): path.read_text() for path in folder.iterdir()}
    assert written == {
        b"Gr\xf6\xdfen.txt": SAID,
        os.fsencode(unicodedata.normalize("NFD", "Zürich.txt")): SAID,
    }
    listed = site.http.get(f"{site.url}/task/all", timeout=30).json()["tasks"]
    assert [task["file_name"] for task in listed[-2:]] == ["Gr\ufffd\ufffden.wav", "Zürich.wav"]
    missing = transcribe(site, tmp_path / os.fsdecode(b"\xff.wav"))
    assert (missing.returncode, "There is no file" in missing.stderr) == (1, True)


@pytest.mark.proof
@pytest.mark.skipif(os.name != "posix", reason="Windows has no such pipes")
@pytest.mark.parametrize("closed", ["| true", ">&-"])
def test_output_that_nobody_reads(site: Site, recording: Path, closed: str) -> None:
    """It ends without a traceback, and does not transcribe for nobody."""
    command = f'("$0" manage.py transcribe "$1" "$1" --output -; echo "code $?" >&2) {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(recording)],
        cwd=ROOT,
        env=site.full_environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    if closed == ">&-":
        assert "Standard output is closed. Use --output FILE." in done.stderr
        assert "code 1\n" in done.stderr
    else:
        assert "code 141\n" in done.stderr
        assert done.stderr.count("go.wav: copying") == 1


@pytest.mark.proof
def test_several_recordings_one_of_which_is_none(
    new_site: Callable[..., Site], recording: Path, tmp_path: Path
) -> None:
    site = new_site()
    notes = tmp_path / "notes.txt"
    notes.write_text("Dear all")
    other = tmp_path / "other.flac"
    other.write_bytes(recordings.GO_FORWARD.read_bytes())
    done = transcribe(
        site, notes, recording, other, "--output", tmp_path / "out", "--forget", "--no-speakers"
    )
    assert done.returncode == 1
    assert 'notes.txt: failed: Files that end in ".txt" are not accepted.' in done.stderr
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert written == {"go.txt": SAID, "other.txt": SAID}
    kept = site.shell("from uploads.models import *; print(Upload.objects.filter(has_bytes=True))")
    assert kept.strip() == "<QuerySet []>"


@pytest.mark.proof
def test_options_reach_the_engine(
    new_site: Callable[..., Site], recording: Path, tmp_path: Path
) -> None:
    site = new_site()
    unable = transcribe(site, recording, "--language", "lv")
    assert unable.returncode == 1
    assert 'knows English only, not "lv"' in unable.stderr
    site.environment["LANGUAGE_PATTERNS"] = "go=lv"
    assert transcribe(site, recording).returncode == 1
    assert transcribe(site, recording, "--language", "auto").returncode == 0


@pytest.mark.proof
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(
    new_site: Callable[..., Site], long_file: Path, number: signal.Signals
) -> None:
    """It cancels its job, and leaves no engine behind."""
    site = new_site()
    command = begin(site, long_file)
    family = psutil.Process(command.pid).children(recursive=True)
    assert family
    command.send_signal(number)
    assert command.wait(20) == 130
    assert newest_job(site)[0] == "cancelled"
    assert not psutil.wait_procs(family, 5)[1]
    assert not list((site.data_dir / "work").iterdir())


@pytest.mark.proof
def test_interrupted_while_a_site_does_the_work(
    new_site: Callable[..., Site], long_file: Path
) -> None:
    site = new_site().start()
    command = begin(site, long_file)
    command.send_signal(signal.SIGINT)
    assert command.wait(20) == 130
    assert newest_job(site)[0] == "cancelled"
    site.stop()


@pytest.mark.proof
def test_a_site_that_is_killed_meanwhile(new_site: Callable[..., Site], some_file: Path) -> None:
    """The command takes the job over."""
    site = new_site().start()
    command = begin(site, some_file)
    site.kill_everything()
    out, errors = command.communicate(timeout=90)
    assert command.returncode == 0, errors
    sentences = {f"{sentence.strip()}." for sentence in out.split(".") if sentence.strip()}
    assert sentences == {recordings.TEXT}
    assert newest_job(site)[-1] == str(command.pid)


@pytest.mark.proof
@pytest.mark.skipif(os.name != "posix", reason="Windows has no pseudo-terminals")
def test_the_bar_at_a_terminal(new_site: Callable[..., Site], tmp_path: Path) -> None:
    import pty

    path = recordings.write(tmp_path / "talk.wav", recordings.long_speech(180))
    site = new_site()
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "manage.py", "transcribe", str(path)],
        cwd=ROOT,
        env={**site.full_environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = read_terminal(ours)
    assert command.stdout and command.stdout.read().decode().startswith(recordings.TEXT)
    assert command.wait(30) == 0
    assert path.name in shown and "transcribing" in shown and "━" in shown
    percents = {int(part[-3:]) for part in shown.split("%")[:-1] if part[-3:].strip().isdecimal()}
    assert len(percents) > 2  # it moves with each batch of chunks, of which there are three


def read_terminal(descriptor: int) -> str:
    """All that a program wrote to its terminal, until it ended."""
    read = b""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            read += os.read(descriptor, 65536)
        except OSError:  # Linux says so when nobody holds the other side any more
            break
    return read.decode(errors="replace")


@pytest.mark.parametrize(
    "wrong", [("--language", "klingon"), ("--model", "gpt-5"), ("--engine", "ear"), ("--task", "x")]
)
def test_options_that_nobody_knows(wrong: tuple[str, str]) -> None:
    command = Command()
    with pytest.raises(CommandError, match=wrong[1]):
        parser = command.create_parser("manage.py", "transcribe")
        spec_from(vars(parser.parse_args([*wrong, "go.wav"])))


def test_options_become_a_wish(tmp_path: Path) -> None:
    command = Command()
    parser = command.create_parser("manage.py", "transcribe")
    said = ["--language", "auto", "--model", str(tmp_path), "--max-speakers", "2", "--prompt", "a"]
    said += ["--priority", "high"]
    assert spec_from(vars(parser.parse_args([*said, "--engine", "whisperx", "go.wav"]))) == {
        "task_type": "full_process",
        "engine": "whisperx",
        "model": str(tmp_path),
        "language": "",
        "task": "transcribe",
        "priority": Priority.HIGH,
        "options": {"max_speakers": 2, "initial_prompt": "a"},
    }
    plain = spec_from(vars(parser.parse_args(["--no-speakers", "go.wav"])))
    assert plain["task_type"] == "transcription"
    assert plain["priority"] == Priority.NORMAL
    assert "language" not in plain  # so the file's name may tell it


def test_where_transcripts_go(tmp_path: Path) -> None:
    one, two = tmp_path / "one.wav", tmp_path / "two.wav"
    for path in (one, two):
        path.write_bytes(b"")
    assert Places([one], None, ".srt").places == {}
    assert Places([one, two], "-", ".srt").places == {}
    assert Places([one], str(tmp_path / "x.srt"), ".srt").places == {one: tmp_path / "x.srt"}
    assert Places([one], str(tmp_path), ".srt").places == {one: tmp_path / "one.srt"}
    made = Places([one, two], str(tmp_path / "new"), ".vtt")
    assert made.places == {one: tmp_path / "new/one.vtt", two: tmp_path / "new/two.vtt"}
    for files, output in (
        ([tmp_path / "none.wav"], None),
        ([tmp_path], None),
        ([one, two], None),
        ([one, one], str(tmp_path)),
        ([one, two], str(one)),
        ([one], str(tmp_path / "nowhere" / "x.srt")),
    ):
        with pytest.raises(CommandError):
            Places(files, output, ".srt")


def test_names_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc.wav") == "a\ufffd[2Jb\ufffdc.wav"
