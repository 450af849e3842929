"""Each alert fires when it should, and not otherwise: `promtool test rules` plays the time."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.monitoring.test_rules import FOLDER
from tests.programs import needed

ALERTS = FOLDER / "alerts.yml"
QUIET = {
    'up{job="transcripts"}': "1x200",
    "whisperx_database_up": "1x200",
    'whisperx_disk_free_bytes{kind="uploads"}': "60x200",
    'whisperx_disk_size_bytes{kind="uploads"}': "100x200",
    'whisperx_upload_refusals_total{reason="disk_full"}': "0x200",
    'whisperx_upload_refusals_total{reason="unavailable"}': "0x200",
    "whisperx_upload_interruptions_total": "0+1x200",
    "whisperx_upload_patch_duration_seconds_count": "0+60x200",
    'whisperx_queue_oldest_job_age_seconds{priority="normal"}': "60x200",
    'whisperx_queue_oldest_job_age_seconds{priority="low"}': "9000x200",
    'whisperx_queue_jobs{priority="normal"}': "3x200",
    'whisperx_queue_jobs{priority="low"}': "0x200",
    'whisperx_jobs{state="processing"}': "1x200",
    'whisperx_jobs{state="failed"}': "7x200",
    'whisperx_job_real_time_factor_ratio{stage="transcribe"}': "0.4x200",
    "whisperx_cleanup_last_run_timestamp_seconds": "0+60x200",
    "whisperx_cleanup_last_run_errors": "0x200",
    'whisperx_cleanup_last_day_results{result="lost"}': "0x200",
    'whisperx_cleanup_last_day_results{result="expired"}': "5x200",
    "whisperx_cleanup_orphans_kept": "0x200",
    "whisperx_webhook_overdue_seconds": "5x200",
    'whisperx_webhooks{state="given_up"}': "2x200",
}
"""Figures of a site where all is well, a minute apart."""
TROUBLE = {
    "TranscriptsDown": {'up{job="transcripts"}': "0x200"},
    "TranscriptsDatabaseDown": {"whisperx_database_up": "0x200"},
    "TranscriptsDiskAlmostFull": {'whisperx_disk_free_bytes{kind="uploads"}': "4x200"},
    "TranscriptsDiskFull": {'whisperx_upload_refusals_total{reason="disk_full"}': "0+1x200"},
    "TranscriptsRequestsFail": {'whisperx_upload_refusals_total{reason="unavailable"}': "0+10x200"},
    "TranscriptsManyInterruptions": {"whisperx_upload_interruptions_total": "0+40x200"},
    "TranscriptsQueueIsOld": {
        'whisperx_queue_oldest_job_age_seconds{priority="normal"}': "60+60x200"
    },
    "TranscriptsQueueStandsStill": {'whisperx_jobs{state="processing"}': "0x200"},
    "TranscriptsJobsFail": {'whisperx_jobs{state="failed"}': "7+1x200"},
    "TranscriptsSlowerThanTheRecordings": {
        'whisperx_job_real_time_factor_ratio{stage="transcribe"}': "3x200"
    },
    "TranscriptsCleanupIsMissing": {"whisperx_cleanup_last_run_timestamp_seconds": "0x200"},
    "TranscriptsCleanupFails": {"whisperx_cleanup_last_run_errors": "1x200"},
    "TranscriptsBytesLost": {'whisperx_cleanup_last_day_results{result="lost"}': "1x200"},
    "TranscriptsOrphansWait": {"whisperx_cleanup_orphans_kept": "9x200"},
    "TranscriptsWebhooksAreLate": {"whisperx_webhook_overdue_seconds": "5+60x200"},
    "TranscriptsWebhooksGivenUp": {'whisperx_webhooks{state="given_up"}': "2x150 3x50"},
}
NAMES = re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))


def test_each_alert_has_its_trouble() -> None:
    assert list(TROUBLE) == NAMES


def play(tmp_path: Path, series: dict[str, str], firing: str) -> str:
    """Whether after three hours that alert fires, if any, and no other; the problem if not."""
    steps = [{"series": name, "values": values} for name, values in series.items()]
    expected = [
        {"eval_time": "3h", "alertname": name, "exp_alerts": []} for name in NAMES if name != firing
    ]
    group = f'count(ALERTS{{alertname="{firing}",alertstate="firing"}})'
    fires = {"expr": group, "eval_time": "3h", "exp_samples": [{"labels": "{}", "value": 1}]}
    test = {
        "interval": "1m",
        "input_series": steps,
        "alert_rule_test": expected,
        "promql_expr_test": [fires] if firing else [],
    }
    file = tmp_path / "play.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "tests": [test]}))
    played = subprocess.run(
        [needed("promtool"), "test", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SUCCESS" in played.stdout or "FAILED" in played.stderr + played.stdout
    return "" if played.returncode == 0 else played.stdout + played.stderr


@pytest.mark.starts
def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    assert play(tmp_path, QUIET, "") == ""


@pytest.mark.starts
@pytest.mark.parametrize("name", NAMES)
def test_an_alert_fires_alone(tmp_path: Path, name: str) -> None:
    assert play(tmp_path, QUIET | TROUBLE[name], name) == ""
