"""The case system that `[adapter]` of node.toml names: its kind, its settings, its mapping files.

Each kind of adapter says for itself how it is configured (`adapters.kit.kind`); what it does not know is a fault with
its path in node.toml, like every other unknown key.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from adapters.kit.kind import Kind, Settings, WayOut, find
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.config import AdapterSection
from gateway.mapping.htcds import Profile, profile
from gateway.mapping.labels import in_languages
from gateway.mapping.to_message import RecordMapping, parse
from gateway.ports import Adapter
from schemas.labels import load_languages

MAPPING_SIZE = 1 << 20
_FORM = "it has to be YAML in UTF-8"
_NEEDED = "the adapter needs this setting: docs/settings.md explains it"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSystem:
    """A case system that can be made: everything about it was read and found good."""

    kind: Kind[Any]
    settings: Settings
    mappings: Mapping[str, RecordMapping]

    @property
    def outward(self) -> Mapping[str, RecordMapping]:
        """The mapping files that make drafts, by the name that a record gives."""
        return {name: mapping for name, mapping in self.mappings.items() if mapping.direction.outward}

    @property
    def inward(self) -> Mapping[str, RecordMapping]:
        """The mapping files that make records of messages, by type."""
        return {mapping.body_type: mapping for mapping in self.mappings.values() if mapping.direction.inward}

    def adapter(self, way: WayOut | None = None) -> Adapter:
        """Make an adapter for it, which goes by this way out if its kind can; nothing is touched yet."""
        if way is not None and self.kind.make_behind is not None:
            return self.kind.make_behind(self.settings, way)
        return self.kind.make(self.settings)

    def create(self) -> None:
        """Make what the adapter needs on the side of the case system; what is there already stays as it is."""
        if self.kind.create is not None:
            self.kind.create(self.settings)


def read(section: AdapterSection, folder: Path | None) -> CaseSystem:
    """Read the case system of the node in `folder`, with its mapping files; None for settings that are of no node yet.

    Raises:
        RefusedError: with the path in node.toml, or the place in the mapping file, of each fault.
    """
    kind, own = settings_of(section, folder)
    spoken = own.spoken()
    mappings: dict[str, RecordMapping] = {}
    for path in own.mapping_files():
        mapping = read_mapping(path)
        if mapping.name in mappings:
            raise RefusedError(Code.CONFLICT, f"two mapping files of the adapter are named {mapping.name}")
        mappings[mapping.name] = mapping if spoken is None else in_languages(mapping, spoken)
    found = CaseSystem(kind=kind, settings=own, mappings=mappings)
    if len(found.inward) < sum(mapping.direction.inward for mapping in mappings.values()):
        raise RefusedError(Code.CONFLICT, "two mapping files of the adapter read messages of one type")
    return found


def adapter_section(name: str, given: Mapping[str, str]) -> AdapterSection:
    """Make `[adapter]` of a new node.toml from words of a command line: numbers and truths as such, paths whole.

    Raises:
        RefusedError: a setting that is needed is missing, or one is not known or not right; all of them are named.
    """
    known = find(name).settings.model_fields
    missing = [key for key, field in known.items() if field.is_required() and key not in given]
    strange = [key for key in given if key not in known]
    if missing or strange:
        faults = [*(f"{key} is missing" for key in missing), *(f"{key} is not known" for key in strange)]
        more = ", ".join(key for key, field in known.items() if not field.is_required())
        raise RefusedError(
            Code.INVALID,
            f"the adapter {name} cannot be set up like this: {', '.join(faults)}",
            hint=f"docs/settings.md explains each{f'; it may also have {more}' if more else ''}",
        )
    _, own = _judged(AdapterSection.model_validate({**given, "kind": name}))
    values = {key: getattr(own, key) for key in given}
    whole = {key: str(value.resolve()) if isinstance(value, Path) else value for key, value in values.items()}
    return AdapterSection.model_validate({**whole, "kind": name})


def settings_of(section: AdapterSection, folder: Path | None) -> tuple[Kind[Any], Settings]:
    """Find the kind that the section names and its settings. Raises RefusedError like `read`; reads no other file."""
    kind, own = _judged(section)
    if folder is not None and any(path.resolve().is_relative_to(folder.resolve()) for path in own.case_files()):
        raise RefusedError(
            Code.INVALID,
            "what the adapter reads and writes lies inside the node folder",
            hint="a case system's files hold plain text; keep them outside",
        )
    return kind, own


def _judged(section: AdapterSection) -> tuple[Kind[Any], Settings]:
    """Find the kind that the section names and its settings, wherever the node lies."""
    try:
        kind = find(section.kind)
    except RefusedError as exc:
        finding = Finding(place="adapter.kind", rule=str(exc.code), hint=exc.hint)
        raise RefusedError(exc.code, f"node.toml: {exc.what}", hint=exc.hint, findings=[finding]) from exc
    try:
        own: Settings = kind.settings.model_validate(section.own)
    except ValidationError as exc:
        faults = exc.errors(include_input=False, include_context=False, include_url=False)
        findings = [
            Finding(
                place=".".join(("adapter", *map(str, fault["loc"]))),
                rule=fault["type"],
                hint=_NEEDED if fault["type"] == "missing" else fault["msg"],
            )
            for fault in faults
        ]
        raise RefusedError(
            Code.INVALID,
            f"node.toml has {len(findings)} fault(s) under adapter; nothing was started",
            findings=findings,
        ) from exc
    if (spoken := own.spoken()) is not None and spoken not in load_languages():
        hint = f"one of {', '.join(load_languages())}"
        finding = Finding(place="adapter.language", rule="unknown_language", hint=hint)
        raise RefusedError(
            Code.INVALID, "node.toml: adapter.language is not a known language", hint=hint, findings=[finding]
        )
    return kind, own


def htcds() -> Profile:
    """Load the profile of HTCDS 2.0: the mapping and the fates of all other fields, two files of the package."""
    from adapters.sheet.htcds import RECORD_FATES, RECORD_MAPPING

    return profile(in_languages(read_mapping(RECORD_MAPPING)), _plain(RECORD_FATES))


def read_mapping(path: Path) -> RecordMapping:
    """Read a mapping file. Raises RefusedError with the place of each fault."""
    return parse(_plain(path))


def parse_text(text: str) -> RecordMapping:
    """Read the text of a mapping file. Raises RefusedError with the place of each fault."""
    return parse(_load(text, "the mapping file"))


def read_text(path: Path) -> str:
    """Read the text of a mapping file, in which no line end is changed. Raises RefusedError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAPPING_SIZE + 1)
        if len(data) > MAPPING_SIZE:
            raise RefusedError(Code.TOO_LARGE, f"the mapping file {path} is larger than {MAPPING_SIZE >> 20} MiB")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        hint = exc.strerror.lower() if isinstance(exc, OSError) and exc.strerror else _FORM
        raise RefusedError(Code.INVALID, f"the mapping file {path} cannot be read", hint=hint) from exc


