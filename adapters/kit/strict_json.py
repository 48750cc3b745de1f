"""JSON as others write it, read with a finding for each thing that a lenient reader passes over, and written.

``gateway.strict_json`` reads it; here are the words in which an adapter tells a finding.
"""

from __future__ import annotations

import json

import orjson

from gateway.errors import Finding
from gateway.ports import Json
from gateway.strict_json import DEPTH, Flaw, Rule
from gateway.strict_json import read_json as read_strictly

LIMIT = 1 << 20


def read_json(data: bytes, *, limit: int = LIMIT, depth: int = DEPTH) -> tuple[Json, tuple[Finding, ...]]:
    """The value of a document and no findings, or None and what is wrong with it. A byte order mark is passed over."""
    value, flaws = read_strictly(data, limit=limit, depth=depth, mark=True)
    return value, tuple(_finding(flaw, limit, depth) for flaw in flaws)


def _finding(flaw: Flaw, limit: int, depth: int) -> Finding:
    hints = {
        Rule.TOO_LARGE: f"at most {limit} bytes",
        Rule.TOO_DEEP: f"at most {depth} levels",
        Rule.NOT_UTF8: "save the file as UTF-8",
        Rule.MALFORMED: "not JSON",
        Rule.BAD_TEXT: "half of a character pair",
        Rule.BAD_NAME: "half of a character pair in a member name",
    }
    place = "line {}, column {}".format(*flaw.at) if flaw.rule is Rule.MALFORMED else flaw.place
    rule = Rule.BAD_TEXT if flaw.rule is Rule.BAD_NAME else flaw.rule
    return Finding(place=place, rule=rule.value, hint=hints.get(flaw.rule, ""))


def write_json(value: Json) -> bytes:
    """UTF-8 JSON for people and programs: members in the order given, two spaces, a newline at the end."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character, which is then written as its number
        return (
            json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8", "backslashreplace") + b"\n"
        )
