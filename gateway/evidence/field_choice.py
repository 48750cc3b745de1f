"""Which single fields of a conversation's messages are shown: the choices of a person, held against what is there.

A choice is a JSON pointer, alone for every message of the conversation that has it, or behind the id of one message.
One that names an object or array means all fields in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import MessageId


def choose_fields(
    choices: Sequence[str], fields: Mapping[MessageId, Sequence[str]]
) -> dict[MessageId, tuple[str, ...]]:
    """Find the pointers that are chosen of each message, without those of which none is. `fields` has all of them.

    Raises:
        RefusedError: not_found, with the place of each choice that no message has. Nothing is to be shown then.
    """
    chosen: dict[MessageId, set[str]] = {id: set() for id in fields}
    nowhere = []
    for place, choice in enumerate(choices):
        id, _, below = choice.partition("/")
        found = {
            (message, pointer)
            for message, pointers in fields.items()
            for pointer in pointers
            if id in ("", message) and f"{pointer}/".startswith(f"/{below}/")
        }
        if not found:
            nowhere.append(Finding(place=f"/fields/{place}", rule="unknown", hint="a JSON pointer into a message"))
        for message, pointer in found:
            chosen[message].add(pointer)
    if nowhere:
        raise RefusedError(
            Code.NOT_FOUND,
            f"{len(nowhere)} of the fields are in no message whose content is here; nothing was shown",
            findings=nowhere,
            hint="evidence.fields lists those that there are",
        )
    return {id: tuple(sorted(pointers)) for id, pointers in chosen.items() if pointers}
