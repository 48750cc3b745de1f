"""What a feared State is told all the same, because nothing may block it: that, and in codes alone (domain 9.28). Pure.

An alert, its update and a request to erase go at once, also to the State that an asylum hold keeps away from. Whoever
writes is told so before and after; the words stay here, and a second person looks at it (`prepare_batch`).
"""

from __future__ import annotations

from collections.abc import Mapping

import schemas
from gateway.cases.history import EVERY
from gateway.foundation.json import Json
from gateway.policy.circumstances import Circumstances
from schemas.types import type_name

TELLS: frozenset[str] = frozenset({"safety.alert", "safety.alert.update", "erasure.request"})
WARNING = "tells_feared_state"
"""The code under which previews and answers say so."""

IN_CODES = "See the codes."
"""What stands where words were; a form that needs some is valid with it, and it hints at nothing."""

_CONTENT = "/content/"


def tells_feared_state(body_type: str, circumstances: Circumstances) -> bool:
    """Whether the message tells a State that a hold keeps away from, or of which a linked case asks; a hold that names
    no State keeps from every one.
    """
    if type_name(body_type) not in TELLS:
        return False
    country = None if circumstances.recipient is None else circumstances.recipient.country
    asked = circumstances.unanswered
    if asked and (country is None or not asked.isdisjoint({country, EVERY})):
        return True
    feared = circumstances.feared_states | (circumstances.history.nationalities or frozenset())
    return circumstances.asylum_hold and (not feared or country is None or country in feared)


def words_of(body_type: str, content: Mapping[str, Json]) -> tuple[str, ...]:
    """The places of free text in the content of such a message, in its order; all of them stand at its top."""
    texts = {field.path.removeprefix(_CONTENT) for field in schemas.list_fields(body_type) if field.text}
    return tuple(f"{_CONTENT}{name}" for name in content if name in texts)


def without_words(content: Mapping[str, Json], places: tuple[str, ...]) -> dict[str, Json]:
    """The content with the same neutral words at these places."""
    return {name: IN_CODES if f"{_CONTENT}{name}" in places else value for name, value in content.items()}
