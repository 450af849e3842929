"""The rules, the dashboard and their manual name figures that a busy site really shows."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitoring.reading import figures_of, names_in, text_of
from tests.programs import needed
from tests.running import ROOT, Site
from tests.speech import recordings
from tests.uploads.conftest import created, patch

FOLDER = ROOT / "docs" / "monitoring"
NAME = re.compile(r"\bwhisperx_[a-z_]+\b")
AUDIO_SECONDS = 9.0


@pytest.fixture(scope="module")
def shown(counted: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a site that has received, refused, cleaned up and transcribed."""
    speech = recordings.long_speech(AUDIO_SECONDS, pause=0.2)
    recording = recordings.write(tmp_path_factory.mktemp("audio") / "speech.wav", speech)
    address = counted.upload(recording)
    assert patch(counted, created(counted, 9), 5, b"1").status == 409
    task = counted.http.head(address, timeout=30).headers["X-Task-Id"]
    assert counted.wait_for_task(task)["status"] == "completed"
    counted.manage("cleanup_uploads")
    return text_of(counted)


def test_the_figures_of_a_job(shown: str) -> None:
    figures = figures_of(shown)

    def of_stage(name: str) -> float:
        found = [
            value
            for (known, labels), value in figures.items()
            if known == f"whisperx_{name}"
            and {("stage", "transcribe"), ("engine", "faster-whisper")} <= labels
            and {key for key, _ in labels} == {"stage", "engine", "model", "device"}
        ]
        assert len(found) == 1, name
        return found[0]

    count, work = (of_stage(f"job_stage_duration_seconds_{part}") for part in ("count", "sum"))
    audio = of_stage("job_stage_audio_seconds_total")
    assert count == 1
    assert 0 < work < 90
    assert AUDIO_SECONDS / 2 < audio < 2 * AUDIO_SECONDS
    assert of_stage("job_real_time_factor_ratio") == pytest.approx(work / audio)
    assert figures["whisperx_jobs", frozenset({("state", "completed")})] == 1
    for priority in ("low", "normal", "high"):
        assert figures["whisperx_queue_jobs", frozenset({("priority", priority)})] >= 0
    assert figures["whisperx_cleanup_last_run_errors", frozenset()] == 0


def test_disks(shown: str, counted: Site) -> None:
    figures = figures_of(shown)
    for kind in ("uploads", "models", "work", "data"):
        free, size = (
            figures[f"whisperx_disk_{what}_bytes", frozenset({("kind", kind)})]
            for what in ("free", "size")
        )
        assert 0 <= free < size
    database = figures["whisperx_disk_used_bytes", frozenset({("kind", "database")})]
    assert (counted.data_dir / "db.sqlite3").stat().st_size <= database < 2**30


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_what_rules_and_dashboard_name_is_shown(shown: str, name: str) -> None:
    named = set(NAME.findall((FOLDER / name).read_text(encoding="utf-8")))
    assert len(named) > 10
    assert named <= names_in(shown)


def test_labels_in_rules_and_dashboard_have_such_values(shown: str) -> None:
    """A misspelt value would never match anything."""
    labels = {pair for _, pairs in figures_of(shown) for pair in pairs}
    text = "".join((FOLDER / name).read_text("utf-8") for name in ("alerts.yml", "dashboard.json"))
    wanted = set(re.findall(r"(reason|state|priority|result|stage)!?=\\?\"(\w+)\\?\"", text))
    assert len(wanted) > 5
    assert wanted <= labels


def test_the_manual_has_each_figure_and_no_other(shown: str) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    _, _, tables = text.partition("\n## Uploads")
    described = set(NAME.findall(re.sub(r"(?m)^[^|].*$", "", tables)))
    parts = re.compile(r"_(bucket|sum|count)$")
    assert described == {parts.sub("", name) for name in names_in(shown)}


def test_the_dashboard_is_one(shown: str) -> None:
    """Each panel has a place of its own, and asks for something."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len(panels) > 10
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & taken and max(x for x, _ in own) < 24, panel["title"]
        taken |= own
        assert all(NAME.search(target["expr"]) for target in panel["targets"]) and panel["targets"]


def test_promtool_likes_the_figures(shown: str) -> None:
    checked = subprocess.run(
        [needed("promtool"), "check", "metrics"],
        input=shown,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def expressions() -> Iterator[str]:
    """All expressions of the dashboard, with values for Grafana's variables."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")


@pytest.mark.starts
def test_promtool_understands_rules_and_dashboard(tmp_path: Path) -> None:
    """It checks the expressions of rules: the dashboard's become such."""
    rules = [
        {"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions())
    ]
    assert len(rules) > 15
    panels = tmp_path / "panels.yml"
    panels.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    for file in (FOLDER / "alerts.yml", panels):
        checked = subprocess.run(
            [needed("promtool"), "check", "rules", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert re.search(r"SUCCESS: \d{2,} rules found", checked.stdout), checked.stdout
