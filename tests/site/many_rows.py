"""Fills a site's database with many rows: `python -m tests.site.many_rows --ended 1000000`.

For looking at the admin with as many; DATA_DIR or DATABASE_URL name the database.
"""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

BATCH = 5_000
WORDS = ("interview", "meeting", "lecture", "podcast", "call", "Besprechung", "réunion", "会议")
REASONS = ("The file has no sound.", "The decoder crashed.", "The model can't be downloaded.")
DAYS = 400


def uploads(count: int, state: str, chance: random.Random, now: datetime) -> Iterator[Any]:
    """Created over DAYS; those that are received now in the last hours."""
    from uploads.models import Upload

    flying = state == "receiving"
    for number in range(count):
        seconds = chance.uniform(0, 36 * 3600 if flying else DAYS * 86400)
        created = now - timedelta(seconds=seconds)
        length = chance.randrange(1, 5 * 10**9)
        last = created + timedelta(seconds=chance.uniform(0, seconds if flying else 3600))
        yield Upload(
            state=state,
            file_name=f"{chance.choice(WORDS)} {number}.mp3",
            length=length,
            offset=chance.randrange(length) if flying else 0,
            created=created,
            last_activity=last,
            expires=now + timedelta(days=1) if flying else None,
            has_bytes=flying,
            client_address="203.0.113.7",
            requests=chance.randrange(1, 100),
        )


def jobs(count: int, chance: random.Random, now: datetime) -> Iterator[Any]:
    from transcription.models import Job

    for number in range(count):
        created = now - timedelta(seconds=chance.uniform(3600, DAYS * 86400))
        state = chance.choices(("completed", "failed", "cancelled"), (90, 8, 2))[0]
        yield Job(
            state=state,
            stage="complete",
            file_name=f"{chance.choice(WORDS)} {number}.mp3",
            created=created,
            queued=created,
            started=created,
            finished=created + timedelta(seconds=chance.uniform(10, 3000)),
            error=chance.choice(REASONS) if state == "failed" else "",
            engine="faster-whisper",
            engine_used="faster-whisper",
            model_used="tiny.en",
            language_used="en",
            audio_duration=chance.uniform(10, 7200),
        )


def store(rows: Iterator[Any], say: Callable[[str], None]) -> None:
    done = 0
    while batch := [*islice(rows, BATCH)]:
        type(batch[0]).objects.bulk_create(batch)
        done += len(batch)
        if done % 100_000 == 0:
            say(f"{done:,} {type(batch[0])._meta.verbose_name_plural}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", type=int, default=1_000)
    parser.add_argument("--ended", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "whisperx_site.settings")
    import django

    django.setup()
    from django.utils import timezone

    chance, now = random.Random(1), timezone.now()
    for rows in (
        uploads(asked.in_flight, "receiving", chance, now),
        uploads(asked.ended // 2, "terminated", chance, now),
        uploads(asked.ended - asked.ended // 2, "finished", chance, now),
        jobs(asked.jobs, chance, now),
    ):
        store(rows, print)


if __name__ == "__main__":
    main()
