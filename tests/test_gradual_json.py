"""JSON in steps is the same JSON."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from transcription.http import gradual_json
from transcription.http.gradual_json import GradualReader, read_gradually, write_gradually

LEAVES = [0, -1, 2.5, 1e9, -1e-9, 10**30, True, False, None, "", 'é"\\\n\t😀', "]},:[{", "a" * 300]


def value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth > 4 or kind < 0.3:
        return chance.choice(LEAVES)
    count = chance.randrange(6)
    if kind < 0.65:
        return [value(chance, depth + 1) for _ in range(count)]
    return {f"key {number}": value(chance, depth + 1) for number in range(count)}


@pytest.mark.parametrize("window", [1, 2, 5, 30, 200, 65536])
def test_it_reads_and_writes_what_python_does(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    """Whole documents, and damaged ones, whatever falls on the edge of a window."""
    monkeypatch.setattr(gradual_json, "WINDOW", window)
    chance = random.Random(window)
    for _ in range(100):
        made = value(chance)
        for text in (json.dumps(made), json.dumps(made, indent=1), f" {json.dumps(made)}\n"):
            assert read_gradually(text) == made
        assert json.loads("".join(write_gradually(made))) == made
        place = chance.randrange(len(text))
        damaged = text[:place] + chance.choice(["", "]", "x", ",", "}"]) + text[place + 1 :]
        try:
            expected = json.loads(damaged)
        except ValueError:
            with pytest.raises(ValueError):
                read_gradually(damaged)
        else:
            assert read_gradually(damaged) == expected


def test_iterators_become_lists() -> None:
    made = {"a": iter([1, {"b": iter("xy")}]), "c": iter(()), "d": []}
    assert "".join(write_gradually(made)) == '{"a":[1,{"b":["x","y"]}],"c":[],"d":[]}'


def test_each_item_is_a_step() -> None:
    """The longest of them has a window's length, however the whole is nested."""
    steps: list[int] = []
    text = json.dumps({"a": [{"b": [{"c": number} for number in range(20_000)]}]})
    reader = GradualReader(text, lambda: steps.append(reader.place))
    assert reader.value() == json.loads(text)
    assert len(steps) > 20_000
    assert max(b - a for a, b in zip(steps, steps[1:], strict=False)) < gradual_json.WINDOW
    written: list[int] = []
    pieces = write_gradually({"a": [1] * 1000}, lambda: written.append(1))
    assert json.loads("".join(pieces)) == {"a": [1] * 1000} and len(written) > 1000


@pytest.mark.parametrize("text", ["[" * 10_000_000, '{"a":' * 100_000, "[" * 300 + " " * 70_000])
def test_what_is_nested_endlessly_is_refused(text: str) -> None:
    with pytest.raises((RecursionError, ValueError)):
        read_gradually(text)


def test_deep_and_long_documents_are_no_work() -> None:
    """Each window was read once for each of 200 containers around it."""
    for depth, fits in ((6, True), (12, False)):
        text = "[" * depth + "0," * 40_000 + "0" + "]" * depth
        if fits:
            assert read_gradually(text) == json.loads(text)
        else:
            with pytest.raises(RecursionError):
                read_gradually(text)


def test_what_is_written_before_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is ready when a transaction begins: no step in which others go on while it lasts."""
    made = {"a": [1, {"b": "\0"}]}
    ready = gradual_json.Encoded(made)
    monkeypatch.delattr(gradual_json, "write_gradually")
    assert json.loads(json.dumps(ready, cls=gradual_json.GradualEncoder)) == made
