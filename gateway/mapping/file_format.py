"""The strict reader of mapping files; `docs/mapping-format.md` is the specification.

All faults of a file are reported together, each with its place in the file. Unknown keys are faults, and so is
everything that could become a default for an unknown code (domain 11.5, G11) or a constant for a fact about a case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gateway.errors import Code, RefusedError
from gateway.foundation.json import Json
from gateway.mapping.plain_reader import under
from gateway.mapping.rule_format import RuleReader
from gateway.mapping.types import (
    MEMBER,
    Direction,
    Path,
    RecordMapping,
    Rule,
    compared,
)

FORMAT = "trm-mapping/1"

#: Header and envelope members that are facts about the office and may be constants; the rest are facts about a case.
CONSTANTS: frozenset[str] = frozenset(
    {"to", "purpose"}
    | {f"header.{name}" for name in ("sender_unit", "sender_role", "recipient_unit", "recipient_role", "author_ref")}
    | {f"header.{name}" for name in ("legal_basis[]", "transfer_basis", "transfer_instrument", "language")}
    | {f"header.handling.{name}" for name in ("onward_sharing", "onward_units[]", "retain_until", "export_to_local")}
)


_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_BODY_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*/[1-9][0-9]{0,3}")


def parse(value: object) -> RecordMapping:
    """Read a mapping file that YAML has turned into plain values.

    Raises:
        RefusedError: invalid, with one finding for each fault of the file.
    """
    reader = _FileReader()
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


class _FileReader(RuleReader):
    """Walks a whole file once."""

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
                self.fault(under("left_out", text), "bad_path", "content or content.x, and what is below it")
            found.append(steps)
        return tuple(found)

    def aliases(self, value: object) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        taken: set[str] = set()
        for label, others in self.members(value, "aliases").items():
            place = under("aliases", label)
            spellings = {compared(label), *map(compared, self.texts(others, place))}
            if spellings & taken:
                self.fault(place, "alias_twice", "each spelling belongs to one label")
            taken |= spellings
            found[compared(label)] = frozenset(spellings - {compared(label)})
        return found

    def constants(self, value: object) -> tuple[tuple[Path, Json], ...]:
        found: list[tuple[Path, Json]] = []
        for text, constant in self.members(value, "constants").items():
            place = under("constants", text)
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


def _clash(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Equal paths, one inside the other, or one member as list here and as object there."""
    for a, b in zip(one, other, strict=False):
        if a != b:
            return a.removesuffix("[]") == b.removesuffix("[]")
    return True
