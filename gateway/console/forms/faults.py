"""What is wrong in what was filled in: the findings of the one validator, each told at its field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import schemas
from gateway.console.forms.build import SHAPES
from gateway.console.forms.fields import FILLED, GIVEN, HALVES, Kind, kind_of, type_of
from gateway.console.forms.needs import ONE_NEEDED
from gateway.console.forms.parts import Part, generalise_place, label_place, list_places
from gateway.console.words import N_, Words
from gateway.errors import Finding
from gateway.foundation.json import Json
from schemas.catalogue import load_catalogue
from schemas.describing import members as describe
from schemas.describing.members import ANSWERED
from schemas.text import text_findings
from schemas.walk import Node, list_members, resolve_reference

RULES: Mapping[str, str] = {
    "required": N_("This is missing."),
    "answered": N_("Fill this in, or say why it is missing."),
    "unknown_code": N_("Choose one of the list."),
    "enum": N_("This does not match the other answers. Choose another one."),
    "const": N_("Something else is needed here, because of another answer."),
    "number": N_("Write a whole number, in digits."),
    "type": N_("This cannot be read as what belongs here."),
    "maxLength": N_("This is too long: at most %(most)s characters."),
    "minLength": N_("This is too short: at least %(least)s characters."),
    "maxItems": N_("These are too many: at most %(most)s."),
    "contains": N_("Something that has to be looked at has no row here."),
    "minItems": N_("These are too few: at least %(least)s."),
    "maximum": N_("The number is too large: at most %(most)s."),
    "minimum": N_("The number is too small: at least %(least)s."),
    "uniqueItems": N_("The same entry appears here twice."),
    "maxProperties": N_("Too much is filled in here: at most %(most)s of these."),
    "anyOf": ONE_NEEDED,
    "forbidden": N_("This does not match the other answers. Remove it, or change the other."),
    "not": N_("Numbers from 1 to 9 are not sent: they could identify somebody."),
    "additionalProperties": N_("There is something here that this message cannot have; saving removes it."),
    "form": N_("This is not in the required format."),
    "text": N_("This text contains characters that cannot be shown safely. Type it again; do not paste it."),
    "foreign": N_("A node speaks only for its own country."),
    "too_long": N_("This is too far away: 90 days from now at most."),
    "unknown_peer": N_("No such country is known here."),
}
OTHERWISE = N_("This is wrong.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a form: ``place`` is a field or group, empty where the fault belongs to neither."""

    place: str
    label: str
    text: str


def find_faults(body_type: str, document: Mapping[str, Json]) -> tuple[Finding, ...]:
    """Find the faults of a document. Members that the node fills in are given values first; a missing object that is
    required is treated as begun, so that each of its questions is named instead of the object alone.
    """
    root = load_catalogue().resolve(body_type).document
    content, known = (_begun(root["properties"][half], root, document.get(half)) for half in reversed(HALVES))
    header: dict[str, Json] = {**known, "author_ref": "x", "seen": 0}
    if isinstance(claim := header.get("vital_interest"), dict):
        header["vital_interest"] = {**claim, "approver_ref": "x"}
    whole: dict[str, Json] = {"header": header, "content": content}
    found = (*schemas.validate(body_type, whole), *text_findings(whole))
    return tuple(one for one in found if one.rule != "required" or (body_type, one.place) not in GIVEN)


def _begun(said: Node, root: Node, value: Json) -> dict[str, Json]:
    node = resolve_reference(said, root)
    begun = dict(value) if isinstance(value, dict) else {}
    for name, member in list_members(node):
        if kind_of(member, root) is Kind.OBJECT:
            if name in node["required"] or isinstance(begun.get(name), dict):
                begun[name] = _begun(member, root, begun.get(name))
        elif isinstance(rows := begun.get(name), list) and kind_of(member, root) is Kind.ROWS:
            items = resolve_reference(member, root)["items"]
            begun[name] = [_begun(items, root, row) if isinstance(row, dict) else row for row in rows]
    return begun


def explain_faults(
    body_type: str, findings: Iterable[Finding], words: Words, parts: Iterable[Part]
) -> tuple[Fault, ...]:
    """Explain each finding in a sentence, at the form field where it belongs, in the order of the form."""
    known = {place: n for n, place in enumerate(list_places(parts))}
    found = [_fault(body_type, finding, words, known) for finding in findings if finding.place not in FILLED]
    return tuple(sorted(found, key=lambda fault: known.get(fault.place, -1)))


def group_by_place(faults: Iterable[Fault]) -> Mapping[str, Sequence[str]]:
    """Group the sentences by field."""
    found = defaultdict[str, list[str]](list)
    for fault in faults:
        found[fault.place].append(fault.text)
    return dict(found)


def _fault(body_type: str, finding: Finding, words: Words, known: Mapping[str, int]) -> Fault:
    place = finding.place
    while place and place not in known:
        place = place.rpartition("/")[0]
    if not place and finding.rule == "anyOf":  # the object is no question of this form, but one of the members is
        members = [one for name in _names(finding) if (one := f"{finding.place}/{name}") in known]
        place = min(members, key=known.__getitem__, default="")  # the one that is asked first
    node, need = _at(body_type, finding.place)
    name = label_place(body_type, finding.place, words) if finding.place.count("/") > 1 else ""
    return Fault(place=place, label=name, text=_sentence(body_type, finding, node, need, words))


def _names(finding: Finding) -> Sequence[str]:
    """Return the members of which one is needed."""
    return finding.hint.removeprefix("at least one of ").split(", ")


def _sentence(body_type: str, finding: Finding, node: Node, need: str, words: Words) -> str:
    rule, values = finding.rule, {}
    match rule:
        case "required" if need == ANSWERED:
            rule = "answered"
        case "type" if node.get("type") == "integer" and "maximum" in node:
            rule = "form" if type_of(node) == "timestamp" else "number"
        case "pattern" | "format":
            rule = "form"
        case "anyOf":
            names = [label_place(body_type, f"{finding.place}/{name}", words) for name in _names(finding)]
            values = {"names": words.comma.join(names)}
        case str() if rule.startswith("text_"):
            rule = "text"
        case _:
            limit = node.get(rule, "")
            values = {"most": limit} if rule.startswith("max") else {"least": limit} if rule.startswith("min") else {}
    text = words(RULES.get(rule, OTHERWISE), **values)
    shape = SHAPES.get(type_of(node))
    return f"{text} {words(shape)}." if rule in ("form", "type") and shape else text


def _at(body_type: str, place: str) -> tuple[Node, str]:
    """Return the schema at a place, with its reference, and whether its object requires it."""
    root = load_catalogue().resolve(body_type).document
    node: Node = root
    said: Node = root
    for step in place.split("/")[1:]:
        node = resolve_reference(said, root)
        if step.isdecimal() and "items" in node:
            said = node["items"]
        elif step in node.get("properties", {}):
            said = node["properties"][step]
        else:
            return {}, ""
    beside = {"$ref": said["$ref"]} if "$ref" in said else {}
    return {**resolve_reference(said, root), **beside}, _needs(body_type).get(generalise_place(place), "")


@cache
def _needs(body_type: str) -> Mapping[str, str]:
    """Return, by place, whether a member is required."""
    return {row.place.removesuffix("/*"): row.need for row in describe.describe_members(body_type)}
