"""What one can act on in a page: whether the keyboard alone comes to all of it, and whether it needs a script."""

from __future__ import annotations

from support.browser import Seat

ACTS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
"""Selects whatever does something when it is pressed or typed into, and parts that the keyboard moves."""
STEP = 40
"""Presses of Tab after which it is looked whether they came to anything more; a field of a day takes several."""
WATCH = """() => {
  window.reached = new Set();
  window.unmarked = new Set();
  document.addEventListener("focusin", ({ target }) => {
    reached.add(target);
    if (getComputedStyle(target).outlineStyle === "none") unmarked.add(target);
  });
}"""
"""Notes where the keyboard stops, and where nobody would see that it does."""
FIND_MISSED = """(acts) => {
  const chosen = new Set([...reached].filter((e) => e.type === "radio").map((e) => e.name));
  const left = [...document.querySelectorAll(acts)].filter(
    (e) => !reached.has(e) && !e.disabled && e.tabIndex >= 0 && e.checkVisibility() && !chosen.has(e.name));
  const say = (word) => (e) => `${word} ${e.outerHTML.slice(0, 80)}`;
  return [...left.map(say("not reached:")), ...[...unmarked].map(say("not marked:"))];
}"""
"""What no Tab leads to (one of some radio buttons is enough: arrows lead to the others), and stops without a mark."""
LIST_ACTS = """(acts) => [...document.querySelector("main").querySelectorAll(acts)]
  .filter((e) => e.checkVisibility())
  .map((e) => `${e.tagName} ${e.name || e.getAttribute("href") || e.textContent.trim()}`)"""


async def find_missed(seat: Seat) -> list[str]:
    """Press Tab from one end of the page to the other: what was not reached, or did not show that it was."""
    await seat.page.evaluate(WATCH)
    count = -1
    while count < (count := await seat.page.evaluate("reached.size")):
        for _ in range(STEP):
            await seat.page.keyboard.press("Tab")
    return [f"{seat.page.url}: {missed}" for missed in await seat.page.evaluate(FIND_MISSED, ACTS)]


async def find_scripted(seat: Seat) -> list[str]:
    """Load the page without a script: what can be acted on in only one of the two."""
    scripted = await seat.page.evaluate(LIST_ACTS, ACTS)
    await seat.scripts(allowed=False)
    await seat.page.reload()
    plain = await seat.page.evaluate(LIST_ACTS, ACTS)
    await seat.scripts(allowed=True)
    return [f"{seat.page.url}: {one}" for one in {*scripted} ^ {*plain}]
