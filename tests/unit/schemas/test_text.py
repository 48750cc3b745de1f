"""The text policy, case by case; a display is the other half (each field isolated)."""

from __future__ import annotations

import unicodedata
from typing import Any

from support.tables import table

from gateway.errors import Finding
from schemas import normalise_text, text_findings
from schemas.text import JOINING_SCRIPTS, text_faults

GOOD = {
    "plain": "Two siblings, staying together.",
    "lines and tabs": "first\n\tsecond",
    "albanian": "Hëna dhe Erë çdo ditë",
    "ukrainian": "Її звати Мар'яна",
    "greek": "Ελένη Παπαδοπούλου",
    "arabic": "مريم بنت علي",
    "arabic number sign": "\u0600\u0661\u0662",
    "persian with ZWNJ": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "hindi with ZWJ": "\u0915\u094d\u200d\u0937",
    "hindi with ZWNJ": "\u0915\u094d\u200c\u0937",
    "sinhala with ZWJ": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "malayalam with final ZWJ": "\u0d28\u0d4d\u200d",
    "hebrew": "שלום",
    "chinese": "张伟",
    "emoji of one code point": "\U0001f600",
    "no-break space": "10\u00a0000",
    "empty": "",
}

BAD = {
    "decomposed": ("e\u0301", ("text_nfc",)),
    "compatibility jamo": ("\u1112\u1161\u11ab", ("text_nfc",)),
    "null": ("a\u0000b", ("text_control",)),
    "carriage return": ("a\r\nb", ("text_control",)),
    "escape": ("\u001b[31m", ("text_control",)),
    "next line": ("a\u0085b", ("text_control",)),
    "lone surrogate": ("\ud800", ("text_surrogate",)),
    "private use": ("\ue000", ("text_private",)),
    "unassigned": ("\u0378", ("text_unassigned",)),
    "noncharacter": ("\uffff", ("text_unassigned",)),
    "right-to-left override": ("abc\u202etxt", ("text_bidi",)),
    "isolate": ("\u2066abc\u2069", ("text_bidi",)),
    "left-to-right mark": ("a\u200eb", ("text_bidi",)),
    "arabic letter mark": ("\u0627\u061c", ("text_bidi",)),
    "zero-width space": ("a\u200bb", ("text_invisible",)),
    "byte order mark": ("\ufeffa", ("text_invisible",)),
    "soft hyphen": ("so\u00adft", ("text_invisible",)),
    "tag characters": ("a\U000e0041", ("text_invisible",)),
    "variation selector": ("a\ufe0f", ("text_invisible",)),
    "hangul filler": ("\u3164", ("text_invisible",)),
    "line separator": ("a\u2028b", ("text_invisible",)),
    "ZWNJ in Latin": ("a\u200cb", ("text_joiner",)),
    "ZWJ in Cyrillic": ("а\u200dб", ("text_joiner",)),
    "joiner first": ("\u200c\u0645", ("text_joiner",)),
    "two joiners": ("\u0645\u200c\u200c\u062e", ("text_joiner",)),
    "emoji sequence": ("\U0001f468\u200d\U0001f469", ("text_joiner",)),
    "two faults": ("\u202e\u0000", ("text_bidi", "text_control")),
}


@table("text", GOOD.values(), ids=GOOD)
def test_ordinary_text_passes(text: str) -> None:
    """What people write in their own script passes, joiners included where the script needs them."""
    assert text_faults(text) == ()


@table(("text", "rules"), BAD.values(), ids=BAD)
def test_tricky_text_is_refused(text: str, rules: tuple[str, ...]) -> None:
    """What reads differently from what it is, is refused under the rule's own name."""
    assert rules == text_faults(text)


def test_finding_says_where_and_never_what() -> None:
    """A finding has the place of the string and the rule, and not the string."""
    body: Any = {"content": {"person": {"never_use": ["fine", "Maria\u202e"]}}}
    expected = Finding(place="/content/person/never_use/1", rule="text_bidi", hint="no controls of writing direction")
    assert (expected,) == text_findings(body)


def test_values_that_are_no_text_are_passed_over() -> None:
    """Numbers, booleans and null have no text policy."""
    assert text_findings({"a": [1, True, None, {"b": {}}]}) == ()


def test_nfc_makes_a_draft_pass() -> None:
    """Decomposed text, as some systems store it, passes after normalisation and means the same."""
    draft = {"a": ["e\u0301", 7], "b": None}
    assert normalise_text(draft) == {"a": ["é", 7], "b": None}
    assert text_findings(normalise_text(draft)) == ()


def test_joining_scripts_are_sorted_and_disjoint() -> None:
    """The table can be searched by bisection."""
    flat = [point for pair in JOINING_SCRIPTS for point in pair]
    assert sorted(set(flat)) == flat


def test_every_format_character_is_judged() -> None:
    """No format character passes but the ones that are drawn, whatever Unicode version this Python has."""
    passing = {c for c in map(chr, range(0x110000)) if unicodedata.category(c) == "Cf" and not text_faults(c)}
    assert passing <= set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
