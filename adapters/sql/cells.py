"""Convert one cell of a view to JSON, or refuse it: dates in one form, no fractions, no bytes, nothing rounded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import orjson

from adapters.kit.names import is_plain
from adapters.kit.strict_json import LIMIT
from gateway.ports import Json

_LARGEST = 2**53
BAD_REF = "a ref is a whole number, a UUID, or 1 to 64 of letters, digits, dot, hyphen, underscore"


class BadCellError(Exception):
    """A cell that is no value of a record; `rule` says why. Caught by the reader of the row."""

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.hint = hint


def to_json(value: object) -> Json:
    """Convert the value of a cell. A midnight in a column without zone is taken as a mere date."""
    match value:
        case None | bool():
            return value
        case int():
            return _whole(value)
        case float() | Decimal():
            if not value == value or value in (float("inf"), float("-inf")) or value != int(value):
                raise BadCellError("number_not_whole", "cast it to a whole number or to text in the view")
            return _whole(int(value))
        case str():
            if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
                raise BadCellError("bad_text", "half of a character pair")
            return value
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            raise BadCellError("wrong_type", "cast the column to text, a number, a date or a boolean in the view")


def stamp_of(value: object) -> str | None:
    """Convert the change column to text that differs when it does; None for an empty one."""
    match value:
        case None:
            return None
        case datetime():
            return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)


def ref_of(value: object) -> str | None:
    """Convert the ref column to text: a whole number, a UUID, or a plain name; None for anything else."""
    text = str(value) if isinstance(value, int | str | UUID) and not isinstance(value, bool) else ""
    return text if is_plain(text) else None


def too_large(fields: dict[str, Json]) -> bool:
    """Whether a row is larger than any draft may be."""
    return len(orjson.dumps(fields)) > LIMIT


def _whole(number: int) -> int:
    if abs(number) >= _LARGEST:
        raise BadCellError("number_too_large", "cast it to text in the view")
    return number


def _moment(value: datetime) -> str:
    if value.tzinfo is None and value.time() == time.min:
        return value.date().isoformat()
    return value.isoformat()
