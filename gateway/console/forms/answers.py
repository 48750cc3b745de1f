"""What was answered, in a few words: for the summary beside a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.console.forms.parts import Field, Group, Part
from gateway.console.words import Words

SHOWN = 3
"""Answers of a step that the summary shows."""
LONGEST = 60
"""Characters of a text that it shows."""


def summarise_answers(parts: Iterable[Part], words: Words) -> list[str]:
    """Return the first answers of a step, each as one line; of a list how many there are."""
    found = [text for part in parts for text in _answers(part, words)]
    return [*found[:SHOWN], *(["…"] if len(found) > SHOWN else [])]


def _answers(part: Part, words: Words) -> Iterator[str]:
    if isinstance(part, Field):
        if text := _answer(part, words):
            yield text
    elif part.look == "list" and part.parts and not part.lines:
        if rows := sum(1 for row in part.parts if any(_answers(row, words))):
            yield f"{part.label}{words.colon}{rows}"
    else:
        for inner in part.parts if isinstance(part, Group) else ():
            yield from _answers(inner, words)


def _answer(field: Field, words: Words) -> str:
    said = dict((*field.near, *field.options))
    if field.look in ("fixed", "known") or not field.value:
        return ""
    if field.look == "date":
        return words.date(field.value)
    text = words.comma.join(said.get(value, value) for value in field.values).replace("\n", " ")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} …"
