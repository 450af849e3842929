"""`manage.py fetch_models` and `manage.py check --tag models`, with a stand-in for the hub."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from tests.engines import hub, needy
from tests.running import ROOT, wait_for
from tests.speech import tiny_whisper
from transcription import checks
from transcription.conf import conf
from transcription.engines import models, registry
from transcription.engines.base import ALIGN, Request
from transcription.engines.model_files import assets
from transcription.services.stages import requirements

pytestmark = pytest.mark.proof

DIARIZER = f"the diarization model {needy.DIARIZER}"


@pytest.fixture
def serving(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[hub.Hub]:
    """A hub, of which only the model that tells speakers apart is given on conditions."""
    settings.MODELS_DIR = str(tmp_path / "models")
    settings.ENGINE, settings.LANGUAGE_PATTERNS = "needy", []
    monkeypatch.setitem(registry.ENGINES, "needy", needy.PLACE)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with hub.serving(tmp_path) as server:
        server.repositories = needy.repositories(tmp_path / "hub")
        server.plain = needy.punkt_zip(tmp_path / "plain")
        server.gated = {needy.DIARIZER}
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def fetch(*arguments: str) -> tuple[int, list[str], str]:
    """The command's exit code, its lines, and its complaints."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("fetch_models", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue().splitlines(), err.getvalue()
    return 0, out.getvalue().splitlines(), err.getvalue()


