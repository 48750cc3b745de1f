"""The models of arguments and answers: their bases, the types that many members share, and how arguments are read.

A fault in arguments names the argument and the rule, never the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SkipValidation,
    ValidationError,
    WithJsonSchema,
)

from gateway.errors import Code, Finding, RefusedError
from gateway.operations.ids import LONGEST
from gateway.ports import Json
from keys.primitives.encoding import is_line

T = TypeVar("T")
_LITERAL: Any = Literal
"""Words that are only known at run time are no type for a type checker."""
MOST = 500
"""Things of which a page has so many at most."""


class Asked(BaseModel):
    """Arguments of an operation, frozen. What is not named is refused and nothing is guessed; only a query, which has
    nothing but text, may give digits for a whole number and `true` for a flag.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class Nothing(Asked):
    """No arguments."""


class Answer(BaseModel):
    """An answer, or a part of one: what the document of the API promises. A handler returns it as a plain object."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class OneOf:
    """One of these words: another one would find nothing, and nobody would know why."""

    def __init__(self, *words: str) -> None:
        self.words = [*dict.fromkeys(map(str, words))]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Take exactly these."""
        return handler.generate_schema(_LITERAL[tuple(self.words)])


def _whole(value: Any) -> Any:
    """Read decimal digits, as a query has them."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16
    return int(value) if digits else value


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _one_line(value: str) -> str:
    if not is_line(1, LONGEST)(value):
        raise ValueError
    return value


# --- of arguments -------------------------------------------------------------------------------------------------

ONE_LINE = AfterValidator(_one_line)
"""A text that is shown in one line beside others: what would break, turn or hide it is refused."""
DIGITS = BeforeValidator(_whole)
"""A whole number may come in digits; stands behind its limits."""
Text = Annotated[str, Field(min_length=1, max_length=LONGEST), WithJsonSchema({"type": "string"})]
"""Described without its length: in a query a longer one is no request at all, as lines of HTTP are shorter."""
PRINTABLE = "^[ -~]+$"
"""The characters of an Idempotency-Key."""
CodeText = Annotated[str, Field(min_length=1, max_length=64)]
"""A code of a list that the operation knows."""
Flag = Annotated[bool, BeforeValidator(_flag)]
Limit = Annotated[int, Field(ge=0, le=MOST), DIGITS]
Cursor = Annotated[Text, WithJsonSchema({"type": "string", "description": "`next` of the page before"})]
Unread = Annotated[T, SkipValidation]
"""A member that something else judges in its own words: described as T, taken as it is."""
Object = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
"""A JSON object that is judged, or described, elsewhere."""
UNSAID: Any = None
"""The default of a member that may be left out, and is never null."""


# --- of answers ---------------------------------------------------------------------------------------------------

Next = Annotated[str, Field(description="the cursor of the page behind this one")]
Unsettled = Annotated[bool, Field(description="whether some of what changed last is not in this list yet")]
Count = Annotated[int, Field(ge=0)]
Time = Annotated[int, Field(description="Unix seconds")]
Type = Annotated[str, Field(description="a message type with its version, like referral.request/1")]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Read = Annotated[T, Field(json_schema_extra={"x-content": True})]
"""A member that only a caller with the right to read content gets; it needs a default."""


class Fault(Answer):
    """One fault: where it is and which rule it breaks. Never a value."""

    place: str = Field(description="JSON pointer")
    rule: str
    hint: str


# --- reading ------------------------------------------------------------------------------------------------------

A = TypeVar("A", bound=Asked)


def read_arguments(model: type[A], given: Mapping[str, Json]) -> A:
    """The arguments as their model. Raises RefusedError invalid, with a finding for each fault."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_context=False, include_url=False)
    unknown = [fault["loc"][:-1] for fault in faults if fault["type"] == "extra_forbidden"]
    if () in unknown:
        raise RefusedError(
            Code.INVALID,
            "an argument is not known here; nothing was changed",
            findings=[
                Finding(place="", rule="additionalProperties", hint="known are: " + ", ".join(model.model_fields))
            ],
        )
    raise _refusal(str(faults[0]["loc"][0]), [_finding(model, fault["type"], fault["loc"]) for fault in faults])


def missing(model: type[Asked], name: str) -> RefusedError:
    """Refuse arguments without one that the others need."""
    return _refusal(name, [_finding(model, "missing", (name,))])


def _refusal(name: str, findings: list[Finding]) -> RefusedError:
    return RefusedError(
        Code.INVALID, f"the argument {name} is missing or wrong; nothing was changed", findings=findings
    )


def _finding(model: type[Asked], kind: str, loc: tuple[int | str, ...]) -> Finding:
    if kind == "extra_forbidden":
        known = ", ".join(_described(model, loc[:-1]).get("properties", ()))
        return Finding(place=_place(loc[:-1]), rule="additionalProperties", hint=f"known are: {known}")
    if kind == "value_error":
        hint = "one line is needed here, without control, direction and invisible characters"
        return Finding(place=_place(loc), rule="pattern", hint=hint)
    return Finding(place=_place(loc), rule="type", hint=f"{_needed(_described(model, loc))} is needed here")


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"/{step}" for step in loc)


@cache
def _schema(model: type[Asked]) -> dict[str, Any]:
    return model.model_json_schema()


def _described(model: type[Asked], loc: tuple[int | str, ...]) -> dict[str, Any]:
    """The JSON Schema of a place in the arguments; empty where there is no such place."""
    whole = _schema(model)
    part = _plain(whole, whole)
    for step in loc:
        inner = part.get("items") if isinstance(step, int) else part.get("properties", {}).get(step)
        part = _plain(whole, inner or {})
    return part


def _needed(part: dict[str, Any]) -> str:
    """A JSON Schema in words."""
    match part:
        case {"enum": words}:
            return f"one of {', '.join(map(str, words))}"
        case {"const": word}:
            return str(word)
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"a whole number from {least} to {most}"
        case {"type": "integer"}:
            return "a whole number"
        case {"type": "boolean"}:
            return "true or false"
        case {"pattern": str(pattern), "maxLength": most} if pattern == PRINTABLE:
            return f"a text of 1 to {most} printable ASCII characters"
        case {"type": "array", "minItems": least, "maxItems": most}:
            return f"a list of {least} to {most}"
        case {"type": "array", "maxItems": most}:
            return f"a list of at most {most}"
        case {"type": "array"}:
            return "a list"
        case {"type": "object"}:
            return "an object"
    return f"a text of 1 to {part.get('maxLength', LONGEST)} characters"


def _plain(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A part of a description without the reference to it, and without the null beside it."""
    while True:
        if "$ref" in part:
            part = whole["$defs"][part["$ref"].rpartition("/")[2]]
        elif "anyOf" in part:
            part = next(one for one in part["anyOf"] if one.get("type") != "null")
        else:
            return part
