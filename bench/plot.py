"""The figures as a drawing: one panel a question, one bar a candidate. Plain SVG, by hand."""

from __future__ import annotations

from html import escape
from typing import Any

from bench.figures import TITLES, Figures

WIDTH, LEFT, RIGHT = 860, 150, 70
BAR, GAP, PANEL_GAP, TITLE = 18, 6, 26, 24
COLOURS = {"limit": "#9aa3ab", "ours": "#1f6feb", "tus-node": "#6fa36f", "tuspyserver": "#c98a4b"}
# Case, figure, title, digits.
PANELS = (
    ("bulk-one-patch", "cpu_gib", "One PATCH: CPU seconds a GiB (less is better)", 2),
    ("bulk-one-patch", "mb_s", "One PATCH: MB a second (more is better)", 0),
    ("bulk-5-mib", "cpu_gib", "5 MiB chunks: CPU seconds a GiB (less is better)", 2),
    ("post-patch-16", "rate", "Small uploads a second, 16 connections (more is better)", 0),
    ("post-patch-16", "cpu_request", "Small uploads: CPU ms a request (less is better)", 2),
    ("head-16", "rate", "HEAD a second, 16 connections (more is better)", 0),
    ("slow", "in_time", "Slow clients served in time (more is better)", 0),
    ("slow", "fast_beside", "Fast client among slow ones: MB a second (more is better)", 0),
)


def plot(machine: dict[str, Any], figures: Figures) -> str:
    """The drawing, as SVG."""
    parts: list[str] = []
    y = 46
    for case, figure, title, digits in PANELS:
        bars = {
            name: value
            for name in TITLES
            if (value := figures.median(case, name, figure)) is not None
        }
        if bars:
            parts += panel(y, title, bars, digits)
            y += TITLE + len(bars) * (BAR + GAP) + PANEL_GAP
    hardware = f"{machine['cpu']}, {machine['cores']} cores"
    head = f"{machine['date']}, {hardware}, rounds: {machine['rounds']}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
            f'height="{y}" font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>',
            text(12, 24, head, "#57606a"),
            *parts,
            "</svg>",
            "",
        ]
    )


def panel(y: int, title: str, bars: dict[str, float], digits: int) -> list[str]:
    """One question."""
    parts = [text(12, y + 10, title, "#1f2328", ' font-weight="bold"')]
    longest = max(bars.values()) or 1
    for place, (name, value) in enumerate(bars.items()):
        top = y + TITLE + place * (BAR + GAP)
        width = (WIDTH - LEFT - RIGHT) * value / longest
        parts.append(text(LEFT - 8, top + 14, TITLES[name], "#1f2328", ' text-anchor="end"'))
        parts.append(
            f'<rect x="{LEFT}" y="{top}" width="{max(width, 1):.1f}" height="{BAR}" '
            f'fill="{COLOURS[name]}"/>'
        )
        parts.append(text(LEFT + int(width) + 6, top + 14, f"{value:.{digits}f}", "#1f2328"))
    return parts


def text(x: int, y: int, words: str, colour: str, more: str = "") -> str:
    """A line of text."""
    return f'<text x="{x}" y="{y}" fill="{colour}"{more}>{escape(words)}</text>'
