"""The problems that axe-core finds on a page for users of screen readers and keyboards."""

from typing import Any

from playwright.sync_api import Page

from tests.running import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def problems(page: Page) -> list[str]:
    """One line for each rule that the page breaks, with the elements that break it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    asked = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: list[dict[str, Any]] = page.evaluate(
        "asked => axe.run(document, asked).then(({ violations }) => violations)", asked
    )
    return [
        f"{one['id']} ({one['help']}): {[node['html'][:200] for node in one['nodes'][:5]]}"
        for one in found
    ]
