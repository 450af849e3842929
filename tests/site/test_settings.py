"""Settings: read by kind, shown by doctor, told in README and .env.example; Django's checks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

import uploads.checks
from tests.running import ROOT
from transcription.engines.whisperx import engine as whisperx
from uploads.conf import Option, UploadsConf
from whisperx_site.configuration import diagnostics
from whisperx_site.configuration.environment import PARSERS, read
from whisperx_site.configuration.settings_reference import all_settings, env_example, settings_table


def manage(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**clean, "DATA_DIR": str(tmp_path / "data"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bytes", "5GiB", 5 * 1024**3),
        ("bytes", "5 g", 5 * 1024**3),
        ("bytes", "1.5k", 1536),
        ("bytes", "7", 7),
        ("seconds", "24h", 86400),
        ("seconds", "90", 90),
        ("flag", "Yes", True),
        ("flag", "off", False),
        ("list", " a, b,,c ", ["a", "b", "c"]),
        ("networks", "10.1.2.3/8, ::1", ["10.0.0.0/8", "::1/128"]),
        ("map", ' {"lv": " owner/name"}', {"lv": "owner/name"}),
        ("port", " 8123 ", 8123),
        ("count", "3", 3),
        ("level", "debug", "DEBUG"),
        ("server", "Granian", "granian"),
        ("log format", "JSON", "json"),
        ("time zone", "Europe/Riga", "Europe/Riga"),
        ("url", "https://a.example/", "https://a.example"),
        ("url", "http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_kinds(kind: str, text: str, value: object) -> None:
    assert PARSERS[kind](text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("bytes", "5 apples"),
        ("bytes", "-1"),
        ("seconds", "1w"),
        ("flag", "perhaps"),
        ("number", "three"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "80.5"),
        ("count", "0"),
        ("level", "LOUD"),
        ("networks", "10.0.0.0/40"),
        ("networks", "monitor.example"),
        ("log format", "xml"),
        ("map", "lv=owner/name"),
        ("map", '["lv"]'),
        ("map", '{"lv": 1}'),
        ("url", "a.example"),
        ("url", "ftp://a.example"),
        ("url", "https://a.example/below"),
        ("url", "https://[a"),
        ("url", "https://a.example:99999"),
        ("time zone", "Mars"),
        ("time zone", "../../etc/passwd"),
    ],
)
def test_what_is_not_of_the_kind_is_refused_by_name(
    kind: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = Option(kind, None, "What it is for.")
    option.name = "SOME_SETTING"
    monkeypatch.setenv("SOME_SETTING", text)
    with pytest.raises(ImproperlyConfigured, match="SOME_SETTING="):
        read(environ.Env(), option)


@pytest.mark.starts
def test_old_names_are_read_for_one_release(tmp_path: Path) -> None:
    """And said to be old: by the check of the site, which reads the environment."""
    old = {"MEASURE_SECONDS": "7m", "UPLOADS_SPARE_DISK": "3GiB", "STUCK_AFTER": "5m"}
    doctor = manage(tmp_path, "doctor", **old, WORKER_STALL_TIMEOUT="6m")
    for line in (
        "PROBE_TIMEOUT = 7m",
        "UPLOADS_MIN_FREE_SPACE = 3GiB",
        "WORKER_STALL_TIMEOUT = 6m",
    ):
        assert f"  {line} " in doctor.stdout, doctor.stdout
    checked = manage(tmp_path, "check", **old)
    assert checked.returncode == 0
    for name in ("PROBE_TIMEOUT", "UPLOADS_MIN_FREE_SPACE", "WORKER_STALL_TIMEOUT"):
        assert f"is called {name} now" in checked.stderr
    wrong = manage(tmp_path, "check", CALLBACK_PATIENCE="soon")
    assert wrong.returncode and "CALLBACK_PATIENCE='soon' is not valid" in wrong.stderr


def test_old_names_in_the_settings_of_a_django_site(settings: LazySettings) -> None:
    """Which `uploads` has without our environment."""
    del settings.UPLOADS_RECORD_RETENTION  # type: ignore[misc]
    settings.UPLOADS_KEEP_RECORDS = 77
    assert UploadsConf().UPLOADS_RECORD_RETENTION == 77
    assert [warning.id for warning in uploads.checks.old_names()] == ["uploads.W001"]
    settings.UPLOADS_RECORD_RETENTION = 78
    assert UploadsConf().UPLOADS_RECORD_RETENTION == 78


def test_every_option_says_what_it_is_for() -> None:
    found = list(all_settings())
    assert len({setting.name for setting in found}) == len(found) > 30
    assert all(setting.help.endswith(".") for setting in found)


@pytest.mark.starts
def test_defaults_in_the_table_are_what_counts_without_any_setting(tmp_path: Path) -> None:
    doctor = manage(tmp_path, "doctor")
    changed = re.findall(r"^  (\w+) = .*\(default: ", doctor.stdout, re.MULTILINE)
    assert {"DATA_DIR"} <= set(changed) <= {"DATA_DIR", "UPLOADS_DIR", "MODELS_DIR", "WORK_DIR"}
    names = re.findall(r"^  ([A-Z_]+) = ", doctor.stdout, re.MULTILINE)
    assert names == [setting.name for setting in all_settings()]
    # The model of the default engine may be beyond this machine's reach.
    assert set(re.findall("!!  ([^:]+):", doctor.stdout)) <= {"results"}


@pytest.mark.starts
def test_env_example_is_up_to_date_and_says_the_defaults(tmp_path: Path) -> None:
    """`manage.py doctor --env-example > .env.example` makes it so."""
    kept = (ROOT / ".env.example").read_text(encoding="utf-8")
    made = manage(tmp_path, "doctor", "--env-example").stdout
    assert made == kept == env_example()
    spoken = dict(re.findall(r"^#([A-Z_]+)=(.*)$", kept, re.MULTILINE))
    spoken |= {"DATA_DIR": str(tmp_path / "data")}
    told = manage(tmp_path, "doctor", **spoken)
    assert set(re.findall("!!  ([^:]+):", told.stdout)) <= {"results"}, told.stdout + told.stderr


def test_readme_has_the_table() -> None:
    """`manage.py doctor --settings-table` prints it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- settings -->")
    table, end, _ = rest.partition("<!-- /settings -->")
    assert end and table.strip() == settings_table().strip()


