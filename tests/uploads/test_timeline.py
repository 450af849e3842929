"""What an upload's page tells of what brought its bytes."""

from __future__ import annotations

from uploads.services.activity.timeline import (
    FIRST,
    MOST,
    Visit,
    visits_in,
    with_visit,
    without_addresses,
)

DAY = 86400.0


def visit(begun: float, address: str = "a", cut: str = "", size: int = 10) -> Visit:
    return Visit(begun, begun + 1, address, held=0, size=size, cut=cut)


def told(*visits: Visit) -> list[Visit]:
    text = ""
    for one in visits:
        text = with_visit(text, one)
    return visits_in(text)


def test_requests_in_a_row_from_one_address_share_a_visit() -> None:
    (one,) = told(visit(0), visit(2), visit(4))
    assert (one.begun, one.ended, one.size, one.requests) == (0, 5, 30, 3)


def test_another_address_a_cut_or_a_pause_begin_another() -> None:
    found = told(visit(0), visit(2, "b"), visit(4, "b", cut="cut"), visit(6, "b"), visit(1000, "b"))
    assert [(one.address, one.requests, one.cut) for one in found] == [
        ("a", 1, ""),
        ("b", 2, "cut"),
        ("b", 1, ""),
        ("b", 1, ""),
    ]


def test_of_many_visits_those_in_the_middle_are_merged() -> None:
    """Nothing of their bytes, requests and times is lost."""
    many = [visit(number * DAY, size=number) for number in range(3 * MOST)]
    found = told(*many)
    assert len(found) == MOST
    assert sum(one.size for one in found) == sum(one.size for one in many)
    assert sum(one.requests for one in found) == sum(one.merged for one in found) == len(many)
    assert [one.merged for one in found].count(1) == MOST - 1
    assert found[FIRST].merged == 2 * MOST + 1
    assert found[0] == many[0] and found[-1] == many[-1]
    longest = told(
        *(visit(number * DAY, "x" * 64, "The body was cut off.") for number in range(500))
    )
    assert len(longest) == MOST


def test_addresses_can_be_forgotten() -> None:
    text = with_visit(with_visit("", visit(0, "203.0.113.7", "cut")), visit(2, "2001:db8::7"))
    forgotten = without_addresses(text)
    assert "203" not in forgotten and "2001" not in forgotten
    assert [one.cut for one in visits_in(forgotten)] == ["cut", ""]
    assert without_addresses("") == ""
