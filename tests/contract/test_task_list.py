"""The list of tasks: search, filters, pages and faults (contract, sections 5 and 6), over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.running import Site

from .task_requests import get, listed

ROW = {
    *("identifier", "status", "task_type", "file_name", "url", "audio_duration", "language"),
    *("error", "duration", "start_time", "end_time"),
}


def test_the_list_is_whole_and_begins_with_the_oldest(site: Site, kept: dict[str, str]) -> None:
    body = listed(site, unknown="x", limit=1)
    assert set(body) == {"tasks"}
    assert all(set(row) == ROW for row in body["tasks"])
    found = [row["identifier"] for row in body["tasks"] if row["identifier"] in kept.values()]
    assert found == list(kept.values())


def test_a_row_says_what_the_task_says(site: Site, kept: dict[str, str]) -> None:
    rows = {row["identifier"]: row for row in listed(site)["tasks"]}
    for identifier in kept.values():
        task, row = site.task(identifier), rows[identifier]
        assert (row["status"], row["error"]) == (task["status"], task["error"])
        for key in ROW - {"identifier", "status", "error"}:
            assert row[key] == task["metadata"][key], key


def names(body: dict[str, Any]) -> list[str]:
    return [
        row["file_name"] for row in body["tasks"] if (row["file_name"] or "").startswith("kept")
    ]


@pytest.mark.parametrize(
    "part, found",
    [("KEPT-f", ["full", "failed"]), ("t-ful", ["full"]), (".wav.", []), ("kept_full", [])]
    + [("100%_", ["Ā"]), ("ārsts", ["Ā"]), ("Ä.mp3", ["Ā"]), ("%", ["Ā"]), ("x" * 200, [])]
    + [("ā.*", []), ("[ä]", []), ("kept-full\0", ["full"]), ("😀", []), ("\\", []), ("'", [])],
)
def test_search(site: Site, kept: dict[str, str], part: str, found: list[str]) -> None:
    """A part of the file's name, whatever the case; wildcards are letters."""
    for query in ({}, {"page_size": 200}):
        said = names(listed(site, q=part, **query))
        assert len(said) == len(found) and all(any(f in name for name in said) for f in found)


@pytest.mark.parametrize(
    "status, found",
    [("completed", 6), ("failed", 2), ("processing", 1), ("queued", 0), ("warnings", 0)]
    + [("cancelled", 0), ("Completed", 0), ("complete", 0), ("", 9), ("x" * 32, 0), ("\0", 0)],
)
def test_status_filter(site: Site, kept: dict[str, str], status: str, found: int) -> None:
    """Exactly the four words that clients know."""
    for query in ({}, {"page": 1, "page_size": 200}):
        body = listed(site, q="kept", status=status, **query)
        assert len(body["tasks"]) == found - (status in ("", "completed"))  # one has no name
        assert not status or {row["status"] for row in body["tasks"]} <= {status}


def test_pages(site: Site, kept: dict[str, str]) -> None:
    """Only where they are asked for; the newest first."""
    whole = [row["identifier"] for row in listed(site, q="kept-")["tasks"]]
    assert len(whole) == 8
    pages = [listed(site, q="kept-", page=number, page_size=3) for number in (1, 2, 3, 4)]
    for number, body in enumerate(pages, 1):
        assert set(body) == {"tasks", "total", "page", "page_size"}
        assert (body["total"], body["page"], body["page_size"]) == (8, number, 3)
    found = [row["identifier"] for body in pages for row in body["tasks"]]
    assert found == whole[::-1]
    assert [len(body["tasks"]) for body in pages] == [3, 3, 2, 0]
    for query, size in (({"page": 1}, 50), ({"page_size": 200}, 200), ({"page_size": 1}, 1)):
        body = listed(site, **query)
        assert (body["page"], body["page_size"]) == (1, size) and len(body["tasks"]) <= size
    assert listed(site, page=10**30)["tasks"] == []
    assert listed(site, page="+1", page_size=" 2 ")["page_size"] == 2
    last = get(site, "/task/all?page=0&page=2&page_size=1&page_size=5").json()
    assert (last["page"], last["page_size"]) == (2, 5)


@pytest.mark.parametrize(
    "name, value, kind, message, bound",
    [
        ("page", "0", "greater_than_equal", "greater than or equal to 1", {"ge": 1}),
        ("page", "-1", "greater_than_equal", "greater than or equal to 1", {"ge": 1}),
        ("page_size", "0", "greater_than_equal", "greater than or equal to 1", {"ge": 1}),
        ("page_size", "201", "less_than_equal", "less than or equal to 200", {"le": 200}),
        ("page", "", "int_parsing", "a valid integer, unable to parse string as an integer", None),
        ("page", "x", "int_parsing", "a valid integer, unable to parse string as an integer", None),
        ("page_size", "1.5", "int_parsing", "a valid integer, unable to parse string", None),
        ("page", "null", "int_parsing", "a valid integer, unable to parse string", None),
        ("q", "x" * 201, "string_too_long", "at most 200 characters", {"max_length": 200}),
        ("status", "x" * 33, "string_too_long", "at most 32 characters", {"max_length": 32}),
    ],
)
def test_out_of_range(
    site: Site, name: str, value: str, kind: str, message: str, bound: dict[str, int] | None
) -> None:
    """422 with all that is wrong (sections 5 and 6)."""
    answer = get(site, "/task/all", **{name: value})
    assert answer.status_code == 422
    (fault,) = answer.json()["detail"]
    assert message in fault.pop("msg")
    context = {"ctx": bound} if bound else {}
    assert fault == {"type": kind, "loc": ["query", name], "input": value, **context}


def test_all_faults_come_together(site: Site) -> None:
    answer = get(site, "/task/all", page="0", page_size="x", q="x" * 201, status="x" * 33)
    assert answer.status_code == 422
    assert {fault["loc"][1] for fault in answer.json()["detail"]} == {
        *("page", "page_size", "q", "status")
    }
