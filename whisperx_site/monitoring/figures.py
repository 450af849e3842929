"""All figures, in the text format of Prometheus."""

import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from whisperx_site.monitoring import cleanups, counters, disks, jobs, uploads, webhooks

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def as_text() -> bytes:
    """The figures of the database, and the sums of what all web processes of this site counted."""
    counters.of_this_process()  # so that also counters without any count are shown
    registry = CollectorRegistry()
    registry.register(DatabaseFigures())
    MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    try:
        return generate_latest(registry)
    except FileNotFoundError:  # a new process has just taken over the files of an ended one
        return generate_latest(registry)


class DatabaseFigures(Collector):
    """What rows and disks tell, at this moment."""

    def collect(self) -> Iterator[Metric]:
        version = GaugeMetricFamily("whisperx_site_info", "The version.", labels=("version",))
        version.add_metric((settings.PRODUCT_VERSION,), 1)
        yield version
        answers = True
        for subject in (uploads, jobs, webhooks, cleanups, disks):
            try:
                yield from list(subject.collect())
            except DatabaseError as problem:
                logger.warning("figures of %s are missing: %s", subject.__name__, problem)
                connection.close()
                answers = False
                break  # each of the others would wait for it, too
        yield GaugeMetricFamily(
            "whisperx_database_up", "Whether the database answers: 1, or 0.", value=int(answers)
        )
