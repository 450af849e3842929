"""Rows on standard output: columns for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder


def write_json(out: OutputWrapper, facts: Any) -> None:
    """One JSON document; times are ISO 8601."""
    out.write(json.dumps(facts, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))


def write_table(out: OutputWrapper, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their texts; nothing if there are no rows."""
    lines = [list(map(printable, row)) for row in rows]
    if not lines:
        return
    table = [[title.upper() for title in head], *lines]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        out.write("  ".join(cells).rstrip())


def write_facts(out: OutputWrapper, facts: Mapping[str, Any]) -> None:
    """One line a fact; those without a value are left out."""
    shown = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        if isinstance(value, dict):
            value = [f"{key}: {one}" for key, one in value.items()]
        values = value if isinstance(value, list) else [value]
        for at, one in enumerate(values):
            out.write(f"{'' if at else name:<{width}}  {printable(str(one))}")


def printable(text: str) -> str:
    """Without signs that would steer the terminal: file names come from strangers."""
    plain = text.replace("\N{NO-BREAK SPACE}", " ")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in plain)
