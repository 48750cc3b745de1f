"""gateway.operations.ids: an id in arguments says of what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from support.tables import table

from gateway.node.rows import ROWS
from gateway.operations.ids import ConsentId, Names
from gateway.operations.models import Asked


class One(Asked):
    """A consent."""

    id: ConsentId


IDS = re.compile(
    r"id|.*_id|in_reply_to|reply_to|conversations?|consents?|messages?|drafts?|peers?|person|persons|people|unit|units|token"
    r"|cases?|into|source|numbers?"
)


def untyped_ids(model: type[Asked]) -> list[str]:
    """Members that name a thing by an id and have no type that says of what."""
    found = []
    for name, field in model.model_fields.items():
        inner = list(parts(field.annotation))
        models = [one for one in inner if isinstance(one, type) and issubclass(one, Asked)]
        marked = any(isinstance(one, Names) for one in (*field.metadata, *inner))
        if IDS.fullmatch(name) and not marked and not models:
            found.append(name)
        found += [deeper for one in models for deeper in untyped_ids(one)]
    return found


def parts(annotation: Any) -> Iterator[Any]:
    """A type, and whatever it is made of."""
    yield annotation
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from parts(part)


@table("operation", ROWS)
def test_an_id_says_of_what(operation: str):
    """Whatever is an id by its name has a type that says so, at every depth."""
    assert untyped_ids(ROWS[operation].arguments) == []


def test_an_id_that_is_plain_text_is_seen():
    """So that the rule above can fail."""

    class Loose(Asked):
        id: str
        in_reply_to: str | None = None

    class Deep(Asked):
        messages: list[str]
        inner: Loose | None = None

    assert untyped_ids(Deep) == ["messages", "id", "in_reply_to"]
    assert untyped_ids(One) == []
