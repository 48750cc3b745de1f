"""Field groups: named sets of fields, the words in which a corridor policy says what may leave (`groups.json`).

Every field of every message type belongs to at most one group, and a field in none is closed on every corridor: that is
how a new field begins. Fields are named one by one, so a new member of an object is never taken along.
Three spellings shorten the file without opening anything by themselves:

- fields under `*` stand for that path in every type that has it (the header);
- `@person/birth_date` is that path below each place named `person` (the person stands at two);
- a group with `by_category` becomes one group for each code of `data_category`, `answer_risk` for instance: the group
  of such a field is that of the category it is about, which often a sibling names.

What says that a value is missing (`/unknown/NAME`) is in the group with `absences` as soon as NAME itself is in some
group: to say that a thing is unknown discloses a code of the list `absence` and nothing else.

``revision`` rises with every change of the file. A policy names the revision that it was written for, so that moving a
field into an open group never opens it in a policy that people approved before. Where all that came with a revision are
fields that no message had before, `additions` lists them: a policy of the revision before it still holds, and those
fields stay closed under it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from gateway.errors import Finding
from schemas import resources
from schemas.catalogue import load_catalogue
from schemas.codelists import code_list
from schemas.reading import WORD, Labels, Log, Spot, parse_json, raise_faults
from schemas.walk import Field, list_fields

FILE = "groups.json"
FORMAT = "trm-field-groups/1"
ANY = "*"
_ABSENCE = "/unknown/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One named set of fields, with its title for people."""

    name: str
    title: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGroups:
    """All groups, and which field is in which.

    `placed` maps (body type or `*`, path) to a group; `by_category` maps the same to the beginning of the group's name.
    `additions` maps the same to the revision with which the field came.
    """

    revision: int
    groups: Mapping[str, Group]
    placed: Mapping[tuple[str, str], str]
    by_category: Mapping[tuple[str, str], str]
    absences: str
    additions: Mapping[tuple[str, str], int]

    @property
    def readable(self) -> range:
        """The revisions of policies that hold: this one, and those before it to which fields were only added."""
        came, oldest = set(self.additions.values()), self.revision
        while oldest in came:
            oldest -= 1
        return range(oldest, self.revision + 1)

    def of(self, body_type: str, revision: int | None = None) -> Mapping[str, GroupRule]:
        """Return the group of every field of the message type `body_type`, by path; a field in no group is absent, and
        so is one that came after `revision`.
        """
        found = ((field.path, self._rule(body_type, field)) for field in list_fields(body_type))
        name, upto = load_catalogue().resolve(body_type).body_type, revision or self.revision
        return {path: rule for path, rule in found if rule is not None and self.additions.get((name, path), 0) <= upto}

    def closed(self, body_type: str) -> tuple[Field, ...]:
        """Return the fields of `body_type` that are in no group and so never leave."""
        grouped = self.of(body_type)
        return tuple(field for field in list_fields(body_type) if field.path not in grouped)

    def _rule(self, name: str, field: Field) -> GroupRule | None:
        body_type, path = load_catalogue().resolve(name).body_type, field.path
        if (stem := _found(self.by_category, body_type, path)) is not None:
            return GroupRule(name=stem, category=field.category, sibling=field.category_as, by_category=True)
        if (group := _found(self.placed, body_type, path)) is not None:
            return GroupRule(name=group)
        # A field that is open may also be said to be missing; else a form could neither send nor explain it.
        before, absence, member = path.rpartition(_ABSENCE)
        if absence and self._holds(body_type, f"{before}/{member}"):
            return GroupRule(name=self.absences)
        return None

    def _holds(self, body_type: str, path: str) -> bool:
        """Whether the field at `path`, or one below it, is in a group."""
        return any(
            of_type in (ANY, body_type) and f"{placed}/".startswith(f"{path}/")
            for table in (self.placed, self.by_category)
            for of_type, placed in table
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """The way to the group of a field: its name alone, or its name and the category that the field is about."""

    name: str
    by_category: bool = False
    category: str | None = None
    sibling: str | None = None

    def group(self, around: Mapping[str, object]) -> str:
        """Return the group of the field in the object `around` it."""
        if not self.by_category:
            return self.name
        return f"{self.name}_{around.get(self.sibling) if self.sibling else self.category}"


@cache
def field_groups() -> FieldGroups:
    """Load the groups of this installation; they are read once."""
    return read_groups(resources.read_bytes(FILE))


def read_groups(data: bytes) -> FieldGroups:
    """Read the groups in a file. Raises RefusedError(invalid) with every fault and its place."""
    log: Log = []
    groups = _groups(parse_json(data, f"{FILE}#", log))
    raise_faults(log, FILE)
    return groups


def unheld_fields(groups: FieldGroups) -> tuple[Finding, ...]:
    """Find the fields that the groups name and the catalogue lacks: a type not held, or a path that its type does not
    have.

    Not checked at start: a group may name the fields of a message type before its schema arrives, since a name without
    a field opens nothing.
    """
    names = sorted({*groups.placed, *groups.by_category, *groups.additions})
    return tuple(
        Finding(place=f"{body_type}{path}", rule="unheld_field", hint="no schema of the catalogue has it")
        for body_type, path in names
        if not _is_held(body_type, path)
    )


def _is_held(body_type: str, path: str) -> bool:
    types = [entry.body_type for entry in load_catalogue().types if body_type in (ANY, entry.body_type)]
    types = [name for name in types if "properties" in load_catalogue().get(name).document]
    return any(field.path == path for name in types for field in list_fields(name))


def _found(table: Mapping[tuple[str, str], str], body_type: str, path: str) -> str | None:
    return table.get((body_type, path)) or table.get((ANY, path))


# --- the file ----------------------------------------------------------------------------------------------------


def _groups(root: Spot) -> FieldGroups:
    members = root.members(("format", "revision", "places", "groups"), ("additions",))
    members["format"].const(FORMAT)
    places = {name: [item.text() for item in spot.items()] for name, spot in members["places"].entries().items()}
    reader = _Reader(places=places, groups={}, placed={}, by_category={}, absences=[])
    for name, spot in members["groups"].entries().items():
        reader.group(name, spot)
    if len(reader.absences) != 1:
        members["groups"].fault("absences", "exactly one group with absences")
    return FieldGroups(
        revision=members["revision"].number(1, 9999),
        groups=MappingProxyType(reader.groups),
        placed=MappingProxyType(reader.placed),
        by_category=MappingProxyType(reader.by_category),
        absences="".join(reader.absences[:1]),
        additions=MappingProxyType(_additions(members.get("additions"))),
    )


def _additions(spot: Spot | None) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for revision, types in spot.entries().items() if spot is not None else ():
        if not revision.isdecimal():
            types.fault("form", "the revision with which these fields came")
            continue
        for body_type, listed in types.entries().items():
            found |= {(body_type, item.text()): int(revision) for item in listed.items()}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    places: Mapping[str, list[str]]
    groups: dict[str, Group]
    placed: dict[tuple[str, str], str]
    by_category: dict[tuple[str, str], str]
    absences: list[str]

    def group(self, name: str, spot: Spot) -> None:
        if not WORD.fullmatch(name):
            spot.fault("form", "a name of small letters, digits and underscores")
        members = spot.members(("title", "fields"), ("absences", "by_category"))
        title = members["title"].labels()
        split = "by_category" in members
        for one in _split(name, title) if split else (Group(name=name, title=title),):
            self.groups[one.name] = one
        if "absences" in members:
            self.absences.append(name)
        table = self.by_category if split else self.placed
        for body_type, listed in members["fields"].entries().items():
            for item in listed.items():
                for path in self._paths(item):
                    self._place(table, (body_type, path), name, item)

    def _paths(self, item: Spot) -> Iterator[str]:
        """Yield the paths that one spelling stands for."""
        text = item.text()
        base, _, rest = text.removeprefix("@").partition("/")
        if text.startswith("/"):
            yield text
        elif text.startswith("@") and base in self.places:
            yield from (f"{place}/{rest}" for place in self.places[base])
        else:
            item.fault("path", "a path from the body on, or @ and a named place")

    def _place(self, table: dict[tuple[str, str], str], key: tuple[str, str], name: str, item: Spot) -> None:
        body_type, path = key
        taken = {*self.placed, *self.by_category}
        # A field in two groups would leave as soon as one of them is open.
        if key in taken or (body_type != ANY and (ANY, path) in taken):
            item.fault("twice", "a field belongs to one group")
        if body_type == ANY and any(placed == path for _, placed in taken):
            item.fault("twice", "a field belongs to one group")
        table[key] = name


def _split(stem: str, title: Labels) -> Iterator[Group]:
    categories = code_list("data_category")
    for entry in categories.codes:
        label = f"{title.get('en', '')}: {categories.label(entry.code)}"
        yield Group(name=f"{stem}_{entry.code}", title=MappingProxyType({"en": label}))
