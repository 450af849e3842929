"""Small charts of the last day, as inline SVG."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Value
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HOURS = 24
WIDTH, HEIGHT, GAP = 10, 40, 2


def by_hour(rows: QuerySet[Any], column: str, now: datetime) -> list[int]:
    """How many rows have their time in each of the last hours, the oldest first.

    One query, each part of which counts a range of the column's index.
    """
    counts = []
    for hour in range(HOURS):
        end = now - timedelta(hours=HOURS - 1 - hour)
        within = {f"{column}__gt": end - timedelta(hours=1), f"{column}__lte": end}
        part = rows.order_by().filter(**within).annotate(hour=Value(hour)).values("hour")
        counts.append(part.annotate(count=Count("*")).values_list("hour", "count"))
    found = dict(counts[0].union(*counts[1:], all=True))
    return [found.get(hour, 0) for hour in range(HOURS)]


def bars(counts: Sequence[int], label: str) -> SafeString:
    """A bar an hour; what each stands for is told to those who point at it, or listen.

    Args:
        counts: The oldest first; the last hour ends now.
        label: What is counted, in the plural.
    """
    most = max(counts, default=0)
    heights = [round(HEIGHT * count / most) if most else 0 for count in counts]
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        (
            (
                number * WIDTH,
                HEIGHT - max(height, 1),
                WIDTH - GAP,
                max(height, 1),
                f"{count:,} {label}, {_when(len(counts) - number)}",
            )
            for number, (height, count) in enumerate(zip(heights, counts, strict=True))
        ),
    )
    said = f"{sum(counts):,} {label} in the last day, at most {most:,} in an hour"
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>',
        WIDTH * len(counts),
        HEIGHT,
        said,
        drawn,
    )


def _when(hours_ago: int) -> str:
    return "in the last hour" if hours_ago == 1 else f"{hours_ago} hours ago"
