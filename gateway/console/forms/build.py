"""A message type as a form in the language of the reader: `build_form(type, fields, words, ...)` gives its parts, for
`templates/form.html`; `fields` as in `fields.py`. What is wrong in it is told by `faults.py`.

Everything comes from the published schema: which members there can be, their labels, codes, meaning and sensitivity,
and when one is needed. No value is ever chosen for anybody: a list of one code shows that code and an empty
place, and a list that wants a row for each code is laid out with these rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.console.forms.fields import (
    AT,
    KIND,
    NO,
    NUMBER,
    TEXT,
    THERE,
    YES,
    Fields,
    Kind,
    find_rows,
    kind_of,
    list_asked,
    list_reasons,
    type_of,
)
from gateway.console.forms.known import explain_nothing, is_known
from gateway.console.forms.needs import Needs
from gateway.console.forms.parts import Field, Group, Options, Part, generalise_place, label_place, split_options
from gateway.console.words import N_, Words
from schemas.catalogue import load_catalogue
from schemas.codelists import code_list
from schemas.describing.members import ALWAYS, ANSWERED
from schemas.walk import Node, each_leaf, list_members, resolve_reference

RADIOS = 6
"""The longest code list that is shown as a choice of buttons."""
LONG = 120
"""Characters from which on a text has several lines."""

MARKS: Mapping[str, str] = {
    "public": N_("public"),
    "operational": N_("about the service"),
    "pseudonymous": N_("about the case"),
    "identifying": N_("identifies the person"),
    "special": N_("sensitive"),
    "locating": N_("where the person is"),
}
"""The sensitivity classes in words."""

SAYS, BASIS = N_("The content of the message"), N_("On which basis")
SECTIONS: Sequence[tuple[str, Sequence[str]]] = (
    (N_("About this message"), ("priority", "respond_by", "language", "case_ref_sender", "case_ref_recipient")),
    (
        BASIS,
        ("legal_basis", "transfer_basis", "transfer_instrument", "consent_ref", "vital_interest"),
    ),
    (N_("What the receiver may do with it"), ("handling",)),
    (N_("Who writes to whom"), ("sender_unit", "sender_role", "recipient_unit", "recipient_role")),
)
"""The header in groups."""

_PICKED = {
    Kind.DATE: re.compile(r"\d{4}-\d\d-\d\d"),
    Kind.TIME: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?"),
}
"""What the pickers of browsers take."""

SHAPES: Mapping[str, str] = {
    "date": N_("Day as 2026-11-30"),
    "timestamp": N_("Day and time here, as 2026-11-30T14:00"),
    "phone": N_("With the code of the country, as +355691234567"),
    "period": N_("Two days with a slash between, as 2026-01-01/2026-03-31"),
    "quarter": N_("As 2026-Q1"),
    "currency": N_("Three letters, as EUR"),
    "region": N_("Country and region, as AL-11"),
    "ref": N_("Letters, digits and . _ : / - without blanks; never a name"),
    "unit": N_("Small letters, digits and hyphens"),
    "unit_ref": N_("A unit of the directory"),
    "id": N_("An id of 22 letters and digits, as the pages of messages show it"),
    "item": N_("Small letters, digits and hyphens"),
    "email": N_("An e-mail address"),
    "url": N_("An address that begins with https://"),
    "count": N_("0, or 10 and more"),
}
"""What a value of a leaf type looks like."""


def build_form(
    body_type: str,
    fields: Fields,
    words: Words,
    *,
    choices: Mapping[str, Options] | None = None,
    near: Mapping[str, Collection[str]] | None = None,
    blank: Iterable[str] = (),
) -> tuple[Group, ...]:
    """Build the form in sections, content first.

    ``choices`` are what can be chosen at a place, or for all of a leaf type (`type:unit_ref`); ``near`` is what is
    offered first of a leaf type or code list (`language`, `country`); ``blank`` are lists that get an empty row.
    What the node knows is carried along unseen (`known.py`); a choice of one is made; where there is none, the form
    says what has to come first.
    """
    entry = load_catalogue().resolve(body_type)
    fields = _laid_out(entry.document, fields)
    maker = _Maker(
        body_type=entry.body_type,
        root=entry.document,
        fields=fields,
        words=words,
        choices=choices or {},
        near=near or {},
        blank=frozenset(blank),
        rows=find_rows(fields),
        asks=Needs(entry.body_type, words),
        nothing=explain_nothing(entry.body_type, choices or {}, words),
    )
    return (*maker.content(), *maker.header())


def _laid_out(root: Node, fields: Fields) -> Fields:
    """Add a row for each code that has none yet, in a list that needs one for each."""
    laid: dict[str, Sequence[str]] = {}
    for name, said in list_members(resolve_reference(root["properties"]["content"], root)):
        node, place = resolve_reference(said, root), f"/content/{name}"
        if "x-each" not in node:
            continue
        rows, asks = find_rows(fields).get(place, ()), node["x-each"]
        given = {value for n in rows for value in fields.get(f"{place}/{n}/{asks}", ())}
        lacking = [code for code in each_leaf(node, root)["enum"] if code not in given]
        laid |= {f"{place}/{n}/{asks}": (code,) for n, code in enumerate(lacking, 1 + max(rows, default=-1))}
    return {**fields, **laid}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    body_type: str
    root: Node
    fields: Fields
    words: Words
    choices: Mapping[str, Options]
    near: Mapping[str, Collection[str]]
    blank: frozenset[str]
    rows: Mapping[str, Sequence[int]]
    asks: Needs
    nothing: Mapping[str, str]

    def content(self) -> Iterator[Group]:
        """Yield sections: single questions that follow each other share one, each larger thing has its own."""
        parts, title = list[Part](), SAYS
        for part in self._parts(self._half("content"), "/content"):
            if isinstance(part, Group) and not part.simple:
                yield from self._section(title, parts)
                title, parts = N_("More of what the message says") if parts else title, []
                yield part
            else:
                parts.append(part)
        yield from self._section(title, parts)

    def header(self) -> Iterator[Group]:
        found = {part.place: part for part in self._parts(self._half("header"), "/header")}
        for title, names in SECTIONS:
            parts = [found[place] for name in names if (place := f"/header/{name}") in found]
            if title == BASIS:
                parts.insert(0, self.purpose())
            if len(parts) == 1 and isinstance(parts[0], Group):
                yield parts[0]
            else:
                yield from self._section(title, parts)

    def _section(self, title: str, parts: Sequence[Part]) -> Iterator[Group]:
        if parts:
            first = f"{parts[0].place}#section"
            hints = self.asks.together("/content") if title == SAYS else ()
            yield Group(place=first, label=self.words(title), parts=tuple(parts), hints=hints)

    def purpose(self) -> Field:
        """Make the one question whose answer is not part of the body."""
        listed = code_list("purpose")
        codes = [entry.code for entry in listed.codes if not entry.retired]
        return Field(
            place="/purpose",
            label=self.words("Purpose"),
            look="select",
            values=self._values("/purpose"),
            options=self._with_given([(code, self.words.code("purpose", code)) for code in codes], "/purpose"),
            hints=((self.words.language.code, self.words("What the data are used for; a consent names it.")),),
        )

    def _half(self, name: str) -> Node:
        return resolve_reference(self.root["properties"][name], self.root)

    def _parts(self, node: Node, place: str) -> Iterator[Part]:
        why = list_reasons(node)
        for name, member in list_asked(node, place):
            yield self.part(member, f"{place}/{name}", self._why(why.get(name), place, name))

    def part(self, said: Node, place: str, absent: Field | None = None) -> Part:
        """Make the question or group for the member at a place."""
        node, label = resolve_reference(said, self.root), self.label(place)
        hints, need = self.asks.hints(said, place), self.asks.need(place)
        match kind_of(said, self.root):
            case Kind.OBJECT:
                parts = tuple(self._parts(node, place))
                return Group(
                    place=place,
                    label=label,
                    parts=parts,
                    hints=(*hints, *self.asks.together(place)),
                    need=need,
                    absent=absent,
                    there=bool(self._values(place + THERE)),
                    filled=need == ALWAYS or self._any(place),
                )
            case Kind.ROWS | Kind.LINES:
                return self._list(node, place, label, hints, need, absent)
            case kind:
                return self._field(kind, said, place, label, hints, need, absent)

    def _list(
        self, node: Node, place: str, label: str, hints: tuple[tuple[str, str], ...], need: str, absent: Field | None
    ) -> Group:
        there = list(self.rows.get(place, ()))
        more = len(there) < node["maxItems"]
        if more and (place in self.blank or (not there and need == ALWAYS and node.get("minItems", 0) > 0)):
            there.append(1 + max(there, default=-1))
        rows = []
        for n in there:
            part = self.part(node["items"], f"{place}/{n}")
            name = self._row_name(node, f"{place}/{n}") or f"{label} {n + 1}"
            if isinstance(part, Group):
                rows.append(replace(part, label=name, look="row", row=True, need="", filled=True))
            else:
                rows.append(
                    Group(
                        place=f"{place}/{n}#row", label=name, look="line", parts=(replace(part, label=name),), row=True
                    )
                )
        lines = "properties" not in resolve_reference(node["items"], self.root)
        return Group(
            place=place,
            label=label,
            look="list",
            parts=tuple(rows),
            hints=hints,
            need=need,
            absent=absent,
            add=more,
            none=self._none(node, place),
            lines=lines,
            filled=need in (ALWAYS, ANSWERED) or bool(there),
        )

    def _row_name(self, node: Node, place: str) -> str | None:
        """Name a row of a list that has one row for each code; None if it has no code."""
        if "x-each" not in node:
            return None
        given = self._values(f"{place}/{node['x-each']}")
        return self.words.code(each_leaf(node, self.root)["x-codes"], given[0]) if given else None

    def _field(
        self,
        kind: Kind,
        said: Node,
        place: str,
        label: str,
        hints: tuple[tuple[str, str], ...],
        need: str,
        absent: Field | None,
    ) -> Field:
        node = resolve_reference(said, self.root)
        leaf = resolve_reference(node["items"], self.root) if kind is Kind.BOXES else node
        look, options = self._look(kind, said, node, leaf, place, need)
        extra = {}
        if kind is Kind.TIME and self._values(place + AT):
            extra[place + AT] = self._values(place + AT)[0]
        if kind is Kind.SCALAR:
            options = self._scalar_options()
            extra[place + KIND] = next(iter(self._values(place + KIND)), "")
        near, options = self._split(look, leaf.get("x-codes", type_of(said)), options)
        shape = SHAPES.get(type_of(said))
        if shape is not None and look in ("text", "area"):
            hints = (*hints, (self.words.language.code, self.words(shape)))
        if look == "nothing":
            hints = ((self.words.language.code, self.nothing[generalise_place(place)]),)
        return Field(
            place=place,
            label=label,
            look=look,
            values=self._chosen(place, options, need),
            options=options,
            near=near,
            hints=hints,
            mark=self.words(MARKS[leaf["x-class"]]) if "x-class" in leaf else "",
            need=need,
            absent=absent,
            extra=extra,
            longest=node.get("maxLength", 0),
            none=self._none(node, place) if kind is Kind.BOXES else None,
        )

    def _look(self, kind: Kind, said: Node, node: Node, leaf: Node, place: str, need: str) -> tuple[str, Options]:
        here = generalise_place(place)
        chosen = self.choices.get(here, self.choices.get(f"type:{type_of(said)}"))
        given = bool(self._values(place))
        if is_known(self.body_type, place) and (given or here not in self.choices):
            return "known", ()
        if here in self.nothing and not given:
            return "nothing", ()
        if chosen is not None and kind is not Kind.BOXES:
            return "select", self._with_given(chosen, place)
        match kind:
            case Kind.CODE | Kind.BOXES:
                options = self._with_given(self._codes(leaf), place)
                if kind is Kind.BOXES:
                    return "boxes", options
                if len(options) > RADIOS:
                    return "select", options
                return "radios", options if need == ALWAYS else (("", self.words("Not said")), *options)
            case Kind.FLAG:
                said_so = self._with_given(((YES, self.words.language.yes), (NO, self.words.language.no)), place)
                return "radios", said_so if need == ALWAYS else (("", self.words("Not said")), *said_so)
            case Kind.FIXED if node["const"] is True:
                return "tick", ((YES, self.words.language.yes),)
            case Kind.FIXED:
                return "fixed", ((str(node["const"]), str(node["const"])),)
            case Kind.DATE | Kind.TIME if not all(_PICKED[kind].fullmatch(value) for value in self._values(place)):
                return "text", ()  # a browser would show nothing of it
            case Kind.DATE | Kind.TIME | Kind.NUMBER | Kind.SCALAR:
                return str(kind), ()
            case _:
                long = (node["maxLength"] >= LONG and node.get("x-text")) or "\n" in "".join(self._values(place))
                return "area" if long else "text", ()

    def _chosen(self, place: str, options: Options, need: str) -> tuple[str, ...]:
        """Return what is given at a place; where something is needed and only one can be chosen, that one."""
        given = self._values(place)
        alone = need == ALWAYS and len(options) == 1 and generalise_place(place) in self.choices
        return (options[0][0],) if alone and not given else given

    def _split(self, look: str, kind: str, options: Options) -> tuple[Options, Options]:
        """Split options into those offered first and the rest."""
        return (
            split_options(options, self.near[kind], self.words)
            if look == "select" and kind in self.near
            else ((), options)
        )

    def _none(self, node: Node, place: str) -> bool | None:
        """Tell for a list that may be empty whether "there is nothing" was answered; None for others."""
        return bool(self._values(place + THERE)) if node.get("minItems", 0) == 0 else None

    def _scalar_options(self) -> Options:
        language = self.words.language
        return (
            (TEXT, self.words("the text above")),
            (NUMBER, self.words("the number above")),
            (YES, language.yes),
            (NO, language.no),
        )

    def _codes(self, leaf: Node) -> Options:
        listed = code_list(leaf["x-codes"])
        retired = {entry.code for entry in listed.codes if entry.retired}
        return [(code, self.words.code(listed.name, code)) for code in leaf["enum"] if code not in retired]

    def _with_given(self, options: Options, place: str) -> Options:
        """Add values that are already given but can no longer be chosen."""
        known = {code for code, _ in options}
        mark = self.words.language.unknown_code
        return [*options, *((value, f"{value} [{mark}]") for value in self._values(place) if value not in known)]

    def _why(self, reason: Node | None, place: str, name: str) -> Field | None:
        if reason is None:
            return None
        here = f"{place}/unknown/{name}"
        leaf = resolve_reference(reason, self.root)
        return Field(
            place=here,
            label=self.words("Why it is missing: %(field)s", field=self.label(f"{place}/{name}")),
            look="why",
            values=self._values(here),
            options=self._with_given(self._codes(leaf), here),
        )

    def label(self, place: str) -> str:
        """Name the member at a place."""
        return label_place(self.body_type, place, self.words)

    def _values(self, name: str) -> tuple[str, ...]:
        return tuple(value for value in self.fields.get(name, ()) if value)

    def _any(self, place: str) -> bool:
        return any(name.startswith((f"{place}/", f"{place}#")) and any(self.fields[name]) for name in self.fields)
