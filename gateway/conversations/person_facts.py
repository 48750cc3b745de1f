"""What both sides have said of the person of a case, as it counts now: the few facts that one has to see at a glance
(pure).

Age, nationalities and corrections are read as the gates read them (`gateway.conversations.history`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.conversations.history import Opened, history_of, in_order
from gateway.foundation.json import Json

DESCRIBED = ("person", "person_identifying")
"""Members of a content in which a person is described."""
CORRECTED_GENDER = tuple(f"/content/{name}/gender" for name in DESCRIBED)
"""Where a correction says another gender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """Codes of the lists age_group, gender, country, language and language_level; None and nothing mean: not said.

    `child`: whether the person counts as a child today. `languages` are pairs of a language and how well it is spoken.
    """

    age_group: str | None
    child: bool | None
    gender: str | None
    nationalities: tuple[str, ...]
    languages: tuple[tuple[str, str | None], ...]


def describe_person(said: Iterable[Opened], today: date) -> PersonFacts:
    """Read the facts from the messages of all conversations of a case; of two the later one counts."""
    ordered = in_order(said)
    history = history_of(ordered)
    gender, languages = None, list[tuple[str, str | None]]()
    for message in ordered:
        for name in DESCRIBED:
            person = message.content.get(name)
            if isinstance(person, dict):
                gender = _text(person, "gender") or gender
                languages = _languages(person) or languages
        if message.content.get("path") in CORRECTED_GENDER:
            gender = _text(message.content, "new_value") or gender
    return PersonFacts(
        age_group=history.age_group,
        child=history.child(today),
        gender=gender,
        nationalities=tuple(sorted(history.nationalities or ())),
        languages=tuple(languages),
    )


def _languages(person: Mapping[str, Json]) -> list[tuple[str, str | None]]:
    listed = person.get("languages")
    spoken = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [(code, _text(one, "level")) for one in spoken if (code := _text(one, "language")) is not None]


def _text(members: Mapping[str, Json], name: str) -> str | None:
    found = members.get(name)
    return found if isinstance(found, str) else None
