"""Reads `/metrics`, as Prometheus does."""

from __future__ import annotations

from collections import Counter

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.running import Site

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def text_of(site: Site) -> str:
    """What the site shows to its own key."""
    answer = site.http.get(f"{site.url}/metrics", timeout=30)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def figures_of(text: str) -> Figures:
    """All samples, by name and labels; none comes twice."""
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    keys = Counter((sample.name, frozenset(sample.labels.items())) for sample in samples)
    assert samples and not [key for key, number in keys.items() if number > 1]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def names_in(text: str) -> set[str]:
    """The names of all samples; of a histogram and a summary those of its parts."""
    return {name for name, _ in figures_of(text)}


class Reader:
    """Figures of a site, and what was added since."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.before = figures_of(text_of(site))

    def now(self, name: str, **labels: str) -> float:
        """The present value."""
        return figures_of(text_of(self.site))[f"whisperx_{name}", frozenset(labels.items())]

    def added(self, name: str, **labels: str) -> float:
        """What was added since this reader was made."""
        key = (f"whisperx_{name}", frozenset(labels.items()))
        return figures_of(text_of(self.site))[key] - self.before[key]


def ask_from(site: Site, address: str, **headers: str) -> requests.Response:
    """A request for the figures, without a key, from another loopback address."""
    with requests.Session() as session:
        adapter = session.get_adapter(site.url)
        adapter.init_poolmanager(1, 1, source_address=(address, 0))  # type: ignore[attr-defined]
        return session.get(f"{site.url}/metrics", headers=headers, timeout=30)
