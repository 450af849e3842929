"""What is amiss with how a page looks, found by asking the browser where everything is."""

from playwright.sync_api import Page

FINGER = 44  # CSS pixels
VISIBLE = """
const controls = [...document.querySelectorAll(
  "a, button, input:not([type=hidden]), select, summary, audio, video",
)].filter((one) => one.checkVisibility({ visibilityProperty: true }));
const called = (one) =>
  `${one.tagName} "${(one.getAttribute("aria-label") || one.textContent || one.id).trim()}"`;
"""
# Links within sentences are as high as their line, and a box to tick is as large as its label.
SMALL = """(least) => {
  %s
  const inSentence = (one) => one.tagName === "A" && one.closest("p:not(.back), .choice-hint");
  const area = (one) => (one.closest("label") ?? one).getBoundingClientRect();
  return controls.filter((one) => !inSentence(one) && !one.matches(".skip"))
    .map((one) => [called(one), area(one)])
    .filter(([, { width, height }]) => width < least - 0.5 || height < least - 0.5)
    .map(([name, { width, height }]) => `${name}: ${Math.round(width)} x ${Math.round(height)}`);
}"""
# A ring is clipped by whatever hides what leaves its box, blocks that are laid out late among it.
CLIPPED = """() => {
  %s
  const clips = (style) =>
    ![style.overflowX, style.overflowY].every((one) => one === "visible") ||
    style.contentVisibility === "auto" || style.contain.includes("paint");
  const isClipped = (one) => {
    one.focus({ focusVisible: true, preventScroll: false });
    const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(one);
    if (outlineStyle === "none") return false;
    const reach = Number.parseFloat(outlineWidth) + Number.parseFloat(outlineOffset);
    const box = one.getBoundingClientRect();
    for (let over = one.parentElement; over !== document.body; over = over.parentElement) {
      if (!clips(getComputedStyle(over))) continue;
      const edge = over.getBoundingClientRect();
      if (box.left - reach < edge.left - 0.5 || box.right + reach > edge.right + 0.5) return true;
      if (box.top - reach < edge.top - 0.5 || box.bottom + reach > edge.bottom + 0.5) return true;
    }
    return box.left - reach < 0 || box.right + reach > document.documentElement.clientWidth;
  };
  return controls.filter(isClipped).map(called);
}"""
# A text that is cut after some lines shows half of the next one where its box is higher than they.
HALVED = """() => [...document.querySelectorAll(".row-name, .sending-name")].filter((one) => {
  const line = Number.parseFloat(getComputedStyle(one).lineHeight);
  return one.scrollHeight > one.clientHeight + 1 && one.clientHeight % line > 2;
}).map((one) => one.textContent)"""
# Texts that share room with a control that they are no part of.
COVERED = """() => {
  %s
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const over = text.parentElement;
    const fixed = over.closest(".player, .toolbar, .search, template, script, option, legend");
    const hidden = fixed || over.closest(".visually-hidden, .skip") || !over.checkVisibility();
    if (!text.data.trim() || hidden) continue;
    const range = new Range();
    range.selectNodeContents(text);
    const edge = over.getBoundingClientRect();
    for (const line of range.getClientRects()) {
      for (const one of controls) {
        if (one.contains(text) || one.closest(".skip, .player, .toolbar, .search")) continue;
        for (const box of one.getClientRects()) {
          const wide = Math.min(line.right, edge.right, box.right) - Math.max(line.left, box.left);
          const high = Math.min(line.bottom, edge.bottom, box.bottom) - Math.max(line.top, box.top);
          if (wide > 1 && high > 1) found.push(`"${text.data.trim()}" and ${called(one)}`);
        }
      }
    }
  }
  return found;
}"""


def small_controls(page: Page) -> list[str]:
    """Controls that are too small for a finger, with their sizes."""
    found: list[str] = page.evaluate(SMALL % VISIBLE, FINGER)
    return found


def clipped_rings(page: Page) -> list[str]:
    """Controls whose ring is cut off when the keyboard comes to them."""
    found: list[str] = page.evaluate(CLIPPED % VISIBLE)
    return found


def covered_texts(page: Page) -> list[str]:
    """Texts that run under or over a control."""
    found: list[str] = page.evaluate(COVERED % VISIBLE)
    return found


def halved_names(page: Page) -> list[str]:
    """Names of files of which a line is seen in part."""
    found: list[str] = page.evaluate(HALVED)
    return found
