"""What `trm mapping check` finds: a mapping file against the catalogue, the code lists and the labels of a table.

A code that has no local value, two values that become one, a way back that leads to another code, a value that reads
like another code than the one it leads to: each was made in production by somebody in a hurry and seen by nobody
(domain 11.7). What is meant is said in the file, by `lossy`, `note` and `reviewed`, or by `hold`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import schemas
from gateway.errors import Finding
from gateway.mapping.to_record import is_left_out, is_read, ways_back
from gateway.mapping.types import Absence, Back, Kind, Loss, RecordMapping, Rule, compared
from schemas.labels import load_labels, load_languages
from schemas.walk import list_fields

Names = Mapping[str, Collection[str]]
"""The codes of a list, each with its labels in every language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What a message type can say. ``members`` are its leaves as dotted paths, with ``[]`` behind a list; ``languages``
    are tags with their names.
    """

    lists: Mapping[str, Names]
    members: Collection[str]
    languages: Names = field(default_factory=dict)

    def named(self, kind: Kind) -> Names:
        """Return the codes that a value of this kind may be, with their labels, where no list is named."""
        return {Kind.COUNTRY: self.lists.get("country", {}), Kind.LANGUAGE: self.languages}.get(kind, {})


def vocabulary(body_type: str, spoken: Names) -> Vocabulary:
    """Collect the lists and members of a message type of this installation; no members for a type that is not held."""
    named = [load_labels(lang) for lang in load_languages()]
    lists = {
        name: {
            entry.code: {label.text for each in named if (label := each.code(name, entry.code)).text is not None}
            for entry in schemas.code_list(name).codes
        }
        for name in schemas.code_lists()
    }
    leaves = list_fields(body_type) if body_type in schemas.load_catalogue() else ()
    return Vocabulary(lists=lists, members=frozenset(_dotted(leaf.path) for leaf in leaves), languages=spoken)


def _dotted(pointer: str) -> str:
    """Write a leaf of a schema as a mapping file does: `*` of the pointer becomes `[]` behind the list."""
    return pointer.removeprefix("/").replace("/*", "[]").replace("/", ".")


def check(mapping: RecordMapping, vocabulary: Vocabulary) -> tuple[Finding, ...]:
    """Find every fault of the file against its message type; `docs/mapping-format.md` explains each rule."""
    if not vocabulary.members:
        return (Finding(place="body_type", rule="unknown_type", hint="trm schema list names the message types"),)
    found = [finding for rule in mapping.rules for finding in _check_rule(rule, vocabulary)]
    if mapping.direction.inward:
        found += _check_left_out(mapping, vocabulary)
    return tuple(found)


def _check_rule(rule: Rule, vocabulary: Vocabulary) -> Iterable[Finding]:
    place = f"fields.{rule.path.text}"
    yield from _check_path(rule, vocabulary, place)
    names: Names = {}
    if rule.code_list is not None:
        if rule.code_list not in vocabulary.lists:
            yield Finding(place=f"{place}.list", rule="unknown_list", hint="see trm schema list")
            return
        names = vocabulary.lists[rule.code_list]
        yield from _check_targets(rule, names, place)
    yield from _check_values(rule, place)
    yield from _check_meaning(rule, names or vocabulary.named(rule.kind), place)
    yield from _check_reviews(rule, place)
    if rule.direction.inward and rule.codes is not None:
        yield from _check_way_back(rule, names, place)
    if rule.direction.inward:
        yield from _check_absences(rule, vocabulary, place)


def _check_path(rule: Rule, vocabulary: Vocabulary, place: str) -> Iterable[Finding]:
    """The message type has the member."""
    for path in (rule.path, rule.year_to):
        if path is not None and "." in path.text and path.text not in vocabulary.members:
            yield Finding(place=place, rule="unknown_member", hint="trm schema show lists the members of the type")


def _check_targets(rule: Rule, names: Names, place: str) -> Iterable[Finding]:
    """Every code that the file names is in its list."""
    for local, target in (rule.codes or {}).items():
        if target.value not in names:
            hint = f"not in the list {rule.code_list}"
            yield Finding(place=f"{place}.codes.{local}", rule="unknown_code", hint=hint)
    for code in rule.back:
        if code not in names:
            yield Finding(
                place=f"{place}.back.{_word(code)}", rule="unknown_code", hint=f"not in the list {rule.code_list}"
            )


def _check_values(rule: Rule, place: str) -> Iterable[Finding]:
    """Every value of the local picklist leads somewhere, and no two to one code without saying so.

    Where the file names no picklist, the table is one: what is only another spelling is left out of `values`.
    """
    codes = rule.codes or {}
    first: dict[str | bool, str] = {}
    for local in rule.values or [target.local for target in codes.values()]:
        target = codes.get(compared(local))
        if target is None:
            if compared(local) not in rule.absent:
                hint = "give it a code or an unknown value; until then records with it are refused"
                yield Finding(place=f"{place}.values.{local}", rule="unmapped_code", hint=hint)
        elif first.setdefault(target.value, local) != local and target.loss is None:
            hint = "two local values lead to one code: write lossy: true and a note, or list the picklist under values"
            yield Finding(place=f"{place}.codes.{local}", rule="lossy_code", hint=hint)


def _check_meaning(rule: Rule, names: Names, place: str) -> Iterable[Finding]:
    """No value that reads like one code leads to another one, on neither way."""
    read_as: dict[str, set[str]] = {}
    for named, texts in names.items():
        for text in {compared(named), *map(compared, texts)}:
            read_as.setdefault(text, set()).add(named)

    def reads(local: str) -> set[str]:
        shown = rule.labels.get(compared(local), local)
        return read_as.get(compared(local), set()) | read_as.get(compared(shown), set())

    def plain(code: str | bool) -> str | bool:
        """A language without its script and region: no name tells them for sure."""
        return code.partition("-")[0] if rule.kind is Kind.LANGUAGE and isinstance(code, str) else code

    for target in (rule.codes or {}).values():
        meant = reads(target.local)
        if meant and plain(target.value) in names and plain(target.value) not in meant and target.loss is None:
            yield _other_meaning(f"{place}.codes.{target.local}", meant)
    for code, back in rule.back.items():
        meant = set() if back.local is None else reads(back.local)
        if meant and plain(code) not in meant and back.loss is None:
            yield _other_meaning(f"{place}.back.{_word(code)}", meant)


def _word(code: str | bool) -> str:
    """A code as the file writes it."""
    return str(code).lower() if isinstance(code, bool) else code


def _other_meaning(place: str, codes: Iterable[str]) -> Finding:
    hint = f"it reads like {', '.join(sorted(codes))}: correct it, or write lossy: true and a note"
    return Finding(place=place, rule="other_meaning", hint=hint)


def _check_reviews(rule: Rule, place: str) -> Iterable[Finding]:
    """Somebody has looked at each loss."""
    losses: dict[str, Loss | None] = {f"codes.{target.local}": target.loss for target in (rule.codes or {}).values()}
    losses |= {f"back.{_word(code)}": back.loss for code, back in rule.back.items()}
    for where, loss in losses.items():
        if loss is not None and not loss.reviewed:
            hint = "write reviewed: who looked at this loss, and when"
            yield Finding(place=f"{place}.{where}", rule="not_reviewed", hint=hint)


def _check_way_back(rule: Rule, names: Names, place: str) -> Iterable[Finding]:
    """Every code of the list has a local value that leads back to it, a reviewed loss, or a person who decides."""
    ways = ways_back(rule)
    codes: Collection[str | bool] = (True, False) if rule.kind is Kind.BOOLEAN else names or ways.keys()
    for code in codes:
        back = ways.get(code)
        if back is None and not rule.hold:
            hint = "give the local value for this code under back, or hold: true with a note, or hold for all the rest"
            yield Finding(place=f"{place}.back.{_word(code)}", rule="no_way_back", hint=hint)
        elif back is not None:
            yield from _check_back(rule, code, back, place)


def _check_back(rule: Rule, code: str | bool, back: Back, place: str) -> Iterable[Finding]:
    if back.local is None:
        return
    forward = (rule.codes or {}).get(compared(back.local))
    if forward is None:
        yield Finding(
            place=f"{place}.back.{_word(code)}", rule="unknown_value", hint="codes does not know this local value"
        )
    elif forward.value != code and back.loss is None:
        hint = "the local value leads to another code: write lossy: true and a note, or hold: true"
        yield Finding(place=f"{place}.back.{_word(code)}", rule="lossy_back", hint=hint)


def _check_absences(rule: Rule, vocabulary: Vocabulary, place: str) -> Iterable[Finding]:
    """Why a message has no value can be said in the local system, or that this is lost is written down."""
    head = (rule.unknown_for or rule.path).head
    said = ".".join((*head[:-1], "unknown", head[-1]))
    missing = ", ".join(sorted(set(Absence) - set(rule.words)))
    if said in vocabulary.members and not rule.unknown_lossy and missing:
        hint = f"no word under unknown_values for {missing}: add it, or write unknown_lossy: and why"
        yield Finding(place=place, rule="lossy_unknown", hint=hint)


def _check_left_out(mapping: RecordMapping, vocabulary: Vocabulary) -> Iterable[Finding]:
    """Every member of the content becomes something, or is left out on purpose."""
    for member in sorted(vocabulary.members):
        steps = tuple(member.split("."))
        if steps[0] == "content" and not is_read(mapping, steps) and not is_left_out(mapping, steps):
            yield Finding(place=member, rule="unread_member", hint="map it, or list it or what it is in under left_out")


def check_columns(mapping: RecordMapping, labels: Iterable[str]) -> tuple[Finding, ...]:
    """Find the labels that a table lacks (missing_column), and those that no rule reads (unread_column)."""
    present = {compared(label): label for label in labels if label.strip()}
    sources = {compared(source): source for rule in mapping.rules for source in rule.sources}
    spellings = {key: {key, *mapping.aliases.get(key, ())} for key in sources}
    missing = [
        Finding(place=f"column {sources[key]}", rule="missing_column", hint="not in the table under any spelling")
        for key in sources
        if not spellings[key] & set(present)
    ]
    read = set().union(*spellings.values()) | mapping.ignored
    unread = [
        Finding(place=f"column {label}", rule="unread_column", hint="map it, or list it under ignored")
        for key, label in present.items()
        if key not in read
    ]
    return (*missing, *unread)
