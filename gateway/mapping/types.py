"""What a mapping file says, as values; `docs/mapping-format.md` is the specification.

A mapping is data, without expressions and without defaults. `gateway.mapping.file_format` reads it, checked as a whole;
`gateway.mapping.to_message` applies it to records.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from gateway.foundation.json import Json
from gateway.mapping.dates import DayOrder

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
COUNTRY = re.compile(r"[A-Z]{2}")

_PLAIN_LETTERS = str.maketrans({"ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "’": "'", "ـ": None, "ى": "ي", "ة": "ه"})
MEMBER = re.compile(r"[a-z][a-z0-9_]*(\[\])?")


class Kind(StrEnum):
    """How a cell is read."""

    TEXT = "text"
    CODE = "code"
    CODES = "codes"
    DATE = "date"
    YEAR = "year"
    INTEGER = "integer"
    LANGUAGE = "language"
    COUNTRY = "country"
    BOOLEAN = "boolean"


class Absence(StrEnum):
    """Why there is no value although somebody wrote something (domain 2.5; code list `absence`)."""

    UNKNOWN = "unknown"
    REFUSED = "refused"
    NOT_YET = "not_yet"


class Direction(StrEnum):
    """Which way a file or a rule is read: from a record to a message, from a message to a record, or both."""

    OUT = "out"
    IN = "in"
    BOTH = "both"

    @property
    def outward(self) -> bool:
        """Whether records become messages."""
        return self is not Direction.IN

    @property
    def inward(self) -> bool:
        """Whether messages become records."""
        return self is not Direction.OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Where a value goes: members before the list (or all of them), and after it. ``tail`` is None for a plain path."""

    text: str
    head: tuple[str, ...]
    tail: tuple[str, ...] | None

    @property
    def many(self) -> bool:
        """Whether the path makes a list."""
        return self.tail is not None

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer, with `*` for the items of a list."""
        return f"/{self.text.replace('[]', '/*').replace('.', '/')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A distinction that is lost on purpose: ``note`` says which, ``reviewed`` who looked at it, and when."""

    note: str
    reviewed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a local value becomes. ``local`` is the value as the file spells it."""

    value: str | bool
    local: str
    loss: Loss | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What a code becomes on the way back: a local value, or None where a person has to decide each time; ``note`` says
    why.
    """

    local: str | None
    loss: Loss | None = None
    note: str = ""


Meaning: TypeAlias = Target | Absence | None
"""What a text of a language means in a cell; None where it has two meanings, so that a person has to say which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one path gets its value, and what its value becomes. Keys of ``codes``, ``absent`` and ``labels`` are in the
    compared form of ``compared``; ``words`` are the first spelling for each reason to have no value.

    ``values`` are those of the local picklist, ``labels`` what the local system shows for them. ``hold`` says why every
    code without a local value is for a person. ``also_split`` are separators of cells whose every piece is known, for
    surveys write several answers with blanks between. ``dates`` says which of two numbers is the day. ``spoken``
    are the labels of languages that cells may hold as well (`gateway.mapping.labels`), in compared form. ``pieces``
    tells for each separator into how many pieces it cuts a known value at most.
    """

    path: Path
    sources: tuple[str, ...]
    kind: Kind
    direction: Direction
    required: bool
    code_list: str | None
    codes: Mapping[str, Target] | None
    back: Mapping[str | bool, Back]
    hold: str
    absent: Mapping[str, Absence]
    words: Mapping[Absence, str]
    unknown_lossy: str
    values: tuple[str, ...]
    labels: Mapping[str, str]
    split: str | None
    year_to: Path | None
    unknown_for: Path | None
    also_split: tuple[str, ...] = ()
    dates: DayOrder | None = None
    spoken: Mapping[str, Meaning] = field(default_factory=dict)
    pieces: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = [word for table in (self.codes or {}, self.absent, self.spoken) for word in table]
        signs = self.also_split if self.split is None else (self.split, *self.also_split)
        pieces = {sign: 1 + max((word.count(compared_sign(sign)) for word in words), default=0) for sign in signs}
        object.__setattr__(self, "pieces", pieces)

    def knows(self, word: str) -> bool:
        """Whether a table of the rule has this text, in compared form."""
        return word in self.spoken or word in self.absent or (self.codes is not None and word in self.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMapping:
    """A checked mapping file. ``aliases``: visible label -> its other spellings, in compared form like the labels.

    ``left_out`` are the parts of a message that the way back leaves behind on purpose.
    """

    name: str
    title: str
    body_type: str
    direction: Direction
    aliases: Mapping[str, frozenset[str]]
    ignored: frozenset[str]
    constants: tuple[tuple[Path, Json], ...]
    rules: tuple[Rule, ...]
    left_out: tuple[tuple[str, ...], ...]


def compared(text: str) -> str:
    """The form in which labels and local values are compared: NFC, no case, one space for each run of white space."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def compared_sign(sign: str) -> str:
    """A separator as it stands inside a text in compared form."""
    return " " if sign.isspace() else compared(sign)


def without_accents(text: str) -> str:
    """The compared form of what people type on another keyboard: no accents, plain Latin, Greek and Arabic letters."""
    plain = unicodedata.normalize("NFKD", compared(text)).translate(_PLAIN_LETTERS)
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


@lru_cache(maxsize=2_048)
def compared_label(label: str) -> str:
    """`compared` for labels of columns, which are the same for each record. Never for what a cell says: it stays."""
    return compared(label)


def value_at(value: Json | Mapping[str, Json], steps: Sequence[str]) -> Json:
    """Return the value below `steps`, None where there is none."""
    found: Json | Mapping[str, Json] = value
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else found


def parse_path(text: str) -> Path | None:
    """The path, or None where it is not one (docs/mapping-format.md, Target paths)."""
    members = text.split(".")
    if not all(MEMBER.fullmatch(member) for member in members):
        return None
    root_only = text in ("to", "purpose", "conversation", "in_reply_to")
    if not root_only and (len(members) < 2 or members[0] not in ("header", "content") or text == "header.seen"):
        return None
    lists = [index for index, member in enumerate(members) if member.endswith("[]")]
    if not lists:
        return Path(text=text, head=tuple(members), tail=None)
    if len(lists) > 1:
        return None
    head = (*members[: lists[0]], members[lists[0]].removesuffix("[]"))
    return Path(text=text, head=head, tail=tuple(members[lists[0] + 1 :]))
