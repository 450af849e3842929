"""The sums of what all web processes of this site counted."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from whisperx_site.monitoring import counter_files, counters
from whisperx_site.monitoring.counters import (
    BUCKETS,
    BYTES,
    DURATIONS,
    INTERRUPTIONS,
    PLACE_OF_REASON,
    REFUSALS,
    RESUMES,
    SECONDS,
)


def collect() -> Iterator[Metric]:
    """Nothing if they can't be stored."""
    counters.of_this_process()  # so that they are there before the first request
    sums = counter_files.sums()
    if not sums:
        return
    yield CounterMetricFamily(
        "whisperx_upload_received_bytes",
        "Bytes of uploads that were received and acknowledged.",
        value=sums[BYTES],
    )
    yield CounterMetricFamily(
        "whisperx_upload_resumes",
        "Times that a client asked where to resume an unfinished upload (HEAD).",
        value=sums[RESUMES],
    )
    yield CounterMetricFamily(
        "whisperx_upload_interruptions",
        "Requests that brought fewer bytes than they declared.",
        value=sums[INTERRUPTIONS],
    )
    names = [*map(floatToGoString, DURATIONS), "+Inf"]
    yield HistogramMetricFamily(
        "whisperx_upload_patch_duration_seconds",
        "Time from a PATCH's headers to its answer, including the time that its bytes took.",
        buckets=list(zip(names, accumulate(sums[BUCKETS:REFUSALS]), strict=True)),
        sum_value=sums[SECONDS],
    )
    refusals = CounterMetricFamily(
        "whisperx_upload_refusals",
        "Requests for uploads that were refused, by the reason.",
        labels=("reason",),
    )
    for reason, place in PLACE_OF_REASON.items():
        refusals.add_metric((reason,), sums[place])
    yield refusals
