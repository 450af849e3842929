"""All figures, in the text format of Prometheus."""

import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from whisperx_site.monitoring import (
    cleanups,
    counted_requests,
    disks,
    jobs,
    uploads,
    webhooks,
)

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def as_text() -> bytes:
    registry = CollectorRegistry()
    registry.register(Figures())
    return generate_latest(registry)


class Figures(Collector):
    """What requests, rows and disks tell, at this moment."""

    def collect(self) -> Iterator[Metric]:
        version = GaugeMetricFamily("whisperx_site_info", "The version.", labels=("version",))
        version.add_metric((settings.PRODUCT_VERSION,), 1)
        yield version
        yield from counted_requests.collect()
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
