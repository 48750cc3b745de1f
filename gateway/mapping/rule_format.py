"""The strict reader of one rule of a mapping file (`file_format`)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.mapping.dates import DayOrder
from gateway.mapping.plain_reader import DEFAULTS, PlainReader, under
from gateway.mapping.types import (
    COUNTRY,
    LANGUAGE,
    Absence,
    Back,
    Direction,
    Kind,
    Loss,
    Path,
    Rule,
    Target,
    compared,
)

_LOSS: Mapping[str, bool] = {"lossy": True, "note": True, "reviewed": False}
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
    "dates": False,
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
    "dates": frozenset({Kind.DATE}),
    "year_to": frozenset({Kind.DATE}),
}


class RuleReader(PlainReader):
    """Reads rules for a file that goes one way or both (`direction`)."""

    def rule(self, text: str, value: object) -> Rule | None:
        """Read the rule for the path `text`; None after a fault that leaves nothing to read."""
        place = under("fields", text)
        before = len(self.faults)
        path = self.path(text, place)
        keys = self.members(value, place, _RULE)
        if path is None or len(self.faults) > before:
            return None
        kind = self.one_of(Kind, keys["type"], under(place, "type"))
        if kind is None:
            return None
        direction = self._way(keys, path, place)
        self._fitting(kind, keys, path, place)
        values = self._values(keys["values"], under(place, "values")) if "values" in keys else {}
        split, *also_split = self._split(keys, kind, place) or (None,)
        unknown = self._absent(keys.get("unknown_values", {}), under(place, "unknown_values"))
        codes = self._codes(keys["codes"], kind, under(place, "codes")) if "codes" in keys else None
        for word in (word for word in unknown if compared(word) in (codes or {})):
            self.fault(under(place, f"unknown_values.{word}"), "code_twice", "this value has a code as well")
        return Rule(
            path=path,
            sources=self._sources(keys["from"], path, place),
            kind=kind,
            direction=direction,
            required="required" in keys and self.flag(keys["required"], under(place, "required")),
            code_list=self.text(keys["list"], under(place, "list")) if "list" in keys else None,
            codes=codes,
            back=self._back(keys, kind, direction, place),
            absent={compared(word): reason for word, reason in unknown.items()},
            words={reason: word for word, reason in reversed(unknown.items())},
            hold=self._inward_text(keys, "hold", direction, place),
            unknown_lossy=self._inward_text(keys, "unknown_lossy", direction, place),
            values=tuple(values),
            labels={compared(local): label for local, label in values.items()},
            split=split,
            also_split=tuple(also_split),
            dates=self.one_of(DayOrder, keys["dates"], under(place, "dates")) if "dates" in keys else None,
            year_to=self._plain_path(keys, "year_to", place),
            unknown_for=self._unknown_for(keys, path, place),
        )

    def _way(self, keys: Mapping[str, object], path: Path, place: str) -> Direction:
        """The direction of a rule: that of the file, or one of the two where the file goes both ways.

        What the header says is about its sender, so in such a file it goes out unless the rule says otherwise.
        """
        if "direction" not in keys:
            both = self.direction is Direction.BOTH and path.head[0] != "content"
            return Direction.OUT if both else self.direction
        place = under(place, "direction")
        found = self.one_of(Direction, keys["direction"], place) or self.direction
        if self.direction is not Direction.BOTH and found is not self.direction:
            self.fault(place, "wrong_type", f"the file goes one way: {self.direction}")
        return found

    def _fitting(self, kind: Kind, keys: Mapping[str, object], path: Path, place: str) -> None:
        """Check the keys that this type needs or cannot have."""
        for key, kinds in _ONLY_FOR.items():
            if key in keys and kind not in kinds:
                self.fault(under(place, key), "unknown_key", f"not for type {kind}")
        needed = {Kind.CODE: ("list", "codes"), Kind.CODES: ("list", "codes")}.get(kind, ())
        for key in (key for key in needed if key not in keys):
            self.fault(place, "missing_key", f"type {kind} needs {key}")
        if not path.many and (kind is Kind.CODES or "split" in keys):
            self.fault(place, "bad_path", "type codes and split need a path with []")
        if path.many and "year_to" in keys:
            self.fault(place, "bad_path", "year_to is for a path without []")
        if "values" in keys and "codes" not in keys and not needed and kind in _ONLY_FOR["values"]:
            self.fault(under(place, "values"), "unknown_key", "values belongs to codes")

    def _sources(self, value: object, path: Path, place: str) -> tuple[str, ...]:
        place = under(place, "from")
        if not isinstance(value, list):
            return (self.text(value, place),)
        if not path.many:
            self.fault(place, "wrong_type", "several columns need a path with []")
        return self.texts(value, place)

    def _codes(self, value: object, kind: Kind, place: str) -> dict[str, Target]:
        found: dict[str, Target] = {}
        for local, target in self.members(value, place).items():
            key, here = compared(local), under(place, local)
            if key in DEFAULTS:
                self.fault(here, "default_refused", "an unknown code is refused, it never gets a default")
            elif key in found:
                self.fault(here, "code_twice", "case and spacing do not tell two local values apart")
            else:
                found[key] = self._target(target, kind, here, local)
        if value == {}:
            self.fault(place, "wrong_type", "a table of local values and codes")
        return found

    def _values(self, value: object, place: str) -> dict[str, str]:
        """The local picklist: a list of values, or a table of values and what the local system shows for each."""
        if isinstance(value, dict):
            return {local: self.text(label, under(place, local)) for local, label in self.members(value, place).items()}
        return {local: local for local in self.texts(value, place)}

    def _target(self, value: object, kind: Kind, place: str, local: str) -> Target:
        if not isinstance(value, dict):
            return Target(value=self._code(value, kind, place), local=local)
        keys = self.members(value, place, {"code": True, **_LOSS})
        if not {"code", "lossy", "note"} <= set(keys):
            return Target(value="", local=local)
        return Target(value=self._code(keys["code"], kind, place), local=local, loss=self._loss(keys, place))

    def _loss(self, keys: Mapping[str, object], place: str) -> Loss:
        if not self.flag(keys["lossy"], under(place, "lossy")):
            self.fault(under(place, "lossy"), "wrong_type", "true, or write the value alone")
        note = self.text(keys["note"], under(place, "note"))
        return Loss(
            note=note, reviewed=self.text(keys["reviewed"], under(place, "reviewed")) if "reviewed" in keys else ""
        )

    def _back(self, keys: Mapping[str, object], kind: Kind, direction: Direction, place: str) -> dict[str | bool, Back]:
        """Read the local values of codes to which no local value, or more than one, leads."""
        if "back" not in keys:
            return {}
        here = under(place, "back")
        if not direction.inward or "codes" not in keys:
            self.fault(here, "unknown_key", "back is for rules with codes by which messages become records")
        found: dict[str | bool, Back] = {}
        for text, value in self.members(keys["back"], here).items():
            code: object = {"true": True, "false": False}.get(text, text) if kind is Kind.BOOLEAN else text
            found[self._code(code, kind, under(here, text))] = self._local(value, under(here, text))
        return found

    def _local(self, value: object, place: str) -> Back:
        if not isinstance(value, dict):
            return Back(local=self.text(value, place))
        if "hold" in value:
            keys = self.members(value, place, {"hold": True, "note": True})
            if not self.flag(keys.get("hold", True), under(place, "hold")):
                self.fault(under(place, "hold"), "wrong_type", "true, or write the local value")
            return Back(local=None, note=self.text(keys.get("note", "-"), under(place, "note")))
        keys = self.members(value, place, {"value": True, **_LOSS})
        if not {"value", "lossy", "note"} <= set(keys):
            return Back(local=None)
        return Back(local=self.text(keys["value"], under(place, "value")), loss=self._loss(keys, place))

    def _inward_text(self, keys: Mapping[str, object], key: str, direction: Direction, place: str) -> str:
        """A sentence that only the way back has a use for."""
        if key not in keys:
            return ""
        if not direction.inward:
            self.fault(under(place, key), "unknown_key", "only where messages become records")
        return self.text(keys[key], under(place, key))

    def _code(self, value: object, kind: Kind, place: str) -> str | bool:
        match kind:
            case Kind.BOOLEAN:
                return self.flag(value, place)
            case Kind.LANGUAGE:
                return self.text(value, place, LANGUAGE)
            case Kind.COUNTRY:
                return self.text(value, place, COUNTRY)
            case _:
                return self.text(value, place)

    def _absent(self, value: object, place: str) -> dict[str, Absence]:
        found: dict[str, Absence] = {}
        seen: set[str] = set()
        for local, reason in self.members(value, place).items():
            absence = self.one_of(Absence, reason, under(place, local))
            if compared(local) in seen:
                self.fault(under(place, local), "code_twice", "case and spacing do not tell two local values apart")
            elif absence is not None:
                found[local] = absence
            seen.add(compared(local))
        return found

    def _split(self, keys: Mapping[str, object], kind: Kind, place: str) -> tuple[str, ...]:
        """Read the separators: one, or a list of which the first is written; free text has one."""
        if "split" not in keys:
            return (";",) if kind is Kind.CODES else ()
        given, several = keys["split"], kind in {Kind.CODES, Kind.LANGUAGE, Kind.COUNTRY}
        signs = tuple(given) if isinstance(given, list) and given and several else (given,)
        texts = tuple(sign for sign in signs if isinstance(sign, str) and len(sign) == 1)
        if kind is Kind.CODE or len(texts) != len(signs):
            hint = "one character, or for codes, languages and countries a list; not for type code, use codes"
            self.fault(under(place, "split"), "wrong_type", hint)
            return ()
        return texts

    def _plain_path(self, keys: Mapping[str, object], key: str, place: str) -> Path | None:
        if key not in keys:
            return None
        place = under(place, key)
        path = self.path(self.text(keys[key], place), place)
        if path is not None and path.many:
            self.fault(place, "bad_path", "a path without []")
        return path

    def _unknown_for(self, keys: Mapping[str, object], path: Path, place: str) -> Path | None:
        found = self._plain_path(keys, "unknown_for", place)
        if found is not None and path.head[: len(found.head)] != found.head:
            self.fault(under(place, "unknown_for"), "bad_path", "the path itself or an object around it")
        return found
