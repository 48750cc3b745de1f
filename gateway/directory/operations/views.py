"""Entries and offices of the directory as they are answered."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.directory.entries import Entry, foreign, units_of
from gateway.directory.reach import Contact, Found, standing
from gateway.ports import Json
from schemas.codelists import ENGLISH
from schemas.region_pack.calendars import Calendar


def show_entry(entry: Entry, days: Calendar, now: int, shown_in: str) -> Json:
    """Show what one node says of its country, with names in a language."""
    units: list[Json] = [show_office(standing(unit, days, now), shown_in) for unit in units_of(entry)]
    procedures: list[Json] = [
        {"kind": one["kind"], "text": _in(one["text"], shown_in), "url": one.get("url")}
        for one in entry.content.get("procedures", ())
    ]
    return {
        "peer": entry.peer,
        "state": entry.state,
        "number": entry.content["supersedes"],
        "made": entry.made,
        "expires": entry.expires,
        "current": now < entry.expires,
        "units": units,
        "procedures": procedures,
        "foreign": len(foreign(entry.content, entry.country)),
    }


def show_office(found: Found, shown_in: str) -> Json:
    """Show one unit as its country tells it, with its name in a language."""
    unit, said = found.unit, found.unit.said
    return {
        "country": unit.entry.country,
        "peer": unit.entry.peer,
        "state": unit.entry.state,
        "unit": unit.id,
        "name": unit.name(shown_in),
        "roles": [*said["roles"]],
        "services": [*said.get("services", ())],
        "groups_served": [*said.get("groups_served", ())],
        "languages": [*said["languages"]],
        "for": [point["for"] for point in unit.focal],
        "capacity": said["capacity_status"],
        "hours": said.get("hours"),
        "at": found.at,
        "open": found.open,
        "contact": _contact(found.contact),
        "duty_phone": said.get("duty_phone"),
        "region": said.get("admin1"),
        "made": unit.entry.made,
        "current": found.current,
        "expires": found.expires,
    }


def _contact(contact: Contact | None) -> Json:
    if contact is None:
        return None
    return {"duty": contact.duty, "phone": contact.phone, "email": contact.email, "hours": contact.hours}


def _in(texts: list[Mapping[str, str]], shown_in: str) -> str:
    said = {one["language"]: one["text"] for one in texts}
    return said.get(shown_in) or said.get(ENGLISH) or next(iter(said.values()))
