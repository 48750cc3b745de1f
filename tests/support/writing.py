"""People who write at the console in a real browser: fill in a form in any language, see what leaves, release it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from playwright.async_api import Locator
from support.browser import UNFOLD, Seat
from support.offices import Office
from support.running import until

from gateway.console.forms.fields import to_fields
from gateway.foundation.workdays import offset
from schemas.region_pack.regions import load_region

LATE = "2099-01-01"
BASIS = {
    "legal_basis": ["6_1_e", "9_2_g"],
    "transfer_basis": "admin_arrangement_46_3_b",
    "transfer_instrument": "Arrangement 2025/4",
}

ASKED = """() => {
  const found = {};
  for (const e of document.querySelectorAll('main [name]')) found[e.name] = found[e.name] || e.type !== 'hidden';
  return Object.entries(found);
}"""
"""The name of each field of a page, and whether a person can fill it in."""
OPENED = f"""(e, said) => {{
  if (e.tagName === 'SELECT' && e.value === said) return null;
  ({UNFOLD})(e);
  return e.tagName === 'INPUT' ? e.type : e.tagName;
}}"""
"""Unfolds where a field stands, and tells its kind; nothing where the value that is wanted is chosen."""


def header(language: str, consent: str | None = None) -> dict[str, Any]:
    """What a person chooses besides units and roles."""
    about: dict[str, Any] = {
        "priority": "normal",
        "language": language,
        "handling": {"onward_sharing": "none", "retain_until": LATE, "export_to_local": "full"},
    }
    return about if consent is None else about | BASIS | {"consent_ref": consent}


async def fill(seat: Seat, fields: Mapping[str, Sequence[str]]) -> None:
    """Fill in what the page asks; a row that is not there yet is added by its button."""
    left = dict(fields)
    for _ in range(40):
        asked: dict[str, bool] = dict(await seat.page.evaluate(ASKED))
        for name in [name for name in left if name in asked or "#" in name]:
            values = left.pop(name)
            if asked.get(name):
                await _put(seat.page.locator(f'main [name="{name}"]:not([type=hidden])'), values)
        if not left:
            return
        await seat.submit_by(await _adding(seat, next(iter(left))))
    raise AssertionError(f"the page asks for none of {sorted(left)}")


async def _put(found: Locator, values: Sequence[str]) -> None:
    first = found.first
    kind = await first.evaluate(OPENED, values[0])
    if kind in ("radio", "checkbox"):
        for value in values:
            await found.and_(found.page.locator(f'[value="{value}"]')).check()
    elif kind == "SELECT":
        await first.select_option(values[0])
    elif kind is not None:
        await first.fill(values[0])


async def _adding(seat: Seat, name: str) -> str:
    """The button that adds the row in which a field stands."""
    buttons = await seat.page.evaluate("() => [...document.querySelectorAll('button[name=act]')].map((e) => e.value)")
    place = name
    while place:
        place = place.rpartition("/")[0]
        if f"add:{place}" in buttons:
            return f'button[name=act][value="add:{place}"]'
    raise AssertionError(f"nothing on {seat.page.url} leads to {name}: {await seat.text()}")


async def release(seat: Seat) -> None:
    """Press the button below what would leave."""
    form = 'main form[action$="/release"]'
    assert await seat.page.locator(form).count(), await seat.text()
    await seat.submit(form)


async def filled(seat: Seat, office: Office, body_type: str, document: Mapping[str, Any], purpose: str | None) -> str:
    """Fill in the form of a draft and look at what would leave; the address of the draft."""
    zone = load_region("tact").calendar(office.node.own.descriptor.country).zone
    fields = to_fields(body_type, document, lambda at: int(offset(zone, at).total_seconds()))
    draft = seat.page.url.partition("/step")[0].partition("#")[0].removeprefix(seat.origin)
    await seat.open(f"{draft}/whole")
    if purpose is not None:
        fields["/purpose"] = (purpose,)
    await fill(seat, fields)
    await seat.submit_by('button[name=act][value="check"]')
    assert seat.page.url.endswith("/preview"), await seat.text()
    return draft


async def write(
    seat: Seat,
    office: Office,
    conversation: str,
    body_type: str,
    document: Mapping[str, Any],
    *,
    purpose: str | None = None,
    to: str,
) -> str:
    """Write the next message of a conversation and release it; the address of its draft."""
    await seat.open(f"/conversations/{conversation}/write")
    what = seat.page.locator(f'main [name=what][value^="{to} {body_type}"]')
    assert await what.count(), f"{body_type} is not offered: {await seat.text()}"
    await what.first.check()
    await seat.submit('main form[action$="/write"]')
    draft = await filled(seat, office, body_type, document, purpose)
    await release(seat)
    return draft


async def arrived(office: Office, body_type: str, *, known: Collection[str] = ()) -> dict[str, Any]:
    """A message of this type that came in, besides those that are known."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        listed = (await office.ask("message.list", direction="in"))["messages"]
        found[:] = [one for one in listed if one["type"] == body_type and one["id"] not in known]
        return bool(found)

    await until(there)
    return found[0]
