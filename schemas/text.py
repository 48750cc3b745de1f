"""The text policy for what people write (nrm1 1.15): one spelling for each text, and nothing that cannot be seen.

    1  text_nfc         Unicode normalisation form C
    2  text_control     no control characters but newline and tab
    3  text_surrogate, text_private, text_unassigned    no code points without an agreed meaning
    4  text_bidi        no controls of writing direction; a display isolates each field instead
    5  text_invisible   nothing that shows as nothing: format characters, tags, fillers, selectors, line separators
    6  text_joiner      ZWJ and ZWNJ only after a letter or mark of a script that needs them

Which code points are assigned grows with the Unicode version of the Python in use; older nodes refuse newer letters.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from gateway.errors import Finding
from schemas.places import MAX_DEPTH, MAX_FINDINGS, Path, format_known_pointer

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

ZWNJ, ZWJ = "\u200c", "\u200d"
JOINERS = frozenset((ZWNJ, ZWJ))
LETTERS = 4_096
"""Characters that were looked up and are remembered: those of some languages, and no more for whoever sends others."""

BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Characters of category Cf that are drawn: number signs and end marks of Arabic, Syriac and Kaithi."""

FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that are drawn as nothing."""

SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
"""Variation selectors: they can carry hidden bytes after any character."""

JOINING_SCRIPTS = (
    (0x0600, 0x07FF),  # Arabic, Syriac, Thaana, N'Ko
    (0x0840, 0x0DFF),  # Mandaic, Arabic extensions, Devanagari to Sinhala
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1780, 0x18AF),  # Khmer, Mongolian
    (0x1A20, 0x1C4F),  # Lanna, Balinese, Sundanese, Batak, Lepcha
    (0xA8E0, 0xA9FF),  # Devanagari extended, Javanese, Myanmar extended
    (0xAA60, 0xAAFF),  # Myanmar and Meetei Mayek extensions
    (0xFB50, 0xFDFF),  # Arabic presentation forms
    (0x10A00, 0x10EFF),  # Kharoshthi, Manichaean, Hanifi Rohingya and neighbours
    (0x11000, 0x11FFF),  # Brahmi, Kaithi, Chakma and the other Indic scripts
)

_STARTS = tuple(start for start, _ in JOINING_SCRIPTS)

HINTS = {
    "text_nfc": "text in Unicode normalisation form C",
    "text_control": "no control characters but newline and tab",
    "text_surrogate": "no lone surrogates",
    "text_private": "no private-use characters",
    "text_unassigned": "no unassigned characters",
    "text_bidi": "no controls of writing direction",
    "text_invisible": "no invisible characters",
    "text_joiner": "a joiner only after a letter of a script that needs it",
}

_BY_CATEGORY = {
    "Cc": "text_control",
    "Cs": "text_surrogate",
    "Co": "text_private",
    "Cn": "text_unassigned",
    "Cf": "text_invisible",
    "Zl": "text_invisible",
    "Zp": "text_invisible",
}


def text_findings(value: Json) -> tuple[Finding, ...]:
    """Find the places in the strings of `value` that break the policy, each place and rule once; at most
    `MAX_FINDINGS`.

    `value` may be any parsed JSON, valid or not. Strings deeper than a body can be are left to the schema.
    """
    if _all_plain(value):
        return ()
    found = (
        Finding(place=format_known_pointer(path), rule=rule, hint=HINTS[rule])
        for path, text in _strings(value, ())
        for rule in text_faults(text)
    )
    return tuple(dict.fromkeys(islice(found, MAX_FINDINGS)))


def text_faults(text: str) -> tuple[str, ...]:
    """List the rules that `text` breaks, in alphabetical order; empty for nearly everything people write."""
    if text.isascii() and text.isprintable():
        return ()
    faults = {fault for char in set(text) if (fault := _fault(char))}
    if not _joiners_fit(text):
        faults.add("text_joiner")
    if not unicodedata.is_normalized("NFC", text):
        faults.add("text_nfc")
    return tuple(sorted(faults))


def normalise_text(value: Json) -> Json:
    """Return `value` with every string in normalisation form C, which is canonically equal. Used for drafts only."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [normalise_text(item) for item in value]
    if isinstance(value, dict):
        return {key: normalise_text(member) for key, member in value.items()}
    return value


@lru_cache(LETTERS)
def _fault(char: str) -> str | None:
    """Find the rule that a character breaks wherever it stands."""
    if char in "\n\t" or char in JOINERS:
        return None
    if char in BIDI_CONTROLS:
        return "text_bidi"
    if char in FILLERS or any(low <= ord(char) <= high for low, high in SELECTORS):
        return "text_invisible"
    if char in VISIBLE_FORMAT:
        return None
    return _BY_CATEGORY.get(unicodedata.category(char))


def _joiners_fit(text: str) -> bool:
    return all(place and _joins(text[place - 1]) for place, char in enumerate(text) if char in JOINERS)


def _joins(char: str) -> bool:
    place = bisect_right(_STARTS, ord(char)) - 1
    return place >= 0 and ord(char) <= JOINING_SCRIPTS[place][1] and unicodedata.category(char)[0] in "LM"


def _all_plain(value: Json) -> bool:
    """Whether every string is printable ASCII, in which no rule can find a fault; then nothing else needs a look."""
    waiting: list[Json] = [value]
    for item in waiting:
        if isinstance(item, str):
            if not (item.isascii() and item.isprintable()):
                return False
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
    return True


def _strings(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif len(path) >= MAX_DEPTH:
        return
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _strings(member, (*path, key))