def check(*arguments: str) -> str:
    """What the command says."""
    out, err = io.StringIO(), io.StringIO()
    call_command("check", *arguments, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def test_everything_is_tried_and_then_used_offline(
    serving: hub.Hub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "missing, about 35 MB, on conditions (https://huggingface.co/somebody/diarizer)"
    code, lines, _ = fetch("--list", "--language", "en", "lv")
    assert (code, serving.requests) == (0, [])
    assert lines == [
        "the aligner for en: missing",
        "NLTK's sentence data (punkt_tab): missing, about 4 MB",
        "the aligner for lv: missing",
        f"{DIARIZER}: {said}",
    ]
    serving.drip = 0.03
    code, lines, complaint = fetch("--language", "de", "en")
    assert code == 1 and lines == [
        "the aligner for de: failed",
        "NLTK's sentence data (punkt_tab): done",
        "the aligner for en: done",
        f"{DIARIZER}: failed",
    ]
    first, german, diarizer = complaint.splitlines()
    assert first == "Could not be downloaded:"
    assert "The aligner for de couldn't be downloaded" in german and "404" in german
    assert needy.PAGE in diarizer and "HF_TOKEN" in diarizer
    serving.gated.clear()
    code, lines, _ = fetch("--language", "en")
    assert code == 0 and lines[:2] == [
        "the aligner for en: there already",
        "NLTK's sentence data (punkt_tab): there already",
    ]
    assert lines[2] == f"{DIARIZER}: done"
    # Nothing more is asked of anybody.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch("--language", "en")[0] == 0 and check("--tag", "models") == check()
    log = capfd.readouterr().err  # no terminal: plain lines
    assert " of 1 MB" in log and "\x1b" not in log


def test_what_is_wanted_can_be_said(
    serving: hub.Hub, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LANGUAGE_PATTERNS = ["A03=lv"]
    whisper = ["--engine", "faster-whisper", "--list"]
    assert [line.partition(":")[0] for line in fetch("--list", "--no-diarize")[1]] == [
        "the aligner for en",
        "NLTK's sentence data (punkt_tab)",
        "the aligner for lv",
    ]
    assert len(fetch("--list", "--no-align")[1]) == 1
    assert fetch(*whisper)[1] == [f'the model "{conf.WHISPER_MODEL}": missing, about 486 MB']
    settings.LANGUAGE_MODEL_OVERRIDES = {"lv": "somebody/latvian"}
    assert fetch(*whisper, "--model", "tiny", "--language", "lv")[1] == [
        'the model "tiny": missing, about 78 MB',
        'the model "somebody/latvian": missing',
    ]
    monkeypatch.setitem(registry.ENGINES, "plain", "tests.speech.able_engine:Plain")
    assert fetch("--engine", "plain")[1] == ["plain needs nothing that can be downloaded."]
    for wrong in (["--language", "xx"], [*whisper, "--model", "tinny"]):
        with pytest.raises(CommandError, match="xx|tinny"):
            fetch(*wrong)
    settings.LANGUAGE_MODEL_OVERRIDES = {}
    code, _, complaint = fetch("--engine", "faster-whisper", "--model", str(ROOT))
    assert code == 1 and "it holds no model.bin" in complaint
    assert serving.requests == []


def test_whoever_runs_the_site_may_fetch_any_alignment_model(
    serving: hub.Hub, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients may not, but may name it when it is there."""
    engine = registry.get("whisperx")
    monkeypatch.setattr(engine, "installation_error", lambda: "")
    asked = {"align_model": needy.ALIGNER}
    theirs = Request("", "whisperx", language="sw", models_dir=conf.MODELS_DIR, options=asked)
    assert engine.assets(theirs, ALIGN) == ()
    assert needy.ALIGNER in engine.readiness_error(theirs, ALIGN)
    punkt = needy.punkt()
    monkeypatch.setattr(assets, "punkt", lambda: punkt)
    own = ["--engine", "whisperx", "--model", str(conf.MODELS_DIR), "--no-diarize", "--language"]
    _, lines, _ = fetch(*own, "sw", "--align-model", needy.ALIGNER)
    assert f'the alignment model "{needy.ALIGNER}": done' in lines
    assert engine.readiness_error(theirs, ALIGN) == ""
    settings.ALIGN_MODELS = ["*", "no such name"]
    settings.ENGINE = "whisperx"
    told = check("--tag", "models")
    assert 'no alignment model named "no such name"' in told and "Look at" in told
    assert "ALIGN_MODELS" in told
    with pytest.raises(CommandError, match="downloads no alignment model"):
        fetch("--engine", "faster-whisper", "--align-model", needy.ALIGNER)


def test_sizes_of_aligners_and_languages_that_have_none(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.MODELS_DIR = str(tmp_path)
    arguments = ["--list", "--engine", "whisperx", "--no-diarize", "--language", "en", "sw", "nl"]
    _, lines, _ = fetch(*arguments)
    none = "whisperx has no alignment model for sw: the Whisper model aligns words there."
    assert none in lines and none not in fetch(*arguments, "--no-align")[1]
    assert 'the alignment model for "en": missing, about 378 MB' in lines
    assert 'the alignment model for "nl": missing, about 1.3 GB' in lines


def test_a_damaged_model_is_not_well(settings: LazySettings, tmp_path: Path) -> None:
    settings.MODELS_DIR, settings.ENGINE = str(tmp_path), "whisperx"
    english = registry.get("whisperx").assets(Request("", "whisperx", language="en"), ALIGN)[0]
    file = assets.directory(tmp_path, english) / english.needs[0][0]
    file.parent.mkdir(parents=True)
    for content, well in ((b"<html>", False), (b"\x80\x02", True)):
        file.write_bytes(content)
        told = check("--tag", "models")
        assert ("W012" not in told) is well
        assert (f"is incomplete or damaged: its {file.name} is damaged" not in told) is well
        assert (f"Remove {file.parent}; then run" not in told) is well


def test_models_are_checked_for_those_who_ask(
    serving: hub.Hub, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run_checks(include_deployment_checks=True)
    assert not [one for one in found if str(one.id).startswith("transcription.")]
    assert "no issues" in check() and "models" in check("--list-tags").split()
    told = check("--tag", "models")
    for identifier in ("W012", "W013", "W014"):
        assert f"transcription.{identifier}" in told
    assert "W010" not in told and "W011" not in told and "manage.py fetch_models" in told
    assert needy.PAGE in told and "set HF_TOKEN" in told
    asset = registry.get("needy").assets(Request("", "needy", language="en"), ALIGN)[0]
    assets.remember_failure(conf.MODELS_DIR, asset, "No network.")
    monkeypatch.setattr(registry.get("needy"), "installation_error", lambda: "No package here.")
    told = check("--tag", "models")
    assert "The last download failed: No network." in told and "No package here." in told
    settings.ENGINE = "faster-whisper"
    for model in ("tiny", "tinny", "/nowhere"):
        settings.WHISPER_MODEL = model
        told = check("--tag", "models")
        assert told.count("transcription.W") == told.count("W011") == 1 and model in told
    assert "no issues" in check()  # nothing stays of it


def test_odd_names_are_told_and_no_more(settings: LazySettings, tmp_path: Path) -> None:
    settings.MODELS_DIR, settings.ENGINE = str(tmp_path), "faster-whisper"
    with pytest.raises(CommandError, match="no model named"):
        fetch("--model", "a" * 400)
    code, _, complaint = fetch("--model", "./" + "a" * 400)
    assert code == 1 and "there is no such folder" in complaint
    settings.LANGUAGE_MODEL_OVERRIDES = {"lv": "~nobody-of-this-name/x"}
    assert "~nobody-of-this-name/x is not a model: there is no" in check("--tag", "models")
    assert checks.known_overrides() == []


def test_models_that_the_site_prefers_for_languages(settings: LazySettings, tmp_path: Path) -> None:
    settings.LANGUAGE_MODEL_OVERRIDES = {"lv": "somebody/latvian"}
    settings.WHISPER_MODEL = "base"
    asked = [("lv", "tiny"), ("lv", ""), ("en", "tiny"), ("", "")]
    chosen = [requirements.model_for(*one) for one in asked]
    assert chosen == ["somebody/latvian", "somebody/latvian", "tiny", "base"]
    assert checks.known_overrides() == []
    settings.LANGUAGE_MODEL_OVERRIDES = {"xx": "tiny", "lv": "tinny", "de": str(tmp_path)}
    problems = checks.known_overrides()
    assert [problem.id for problem in problems] == ["transcription.E004"] * 2
    assert "xx" in problems[0].msg and "tinny" in problems[1].msg


def test_a_voice_detector_that_nobody_has(settings: LazySettings) -> None:
    assert checks.known_voice_detector() == []
    settings.VAD_METHOD = "bogus"
    (problem,) = checks.known_voice_detector()
    assert problem.id == "transcription.E005" and "silero" in (problem.hint or "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_leaves_what_the_next_call_goes_on_with(tmp_path: Path) -> None:
    with hub.serving(tiny_whisper.make(tmp_path / "tiny")) as server:
        server.drip = 0.2
        environment = {
            **os.environ,
            "DATA_DIR": str(tmp_path / "data"),
            "HF_ENDPOINT": server.url,
            "ENGINE": "faster-whisper",
        }
        command = [sys.executable, "manage.py", "fetch_models", "--model", "tiny"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True
        )
        partial = assets.partial(tmp_path / "data" / "models", models.asset("tiny"))
        wait_for(lambda: assets.size_on_disk(partial) > 1_000_000)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, complaint = process.communicate(timeout=10)
        assert process.returncode == 130 and b"resumes from here" in complaint
        assert b"Traceback" not in complaint
        server.drip = 0.0
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        ranges = [wanted for path, wanted in server.requests if path.endswith("model.bin")]
        assert ranges[0] is None and ranges[-1]