def _plain(path: Path) -> object:
    """Read the plain data of a YAML file. Raises RefusedError."""
    return _load(read_text(path), f"the mapping file {path}")


def _load(text: str, what: str) -> object:
    try:
        value: object = yaml.load(text, _Strict)  # noqa: S506 (a SafeLoader that takes less)
        return value
    except yaml.MarkedYAMLError as exc:
        where = "" if exc.problem_mark is None else f"see line {exc.problem_mark.line + 1}"
        hint = f"{where}: {exc.problem}" if isinstance(exc, _NotPlainError) else where
        raise RefusedError(Code.INVALID, f"{what} cannot be read", hint=hint) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise RefusedError(Code.INVALID, f"{what} cannot be read", hint=_FORM) from exc


class _NotPlainError(yaml.MarkedYAMLError):
    """YAML that is not plain data written once."""


class _Strict(yaml.SafeLoader):
    """YAML in which a key stands once: with two, the library takes the last one without a word, and a code has changed
    its meaning. References to other parts of the file and merged tables are refused as well; no mapping needs them.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Construct a value; what looks like a date or a number and is none is refused with its place."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError) as exc:
            problem = "this is read as a date or a number and is none; put it in quotation marks"
            raise _NotPlainError(problem=problem, problem_mark=node.start_mark) from exc

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key in (key for key, _ in node.value if key.tag == "tag:yaml.org,2002:merge"):
            raise _NotPlainError(problem="tables are not merged here", problem_mark=key.start_mark)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML gives it no types
        if getattr(event, "anchor", None) is not None:
            raise _NotPlainError(problem="references are not used here", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _NotPlainError(problem="this key stands twice in one table", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
