"""The strict reader of mapping files; `docs/mapping-format.md` is the specification.

All faults of a file are reported together, each with its place in the file. Unknown keys are faults, and so is
everything that could become a default for an unknown code (domain 11.5, G11) or a constant for a fact about a case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json
from gateway.mapping.types import (
    COUNTRY,
    LANGUAGE,
    MEMBER,
    Absence,
    Back,
    Direction,
    Kind,
    Loss,
    Path,
    RecordMapping,
    Rule,
    Target,
    compared,
    parse_path,
)

FORMAT = "trm-mapping/1"

#: Header and envelope members that are facts about the office and may be constants; the rest are facts about a case.
CONSTANTS: frozenset[str] = frozenset(
    {"to", "purpose"}
    | {f"header.{name}" for name in ("sender_unit", "sender_role", "recipient_unit", "recipient_role", "author_ref")}
    | {f"header.{name}" for name in ("legal_basis[]", "transfer_basis", "transfer_instrument", "language")}
    | {f"header.handling.{name}" for name in ("onward_sharing", "onward_units[]", "retain_until", "export_to_local")}
)


W = TypeVar("W", bound=StrEnum)

_LOSS: Mapping[str, bool] = {"lossy": True, "note": True, "reviewed": False}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_BODY_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*/[1-9][0-9]{0,3}")
_DEFAULTS = frozenset({"*", "", "default", "else", "otherwise"})


def parse(value: object) -> RecordMapping:
    """Read a mapping file that YAML has turned into plain values.

    Raises:
        RefusedError: invalid, with one finding for each fault of the file.
    """
    reader = _Reader()
    mapping = reader.mapping(value)
    if mapping is None or reader.faults:
        raise RefusedError(
            Code.INVALID,
            f"the mapping file has {len(reader.faults)} fault(s)",
            hint="see docs/mapping-format.md",
            findings=reader.faults,
        )
    return mapping


_TOP: Mapping[str, bool] = {
    "format": True,
    "name": True,
    "title": False,
    "body_type": True,
    "direction": False,
    "aliases": False,
    "ignored": False,
    "constants": False,
    "fields": True,
    "left_out": False,
}

_RULE: Mapping[str, bool] = {
    "from": True,
    "type": True,
    "direction": False,
    "required": False,
    "unknown_values": False,
    "unknown_lossy": False,
    "list": False,
    "codes": False,
    "back": False,
    "hold": False,
    "values": False,
    "split": False,
    "year_to": False,
    "unknown_for": False,
}

#: Keys of a rule that only some types have.
_ONLY_FOR: Mapping[str, frozenset[Kind]] = {
    "list": frozenset({Kind.CODE, Kind.CODES}),
    "codes": frozenset({Kind.CODE, Kind.CODES, Kind.BOOLEAN, Kind.LANGUAGE, Kind.COUNTRY}),
    "values": frozenset({Kind.CODE, Kind.CODES, Kind.BOOLEAN, Kind.LANGUAGE, Kind.COUNTRY}),
    "back": frozenset({Kind.CODE, Kind.CODES, Kind.BOOLEAN, Kind.LANGUAGE, Kind.COUNTRY}),
    "hold": frozenset({Kind.CODE, Kind.CODES, Kind.BOOLEAN, Kind.LANGUAGE, Kind.COUNTRY}),
    "year_to": frozenset({Kind.DATE}),
}


class _Reader:
    """Walks the file once and collects its faults; what it returns is of use only where there are none."""

    def __init__(self) -> None:
        self.faults: list[Finding] = []
        self.direction = Direction.OUT

    def fault(self, place: str, rule: str, hint: str) -> None:
        self.faults.append(Finding(place=place, rule=rule, hint=hint))

    # --- small pieces ---------------------------------------------------------------------------------------------

    def members(self, value: object, place: str, known: Mapping[str, bool] | None = None) -> dict[str, object]:
        """The object as text -> value; ``known`` says which keys there are and which are needed."""
        if not isinstance(value, dict):
            self.fault(place, "wrong_type", "a table of keys and values")
            return {}
        found: dict[str, object] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                self.fault(place, "wrong_type", "a key is not text: put it in quotation marks")
            elif known is not None and key not in known:
                rule = "default_refused" if key in _DEFAULTS else "unknown_key"
                self.fault(_under(place, key), rule, f"known keys: {', '.join(known)}")
            else:
                found[key] = item
        for key in (key for key, needed in (known or {}).items() if needed and key not in found):
            self.fault(place, "missing_key", f"{key} is needed")
        return found

    def text(self, value: object, place: str, pattern: re.Pattern[str] | None = None) -> str:
        if not isinstance(value, str) or not value.strip() or (pattern and not pattern.fullmatch(value)):
            self.fault(place, "wrong_type", "text" if pattern is None else f"text like {pattern.pattern}")
            return ""
        return value

    def texts(self, value: object, place: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            self.fault(place, "wrong_type", "a list of text")
            return ()
        return tuple(self.text(item, place) for item in value)

    def one_of(self, words: type[W], value: object, place: str) -> W | None:
        if isinstance(value, str) and value in list(words):
            return words(value)
        self.fault(place, "wrong_type", f"one of {', '.join(words)}")
        return None

    def flag(self, value: object, place: str) -> bool:
        if not isinstance(value, bool):
            self.fault(place, "wrong_type", "true or false")
        return value is True

    def path(self, text: str, place: str) -> Path | None:
        found = parse_path(text)
        if found is None:
            self.fault(
                place, "bad_path", "to, purpose, conversation, in_reply_to, header.x or content.x, one [] at most"
            )
        return found

    # --- the file, from the top -----------------------------------------------------------------------------------

    def mapping(self, value: object) -> RecordMapping | None:
        top = self.members(value, "", _TOP)
        if self.faults:
            return None
        if top["format"] != FORMAT:
            self.fault("format", "wrong_type", f"always {FORMAT}")
        if "direction" in top:
            self.direction = self.one_of(Direction, top["direction"], "direction") or Direction.OUT
        constants = self.constants(top.get("constants", {}))
        if constants and not self.direction.outward:
            self.fault("constants", "unknown_key", "only where records become messages")
        rules = self.rules(top["fields"])
        targets = [path for path, _ in constants] + [rule.path for rule in rules]
        self.distinct([*targets, *(rule.year_to for rule in rules if rule.year_to is not None)])
        aliases = self.aliases(top.get("aliases", {}))
        self.main_labels(rules, aliases)
        return RecordMapping(
            name=self.text(top["name"], "name", _NAME),
            title=self.text(top["title"], "title") if "title" in top else "",
            body_type=self.text(top["body_type"], "body_type", _BODY_TYPE),
            direction=self.direction,
            aliases=aliases,
            ignored=frozenset(map(compared, self.texts(top["ignored"], "ignored") if "ignored" in top else ())),
            constants=constants,
            rules=rules,
            left_out=self.left_out(top["left_out"]) if "left_out" in top else (),
        )

    def left_out(self, value: object) -> tuple[tuple[str, ...], ...]:
        if not self.direction.inward:
            self.fault("left_out", "unknown_key", "only where messages become records")
        found = []
        for text in self.texts(value, "left_out"):
            steps = tuple(text.split("."))
            if steps[0] != "content" or not all(map(MEMBER.fullmatch, steps)):
                self.fault(_under("left_out", text), "bad_path", "content or content.x, and what is below it")
            found.append(steps)
        return tuple(found)

    def aliases(self, value: object) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        taken: set[str] = set()
        for label, others in self.members(value, "aliases").items():
            place = _under("aliases", label)
            spellings = {compared(label), *map(compared, self.texts(others, place))}
            if spellings & taken:
                self.fault(place, "alias_twice", "each spelling belongs to one label")
            taken |= spellings
            found[compared(label)] = frozenset(spellings - {compared(label)})
        return found

    def constants(self, value: object) -> tuple[tuple[Path, Json], ...]:
        found: list[tuple[Path, Json]] = []
        for text, constant in self.members(value, "constants").items():
            place = _under("constants", text)
            if text not in CONSTANTS:
                self.fault(place, "constant_refused", "only facts about the office may be constants")
            elif (path := self.path(text, place)) is not None:
                found.append((path, list(self.texts(constant, place)) if path.many else self.text(constant, place)))
        return tuple(found)

    def rules(self, value: object) -> tuple[Rule, ...]:
        found = [self.rule(text, rule) for text, rule in self.members(value, "fields").items()]
        return tuple(rule for rule in found if rule is not None)

    def main_labels(self, rules: Iterable[Rule], aliases: Mapping[str, frozenset[str]]) -> None:
        others = frozenset().union(*aliases.values())
        for rule in rules:
            if any(compared(source) in others for source in rule.sources):
                self.fault(rule.path.text, "alias_as_label", "from names the label, not one of its aliases")

    def distinct(self, paths: Iterable[Path]) -> None:
        """No path is set twice, and none is a value here and an object there."""
        seen: list[tuple[str, ...]] = []
        for path in paths:
            steps = tuple(path.text.split("."))
            if any(_clash(steps, other) for other in seen):
                self.fault(path.text, "path_twice", "set by another entry, or both a value and an object")
            seen.append(steps)

    # --- one rule -------------------------------------------------------------------------------------------------

    def rule(self, text: str, value: object) -> Rule | None:
        place = _under("fields", text)
        before = len(self.faults)
        path = self.path(text, place)
        keys = self.members(value, place, _RULE)
        if path is None or len(self.faults) > before:
            return None
        kind = self.one_of(Kind, keys["type"], _under(place, "type"))
        if kind is None:
            return None
        direction = self.way(keys, path, place)
        self.fitting(kind, keys, path, place)
        values = self.values(keys["values"], _under(place, "values")) if "values" in keys else {}
        unknown = self.absent(keys.get("unknown_values", {}), _under(place, "unknown_values"))
        codes = self.codes(keys["codes"], kind, _under(place, "codes")) if "codes" in keys else None
        for word in (word for word in unknown if compared(word) in (codes or {})):
            self.fault(_under(place, f"unknown_values.{word}"), "code_twice", "this value has a code as well")
        return Rule(
            path=path,
            sources=self.sources(keys["from"], path, place),
            kind=kind,
            direction=direction,
            required="required" in keys and self.flag(keys["required"], _under(place, "required")),
            code_list=self.text(keys["list"], _under(place, "list")) if "list" in keys else None,
            codes=codes,
            back=self.back(keys, kind, direction, place),
            absent={compared(word): reason for word, reason in unknown.items()},
            words={reason: word for word, reason in reversed(unknown.items())},
            hold=self.inward_text(keys, "hold", direction, place),
            unknown_lossy=self.inward_text(keys, "unknown_lossy", direction, place),
            values=tuple(values),
            labels={compared(local): label for local, label in values.items()},
            split=self.split(keys, kind, place),
            year_to=self.plain_path(keys, "year_to", place),
            unknown_for=self.unknown_for(keys, path, place),
        )

    def way(self, keys: Mapping[str, object], path: Path, place: str) -> Direction:
        """The direction of a rule: that of the file, or one of the two where the file goes both ways.

        What the header says is about its sender, so in such a file it goes out unless the rule says otherwise.
        """
        if "direction" not in keys:
            both = self.direction is Direction.BOTH and path.head[0] != "content"
            return Direction.OUT if both else self.direction
        place = _under(place, "direction")
        found = self.one_of(Direction, keys["direction"], place) or self.direction
        if self.direction is not Direction.BOTH and found is not self.direction:
            self.fault(place, "wrong_type", f"the file goes one way: {self.direction}")
        return found

    def fitting(self, kind: Kind, keys: Mapping[str, object], path: Path, place: str) -> None:
        """Check the keys that this type needs or cannot have."""
        for key, kinds in _ONLY_FOR.items():
            if key in keys and kind not in kinds:
                self.fault(_under(place, key), "unknown_key", f"not for type {kind}")
        needed = {Kind.CODE: ("list", "codes"), Kind.CODES: ("list", "codes")}.get(kind, ())
        for key in (key for key in needed if key not in keys):
            self.fault(place, "missing_key", f"type {kind} needs {key}")
        if not path.many and (kind is Kind.CODES or "split" in keys):
            self.fault(place, "bad_path", "type codes and split need a path with []")
        if path.many and "year_to" in keys:
            self.fault(place, "bad_path", "year_to is for a path without []")
        if "values" in keys and "codes" not in keys and not needed and kind in _ONLY_FOR["values"]:
            self.fault(_under(place, "values"), "unknown_key", "values belongs to codes")

    def sources(self, value: object, path: Path, place: str) -> tuple[str, ...]:
        place = _under(place, "from")
        if not isinstance(value, list):
            return (self.text(value, place),)
        if not path.many:
            self.fault(place, "wrong_type", "several columns need a path with []")
        return self.texts(value, place)

    def codes(self, value: object, kind: Kind, place: str) -> dict[str, Target]:
        found: dict[str, Target] = {}
        for local, target in self.members(value, place).items():
            key, here = compared(local), _under(place, local)
            if key in _DEFAULTS:
                self.fault(here, "default_refused", "an unknown code is refused, it never gets a default")
            elif key in found:
                self.fault(here, "code_twice", "case and spacing do not tell two local values apart")
            else:
                found[key] = self.target(target, kind, here, local)
        if value == {}:
            self.fault(place, "wrong_type", "a table of local values and codes")
        return found

    def values(self, value: object, place: str) -> dict[str, str]:
        """The local picklist: a list of values, or a table of values and what the local system shows for each."""
        if isinstance(value, dict):
            return {
                local: self.text(label, _under(place, local)) for local, label in self.members(value, place).items()
            }
        return {local: local for local in self.texts(value, place)}

    def target(self, value: object, kind: Kind, place: str, local: str) -> Target:
        if not isinstance(value, dict):
            return Target(value=self.code(value, kind, place), local=local)
        keys = self.members(value, place, {"code": True, **_LOSS})
        if not {"code", "lossy", "note"} <= set(keys):
            return Target(value="", local=local)
        return Target(value=self.code(keys["code"], kind, place), local=local, loss=self.loss(keys, place))

    def loss(self, keys: Mapping[str, object], place: str) -> Loss:
        if not self.flag(keys["lossy"], _under(place, "lossy")):
            self.fault(_under(place, "lossy"), "wrong_type", "true, or write the value alone")
        note = self.text(keys["note"], _under(place, "note"))
        return Loss(
            note=note, reviewed=self.text(keys["reviewed"], _under(place, "reviewed")) if "reviewed" in keys else ""
        )

    def back(self, keys: Mapping[str, object], kind: Kind, direction: Direction, place: str) -> dict[str | bool, Back]:
        """Read the local values of codes to which no local value, or more than one, leads."""
        if "back" not in keys:
            return {}
        here = _under(place, "back")
        if not direction.inward or "codes" not in keys:
            self.fault(here, "unknown_key", "back is for rules with codes by which messages become records")
        found: dict[str | bool, Back] = {}
        for text, value in self.members(keys["back"], here).items():
            code: object = {"true": True, "false": False}.get(text, text) if kind is Kind.BOOLEAN else text
            found[self.code(code, kind, _under(here, text))] = self.local(value, _under(here, text))
        return found

    def local(self, value: object, place: str) -> Back:
        if not isinstance(value, dict):
            return Back(local=self.text(value, place))
        if "hold" in value:
            keys = self.members(value, place, {"hold": True, "note": True})
            if not self.flag(keys.get("hold", True), _under(place, "hold")):
                self.fault(_under(place, "hold"), "wrong_type", "true, or write the local value")
            return Back(local=None, note=self.text(keys.get("note", "-"), _under(place, "note")))
        keys = self.members(value, place, {"value": True, **_LOSS})
        if not {"value", "lossy", "note"} <= set(keys):
            return Back(local=None)
        return Back(local=self.text(keys["value"], _under(place, "value")), loss=self.loss(keys, place))

    def inward_text(self, keys: Mapping[str, object], key: str, direction: Direction, place: str) -> str:
        """A sentence that only the way back has a use for."""
        if key not in keys:
            return ""
        if not direction.inward:
            self.fault(_under(place, key), "unknown_key", "only where messages become records")
        return self.text(keys[key], _under(place, key))

    def code(self, value: object, kind: Kind, place: str) -> str | bool:
        match kind:
            case Kind.BOOLEAN:
                return self.flag(value, place)
            case Kind.LANGUAGE:
                return self.text(value, place, LANGUAGE)
            case Kind.COUNTRY:
                return self.text(value, place, COUNTRY)
            case _:
                return self.text(value, place)

    def absent(self, value: object, place: str) -> dict[str, Absence]:
        found: dict[str, Absence] = {}
        seen: set[str] = set()
        for local, reason in self.members(value, place).items():
            absence = self.one_of(Absence, reason, _under(place, local))
            if compared(local) in seen:
                self.fault(_under(place, local), "code_twice", "case and spacing do not tell two local values apart")
            elif absence is not None:
                found[local] = absence
            seen.add(compared(local))
        return found

    def split(self, keys: Mapping[str, object], kind: Kind, place: str) -> str | None:
        if "split" not in keys:
            return ";" if kind is Kind.CODES else None
        if kind is Kind.CODE or not isinstance(keys["split"], str) or len(keys["split"]) != 1:
            self.fault(_under(place, "split"), "wrong_type", "one character; not for type code, use codes")
            return None
        return keys["split"]

    def plain_path(self, keys: Mapping[str, object], key: str, place: str) -> Path | None:
        if key not in keys:
            return None
        place = _under(place, key)
        path = self.path(self.text(keys[key], place), place)
        if path is not None and path.many:
            self.fault(place, "bad_path", "a path without []")
        return path

    def unknown_for(self, keys: Mapping[str, object], path: Path, place: str) -> Path | None:
        found = self.plain_path(keys, "unknown_for", place)
        if found is not None and path.head[: len(found.head)] != found.head:
            self.fault(_under(place, "unknown_for"), "bad_path", "the path itself or an object around it")
        return found


def _under(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _clash(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Equal paths, one inside the other, or one member as list here and as object there."""
    for a, b in zip(one, other, strict=False):
        if a != b:
            return a.removesuffix("[]") == b.removesuffix("[]")
    return True
