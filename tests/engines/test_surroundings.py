"""What surrounds the engine process: its parent's death, its folder, its imports."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from transcription.engines import registry, selection
from transcription.engines.base import ALIGN, DIARIZE, TRANSCRIBE, Request
from transcription.engines.model_files import assets
from transcription.engines.runtime import process as spawn
from transcription.engines.runtime import workdir
from transcription.engines.runtime.engine_process import EngineProcess

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def gone(pid: int, within: float = 3.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


PARENT = """
import sys
from transcription.engines.base import Request
from transcription.engines.runtime.engine_process import EngineProcess
engine = EngineProcess(60)
def hear(event):
    print(event.stage, engine.pid, flush=True)
model, work = sys.argv[2:]
engine.run(Request(sys.argv[1], "faster-whisper", model, model, work_dir=work), hear)
"""


@pytest.mark.starts
@posix
@pytest.mark.parametrize("moment", ["loading", "transcribing"])
def test_the_engine_dies_with_its_parent(
    moment: str, long_recording: Path, tiny_model: Path, tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", PARENT, str(long_recording), str(tiny_model), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(spawn.ROOT)}
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment, text=True)
    assert parent.stdout
    pid = 0
    for line in parent.stdout:
        stage, number = line.split()
        if stage == moment:
            pid = int(number)
            break
    assert pid and psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    assert gone(pid, within=2.0)
    parent.stdout.close()
    # The decoded audio went with it; the empty folder goes with the next run.
    assert not list(tmp_path.glob("*/*.pcm"))
    assert workdir.sweep(tmp_path) == 1


def test_folders_in_use_are_not_swept(tmp_path: Path) -> None:
    with workdir.made(str(tmp_path)) as folder:
        (folder / "audio.pcm").write_bytes(b"1234")
        stranger = tmp_path / "decoded-otherhost-1-abcdef"
        stranger.mkdir()
        assert workdir.sweep(tmp_path) == 0
        os.utime(stranger, (0, 0))
        assert workdir.sweep(tmp_path) == 1
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.starts
@posix
def test_what_libraries_print_does_not_disturb() -> None:
    code = (
        "import os; from transcription.engines.runtime import lifetime;"
        "write = lifetime.take_stdout();"
        "os.write(1, b'from C'); print('from Python', flush=True); write(b'message')"
    )
    environment = {**os.environ, "PYTHONPATH": str(spawn.ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert done.stdout == b"message"
    assert b"from C" in done.stderr and b"from Python" in done.stderr


HEAVY = {
    "av",
    "numpy",
    "ctranslate2",
    "faster_whisper",
    "huggingface_hub",
    "django",
}


@pytest.mark.starts
@pytest.mark.parametrize(
    "module",
    [
        "transcription.media.sniff",
        "transcription.media",
        "transcription.engines.runtime.engine_process",
        "transcription.engines.selection",
        "transcription.engines.models",
        "transcription.engines.runtime.worker",
    ],
)
def test_nothing_heavy_is_imported(module: str) -> None:
    code = (
        f"import sys, {module}; from transcription.engines import registry;"
        "[registry.get(name).capabilities() for name in registry.names()];"
        "print(*sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(spawn.ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment, check=True, text=True
    )
    assert HEAVY.isdisjoint(name.split(".")[0] for name in done.stdout.split())


SECRETS = {
    "ADMIN_PASSWORD": "s1",
    "SECRET_KEY": "s2",
    "DATABASE_URL": "postgres://u:s3@h/d",
    "CACHE_URL": "redis://:s4@h",
    "HF_TOKEN": "s5",
    "AWS_SECRET_ACCESS_KEY": "s6",
    "PGPASSWORD": "s7",
    "SOME_ADDRESS": "https://user:s8@example.org",
    "HTTPS_PROXY": "http://user:s9@proxy:3128",
}
PLAIN = {"TOKENIZERS_PARALLELISM": "false", "HF_HOME": "/x", "NO_PROXY": "*", "KEYMAP": "us"}


def surroundings(process: int) -> dict[str, str]:
    return dict(psutil.Process(process).environ())


@pytest.mark.starts
@posix
def test_the_engine_process_knows_no_secrets(
    draft: Callable[[Path], Request],
    recording: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It reads strangers' media, and gets the model hub's key only where it must download."""
    for name, value in {**SECRETS, **PLAIN}.items():
        monkeypatch.setenv(name, value)
    engine = EngineProcess(60)
    try:
        engine.run(draft(recording("wav")))
        assert engine.pid
        found = surroundings(engine.pid)
    finally:
        engine.close()
    assert SECRETS.keys().isdisjoint(found)
    assert PLAIN.items() <= found.items()
    assert spawn.ROOT.as_posix() in found["PYTHONPATH"]


@pytest.mark.starts
@posix
def test_a_download_knows_the_key_of_the_hub_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the way there, if a proxy asks for a password."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    helper = spawn.ChildProcess("asyncio", [], spawn.secrets_for_downloads())  # waits for its input
    try:
        found = surroundings(helper.process.pid)
    finally:
        helper.kill()
    assert SECRETS.keys() & found.keys() == {"HF_TOKEN", "HTTPS_PROXY"}


def test_only_stages_that_miss_a_model_may_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's process has the key as long as a model for it is missing, and no longer."""
    whisperx = registry.get("whisperx")
    monkeypatch.setattr(type(whisperx), "installation_error", lambda self: "")
    everything = (TRANSCRIBE, ALIGN, DIARIZE)

    def wanted(**facts: object) -> bool:
        values = {"models_dir": str(tmp_path), "stages": everything, "language": "en", **facts}
        return selection.may_download(Request("x.wav", "whisperx", "tiny", **values))  # type: ignore[arg-type]

    assert wanted()
    assert not wanted(stages=(TRANSCRIBE,))
    assert not wanted(models_dir="")
    assert not selection.may_download(
        Request("x.wav", "faster-whisper", "tiny", models_dir=str(tmp_path), stages=everything)
    )
    monkeypatch.setattr(assets, "missing", lambda models_dir, wanted: [])
    assert not wanted()
    assert wanted(language=None)  # which model aligns is not known yet
