"""Explain a fault of a body and how to mend it, to the author of the body, on their screen.

A finding of `validate` goes to logs and to peers, so it names a place and a rule and nothing else. An explanation also
looks at the body: it compares a word with the codes and member names of the schema and suggests the nearest one. It
prints no word of the body, only names of the schema; but the nearest code depends on the word in the body, so an
explanation is for the terminal of the file's owner, and for nothing that is kept or sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from gateway.errors import Finding
from schemas import resources
from schemas.catalogue import load_catalogue
from schemas.describing.members import ALWAYS, ANSWERED, SAYABLE, Row, describe_members
from schemas.describing.rules import describe_rules
from schemas.explaining.nearest import find_nearest, nearest_code
from schemas.text import HINTS
from schemas.walk import Node, list_members, resolve_reference

LISTED = 24
"""The longest code list whose codes are all listed; of a longer one only its name is given."""

SUGGESTED = 5
"""Members of one object for which a name is suggested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The explanation of one fault: ``expected`` at the place, and how to ``mend`` it; neither repeats a value."""

    place: str
    rule: str
    expected: str
    mend: str


def explain_finding(name: str, body: object, finding: Finding) -> Explanation:
    """Explain a finding of `validate` or `text_findings` about `body`, judged by the type or schema hash `name`."""
    return _explain_missing(name, finding) if finding.rule == "required" else _explain(name, body, finding)


@lru_cache(maxsize=1_024)
def _explain_missing(name: str, finding: Finding) -> Explanation:
    """Explain that nothing stands at a place: the same for every body, of which a long table has thousands."""
    return _explain(name, {}, finding)


def _explain(name: str, body: object, finding: Finding) -> Explanation:
    steps = _steps(finding.place)
    node = _node(name, steps)
    about = _About(name=name, place=_general(steps), node=node, value=_at(body, steps), finding=finding)
    said = (finding.hint, _MENDS[finding.rule]) if finding.rule in _MENDS else _TOLD.get(finding.rule, _said)(about)
    expected, mend = said
    return Explanation(place=finding.place, rule=finding.rule, expected=expected or finding.hint, mend=mend)


# --- where --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """One place with everything that can be said about it. ``place`` has `*` for each item; ``node`` is its schema, if
    any.
    """

    name: str
    place: str
    node: Node | None
    value: Any
    finding: Finding

    @property
    def row(self) -> Row | None:
        """The description of the member, or of each of its items."""
        found = _rows(self.name)
        return found.get(self.place) or found.get(f"{self.place}/*")

    @property
    def member(self) -> str:
        """The last name of the place."""
        return self.place.rpartition("/")[2]

    def sentences(self) -> str:
        """Return the rules of the objects around the place that speak of the member, or of the object itself."""
        around = self.place.rpartition("/")[0]
        told = [text for place, text in _rules(self.name) if place == around and f"`{self.member}`" in text]
        told += [text for place, text in _rules(self.name) if place != around and self._deeper(place, text)]
        return " ".join(told)

    def _deeper(self, place: str, text: str) -> bool:
        """Whether a rule of an outer object names the member by a dotted path."""
        rest = self.place.removeprefix(f"{place}/")
        return rest != self.place and "/" in rest and f"`{rest.replace('/', '.')}`" in text


@cache
def _rows(name: str) -> Mapping[str, Row]:
    return {row.place: row for row in describe_members(name)}


@cache
def _rules(name: str) -> tuple[tuple[str, str], ...]:
    return tuple((rule.place, rule.text) for rule in describe_rules(name))


def _steps(place: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in place.split("/")[1:])


def _general(steps: Iterable[str]) -> str:
    return "".join("/*" if step.isdigit() else f"/{step}" for step in steps)


def _at(value: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _node(name: str, steps: Iterable[str]) -> Node | None:
    root = load_catalogue().resolve(name).document
    node = resolve_reference(root, root)
    for step in steps:
        inner = node.get("items") if step.isdigit() else node.get("properties", {}).get(step)
        if not isinstance(inner, Mapping):
            return None
        node = resolve_reference(inner, root)
    return node


# --- what is said, by rule ----------------------------------------------------------------------------------------


def _said(about: _About) -> tuple[str, str]:
    """Explain a rule that has no words of its own: the kind of the place, and the hint of the finding."""
    return _kind(about), about.finding.hint


def _kind(about: _About) -> str:
    row = about.row
    if row is None:
        return ""
    shape = _shape(row)
    kind = f"{row.kind} ({shape})" if shape and shape != row.meaning else row.kind
    return f"{kind}: {row.meaning}" if row.meaning else kind


def _shape(row: Row) -> str:
    """Describe the form of a leaf type; empty for anything else."""
    leaf = resources.read_json("fragments/types.json").get(row.kind.partition(";")[0])
    return str(leaf["description"]) if leaf else ""


def _required(about: _About) -> tuple[str, str]:
    need = about.row.need if about.row is not None else ALWAYS
    why = about.sentences()
    add = f"add `{about.member}`"
    if need in (ANSWERED, SAYABLE):
        add += (
            f', or say why there is no value, beside it: "unknown": {{"{about.member}": "unknown"}} (refused, not_yet)'
        )
    return _kind(about), f"{add}. {why}" if why else add


def _unknown_code(about: _About) -> tuple[str, str]:
    node = about.node or {}
    listed, codes = str(node.get("x-codes", "")), [str(code) for code in node.get("enum", ())]
    expected = f"a code of {listed}"
    expected += f": {', '.join(codes)}" if len(codes) <= LISTED else f", which has {len(codes)}"
    near = nearest_code(listed, codes, about.value)
    if near is not None:
        return expected, f"did you mean {near}?"
    return expected, f"choose a code of {listed} (trm schema show {about.name}); an unknown one gets no default"


def _type(about: _About) -> tuple[str, str]:
    node = about.node or {}
    wanted = node.get("type")
    kinds = set(wanted if isinstance(wanted, list) else [wanted])
    given, sayable = about.value, about.row is not None and about.row.need in (ANSWERED, SAYABLE)
    match given:
        case None:
            mend = "leave the member out; `unknown` beside it says why" if sayable else "leave the member out"
        case str() if "integer" in kinds:
            mend = "a whole number without quotation marks"
            mend += "; a time is counted in seconds since 1970" if node.get("maximum") == 4_102_444_799 else ""
        case str() if "boolean" in kinds:
            mend = "true or false, without quotation marks"
        case _ if "array" in kinds:
            mend = "put it in square brackets: a list, also of one"
        case int() if "string" in kinds:
            mend = "put it in quotation marks"
        case _ if "object" in kinds:
            mend = f"an object with the members {', '.join(name for name, _ in list_members(node))}"
        case _:
            mend = f"give one {_or(kinds)} here"
    return _kind(about) or f"{_or(kinds)}", mend


def _additional(about: _About) -> tuple[str, str]:
    allowed = [name for name, _ in list_members(about.node or {})]
    strange = [name for name in about.value if name not in allowed] if isinstance(about.value, dict) else []
    advice = Counter(_renamed(about.name, name, allowed) for name in strange)
    known = [told for told in advice if told is not None][:SUGGESTED]
    rest = len(strange) - sum(advice[told] for told in known)
    if rest:
        known.append(f"take out {'the member' if rest == 1 else f'the {rest} members'} that this object does not have")
    return f"only {', '.join(allowed)}", "; ".join(known)


def _renamed(name: str, strange: object, allowed: list[str]) -> str | None:
    """Suggest how to mend a member that does not belong there, in names of the schema; None when nothing is near."""
    near = find_nearest(strange, allowed)
    if near is not None:
        return f"did you mean `{near}`?"
    places = [place for place in _rows(name) if place.rpartition("/")[2] == strange]
    return f"`{strange}` belongs to {places[0].rpartition('/')[0]}" if places else None


def _format(about: _About) -> tuple[str, str]:
    shape = "" if about.row is None else _shape(about.row)
    return _kind(about), f"write {shape}" if shape else about.finding.hint


def _together(about: _About) -> tuple[str, str]:
    """Explain a rule about several members; its sentences name those that belong together."""
    own = [text for place, text in _rules(about.name) if place == about.place]
    match about.finding.rule:
        case "anyOf":
            return " ".join(own) or about.finding.hint, f"add {about.finding.hint}"
        case "forbidden":
            told = about.sentences()
            mend = f"take `{about.member}` out, or change what it does not go with"
            return told or _kind(about), mend if told else f"take `{about.member}` out, or take it out of `unknown`"
        case _:
            return about.sentences() or _kind(about), about.finding.hint


def _one_for_each(about: _About) -> tuple[str, str]:
    node = about.node or {}
    name = str(node.get("x-each", ""))
    given = [item.get(name) for item in about.value if isinstance(item, dict)] if isinstance(about.value, list) else []
    wanted = [part["contains"]["properties"][name]["const"] for part in node.get("allOf", ())]
    lacking = ", ".join(code for code in wanted if code not in given)
    return f"one item for each code of `{name}`", f"add one for {lacking}, also where there is nothing to tell"


def _not_json(about: _About) -> tuple[str, str]:
    return _kind(about) or about.finding.hint, "a whole number without a decimal point, or text in quotation marks"


_TOLD = {
    "required": _required,
    "unknown_code": _unknown_code,
    "type": _type,
    "additionalProperties": _additional,
    "format": _format,
    "pattern": _format,
    "anyOf": _together,
    "forbidden": _together,
    "const": _together,
    "enum": _together,
    "not": _format,
    "contains": _one_for_each,
    "not_json": _not_json,
}

_FEWER = "take some out, or send them in another message"
_MENDS = {
    "maxLength": "shorten it: nothing is cut off by the node",
    "maxItems": _FEWER,
    "maxProperties": _FEWER,
    **dict.fromkeys(
        HINTS,
        "type the text anew without them; copying from a formatted page brings such characters",
    ),
}
"""How to mend a fault whose finding already says what is expected."""


def _or(kinds: Iterable[Any]) -> str:
    return " or ".join(sorted(str(kind) for kind in kinds))