@pytest.mark.starts
def test_doctor_hides_secrets(tmp_path: Path) -> None:
    secrets = {
        "SECRET_KEY": "x" * 60,
        "ADMIN_PASSWORD": "hush hush",
        "DATABASE_URL": "postgres://me:sesame@127.0.0.1:1/x",
    }
    doctor = manage(tmp_path, "doctor", **secrets)
    assert doctor.returncode == 1  # and the database does not answer
    assert "!!  database" in doctor.stdout
    for secret in ("x" * 60, "hush", "sesame"):
        assert secret not in doctor.stdout + doctor.stderr
    assert "postgres://me:***@127.0.0.1:1/x" in doctor.stdout


@pytest.mark.starts
def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = {"PUBLIC_URL": "http://a.example", "ENGINE": "guessing", "UPLOADS_ACCEPT": "all"}
    doctor = manage(tmp_path, "doctor", **wrong)
    assert doctor.returncode == 1
    for said in ("are sent unencrypted", "ENGINE=guessing is unknown", "Use one of: media, any"):
        assert said in doctor.stdout
    heavy = manage(
        tmp_path,
        "shell",
        "-v0",
        "-c",
        "import sys; from contextlib import suppress\n"
        "from django.core.management import call_command\n"
        "with suppress(SystemExit): call_command('doctor')\n"
        "print({'av', 'faster_whisper', 'ctranslate2', 'onnxruntime'} & set(sys.modules))",
    )
    assert heavy.stdout.strip().endswith("set()"), heavy.stdout + heavy.stderr


def test_doctor_has_the_engine_s_own_word_of_what_is_not_installed(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lack a package of many, and its requirements are a file of their own."""
    settings.ENGINE = "whisperx"
    there = {*whisperx.PACKAGES} - {"pyannote"}
    monkeypatch.setattr(whisperx, "find_spec", lambda name: name if name in there else None)
    found = {finding.what: finding for finding in diagnostics.engines()}
    chosen = found["engine whisperx (chosen)"]
    assert chosen.fact == "not installed"
    assert "no package pyannote" in chosen.remedy and "requirements-whisperx.lock" in chosen.remedy
    monkeypatch.setattr(whisperx, "find_spec", lambda name: name)
    found = {finding.what: finding for finding in diagnostics.engines()}
    assert not found["engine whisperx (chosen)"].remedy


@pytest.mark.starts
def test_deployment_checks_have_nothing_to_say(tmp_path: Path) -> None:
    strict = ("check", "--deploy", "--fail-level", "WARNING")
    https = manage(tmp_path, *strict, PUBLIC_URL="https://transcripts.example.org")
    assert https.returncode == 0, https.stderr
    assert "(0 silenced)" in https.stdout
    for public in ("", "http://transcripts.example.org"):
        plain = manage(tmp_path, "check", "--fail-level", "WARNING", PUBLIC_URL=public)
        assert plain.returncode == 0, plain.stderr


@pytest.mark.starts
@pytest.mark.parametrize(
    ("setting", "said"),
    [({"CORS_ALLOWED_ORIGINS": "*"}, "site.W001"), ({"ALLOW_ANONYMOUS": "1"}, "site.W002")],
)
def test_wide_open_settings_are_warned_of(
    tmp_path: Path, setting: dict[str, str], said: str
) -> None:
    assert said in manage(tmp_path, "check", **setting).stderr


@pytest.mark.starts
def test_no_credentials_where_all_origins_are_served(tmp_path: Path) -> None:
    """Also where some of them are named besides."""
    code = "from django.conf import settings; print(settings.CORS_ALLOW_CREDENTIALS)"
    for origins, said in (("https://app.example,*", "False"), ("https://app.example", "True")):
        shown = manage(tmp_path, "shell", "-v0", "-c", code, CORS_ALLOWED_ORIGINS=origins)
        assert shown.stdout.strip() == said, shown.stderr


def test_a_dotenv_file_is_read_and_the_environment_goes_first(tmp_path: Path) -> None:
    from whisperx_site.configuration.environment import open_environment

    (tmp_path / ".env").write_text("SOME_A=file\nSOME_B=file\n")
    os.environ["SOME_B"] = "environment"
    try:
        found = open_environment(tmp_path)
        assert (found.str("SOME_A"), found.str("SOME_B")) == ("file", "environment")
    finally:
        os.environ.pop("SOME_A", None)
        os.environ.pop("SOME_B", None)
