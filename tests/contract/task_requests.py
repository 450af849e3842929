"""What tests of tasks ask a site."""

from __future__ import annotations

from typing import Any

import requests

from tests.running import Site


def get(site: Site, path: str, **query: Any) -> requests.Response:
    return site.http.get(site.url + path, params=query, timeout=30)


def listed(site: Site, **query: Any) -> dict[str, Any]:
    answer = get(site, "/task/all", **query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
