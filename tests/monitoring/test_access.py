"""Who may read `/metrics`, and that without METRICS there is nothing."""

from __future__ import annotations

import requests

from tests.monitoring.conftest import MONITOR
from tests.monitoring.reading import ask_from
from tests.running import Site
from tests.site.people import make_key, make_user, signed_in


def with_key(site: Site, key: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.get(f"{site.url}/metrics", headers=headers, timeout=30)


def test_staff_with_a_key_or_a_session(counted: Site) -> None:
    make_user(counted, "ann")
    ann = with_key(counted, make_key(counted, "ann"))
    assert (ann.status_code, ann.json()["detail"]) == (403, "Only staff may read the figures.")
    assert with_key(counted, make_key(counted)).status_code == 200
    assert with_key(counted, "wxs_unknown").status_code == 401
    assert signed_in(counted).get(f"{counted.url}/metrics", timeout=30).status_code == 200
    assert signed_in(counted, "ann").get(f"{counted.url}/metrics", timeout=30).status_code == 403


def test_networks_without_a_key(counted: Site) -> None:
    assert "whisperx_database_up 1.0" in ask_from(counted, MONITOR).text
    assert ask_from(counted, "127.0.0.3").status_code == 401
    for mark in ("X-Forwarded-For", "Via", "Forwarded", "X-Real-IP"):
        assert ask_from(counted, MONITOR, **{mark: MONITOR}).status_code == 401, mark
        assert ask_from(counted, "127.0.0.3", **{mark: MONITOR}).status_code == 401, mark


def test_a_network_opens_nothing_else(counted: Site) -> None:
    with requests.Session() as session:
        adapter = session.get_adapter(counted.url)
        adapter.init_poolmanager(1, 1, source_address=(MONITOR, 0))  # type: ignore[attr-defined]
        for path in ("/task/all", "/", "/metrics/", "/metrics/x", "/admin/"):
            answer = session.get(counted.url + path, timeout=30)
            assert answer.status_code == 401, path
        assert session.post(f"{counted.url}/metrics", timeout=30).status_code == 405
        assert session.head(f"{counted.url}/metrics", timeout=30).status_code == 200


def test_without_metrics_there_is_nothing(site: Site) -> None:
    answer = site.http.get(f"{site.url}/metrics", timeout=30)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "There are no figures: METRICS is off.",
    )
    assert not (site.data_dir / "metrics").exists()
    told = site.shell(
        "import sys\n"
        "from whisperx_site import wsgi\n"
        "print(wsgi.application is wsgi.serve, 'whisperx_site.monitoring.counters' in sys.modules)"
    )
    assert told.split() == ["True", "False"]
