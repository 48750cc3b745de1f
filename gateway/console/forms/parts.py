"""The parts of a form: questions, groups of them, and how they are named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.console.words import Words

Options: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question. ``look`` names its control (see `templates/form.html`); ``extra`` are hidden fields beside it;
    ``none`` tells whether "there is nothing" can be answered, and whether it was; ``also`` and ``others`` are its label
    and the labels of its options in a second language.
    """

    place: str
    label: str
    look: str
    values: tuple[str, ...] = ()
    options: Options = ()
    near: Options = ()
    """Of a long list what is offered first; it does not stand in ``options`` again."""
    hints: tuple[tuple[str, str], ...] = ()
    """Pairs of language and text."""
    mark: str = ""
    need: str = ""
    absent: Field | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    longest: int = 0
    none: bool | None = None
    also: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """The first value; empty where there is none."""
        return next(iter(self.values), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Questions about one thing, or the rows of a list. ``add`` says that another row fits in; ``row`` that this is a
    row and can be removed; ``none`` that "there is nothing" can be answered (and whether it was); ``there`` that the
    object is present although it is empty.
    """

    place: str
    label: str
    look: str = "group"
    parts: tuple[Part, ...] = ()
    hints: tuple[tuple[str, str], ...] = ()
    need: str = ""
    absent: Field | None = None
    add: bool = False
    row: bool = False
    none: bool | None = None
    lines: bool = False
    there: bool = False
    filled: bool = True
    also: str = ""

    @property
    def simple(self) -> bool:
        """Whether it is a list of single values, which stands among single questions."""
        return self.look == "list" and self.lines


Part: TypeAlias = "Field | Group"


def list_places(parts: Iterable[Part]) -> Iterator[str]:
    """List every place that has a field or group of its own."""
    for part in parts:
        yield part.place
        if part.absent is not None:
            yield part.absent.place
        if isinstance(part, Group):
            yield from list_places(part.parts)


def split_options(options: Options, near: Collection[str], words: Words) -> tuple[Options, Options]:
    """Split options into near ones and all others, each in alphabetical order."""
    ordered = sorted(options, key=lambda one: words.place(one[1]))
    return [one for one in ordered if one[0] in near], [one for one in ordered if one[0] not in near]


def leave_out(group: Group, place: str) -> Group:
    """Return the section without one of its questions."""
    return replace(group, parts=tuple(part for part in group.parts if part.place != place))


def add_second_language(parts: Sequence[Part], others: Sequence[Part]) -> tuple[Part, ...]:
    """Add to a form the labels of the same form in a second language."""
    return tuple(_beside(part, other) for part, other in zip(parts, others, strict=True))


def _beside(part: Part, other: Part) -> Part:
    if isinstance(part, Group) and isinstance(other, Group):
        return replace(part, also=other.label, parts=add_second_language(part.parts, other.parts))
    if isinstance(part, Field) and isinstance(other, Field):
        short = part.look in ("radios", "boxes", "tick")
        return replace(part, also=other.label, others=dict(other.options) if short else {})
    raise RuntimeError("the two forms are not the same")


def label_place(body_type: str, place: str, words: Words) -> str:
    """Name a member; a row gets its list and its number."""
    steps = place.split("/")
    number = f" {int(steps[-1]) + 1}" if steps[-1].isdecimal() else ""
    found = words.labels.field(body_type, place)
    return f"{steps[-1]} [{words.language.no_label}]" if found.text is None else f"{found.text}{number}"


def generalise_place(place: str) -> str:
    """Replace each row number in a place by `*`."""
    return "/".join("*" if step.isdecimal() else step for step in place.split("/"))
