"""Documents as lines for people: whole, the same everywhere, marked where something is missing or unknown."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import table

from gateway.errors import Code, RefusedError
from schemas import code_list, load_catalogue
from schemas.describing.members import describe_members
from schemas.labels import REVIEWED, Labels, load_labels, load_languages, read_labels
from schemas.render import REPLACED, Line, Rendering, render_message, render_type, replace_controls
from schemas.text import BIDI_CONTROLS

EXAMPLES = Path(__file__).resolve().parents[3] / "schemas" / "examples"
VALID = sorted(EXAMPLES.glob("*/valid-*.json"))
CLOSURE = "closure.response/1"
RTL_MARK = "\u200f"

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(path: Path) -> tuple[str, Any]:
    """The type and the body of an example."""
    name, _, major = path.parent.name.rpartition(".")
    return f"{name}/{major}", json.loads(path.read_bytes())


def turned(value: Any) -> Any:
    """The same value with the members of each object in the other order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def content(value: dict[str, Any], told: Labels, body_type: str = CLOSURE) -> tuple[Line, ...]:
    """The lines of a content, without title and heading."""
    shown = render_message(body_type, {"content": value}, told).lines
    heading = next(place for place, line in enumerate(shown) if line.depth == 0 and line.label.startswith("content"))
    return shown[heading + 1 :]


def french(**fields: str) -> Labels:
    """Reviewed French with nothing but these labels of fields."""
    return read_labels("fr", {"language": "fr", "status": REVIEWED, "fields": fields})


def leaves(value: Any) -> int:
    """How many values a body has."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) and value else 1


@table("path", VALID, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_is_shown_whole_and_the_same_everywhere(path: Path) -> None:
    """In each language: as many values as the body has, and the same bytes in whatever order the body was written."""
    body_type, body = read(path)
    for lang in load_languages():
        shown = render_message(body_type, body, load_labels(lang))
        assert sum(1 for line in shown.lines if line.value) == leaves(body)
        assert shown.text().encode() == render_message(body_type, turned(body), load_labels(lang)).text().encode()


@table("path", VALID, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_of_a_valid_example_is_marked_in_english(path: Path) -> None:
    """English has every label, and a valid body has no unknown code or member."""
    body_type, body = read(path)
    words = load_labels("en").language
    text = render_message(body_type, body, load_labels("en")).text()
    assert not [word for word in (words.no_label, words.unknown_code, words.unknown_field) if f"[{word}]" in text]


def test_who_shows_a_document_may_bring_words() -> None:
    """By leaf type, and by place, which goes first; what they say can not break out of its line."""
    body = {"header": {"sender_unit": "a", "recipient_unit": "b"}, "content": {"lead_unit": "c"}}
    named = {"unit": str.upper, "/header/recipient_unit": lambda unit: f"{unit}\u202e"}
    shown = render_message("referral.accept/1", body, load_labels("en"), named).lines
    assert [line.value for line in shown if line.value] == ["A", f"b{REPLACED}", "C"]


def test_a_referral_reads_like_this() -> None:
    """Headings, codes, absences in the place of their value, lists, dates: one document by hand."""
    body = {
        "header": {"seen": 0, "respond_by": 1_777_777_777, "legal_basis": ["6_1_e", "9_2_a"]},
        "content": {
            "person": {
                "unknown": {"gender": "refused"},
                "pseudonym": "Mali",
                "nationalities": [],
                "safe_contact_rule": {"may_call": False, "who_answers": "nobody\nnot even a friend"},
            },
            "services_requested": [{"service": "interpretation"}, {"service": "food", "note": "halal"}],
        },
    }
    assert render_message("referral.request/1", body, load_labels("en")).text() == REFERRAL


REFERRAL = """\
Referral request
[draft wording]
About this message
  Answer asked for by: 2026-05-03 03:09:37 UTC
  Legal basis of the processing
    - Public task
    - Explicit consent
  Read so far of the other side: 0
Content
  Person
    Working name: Mali
    Gender: (The person does not want to say)
    Nationalities: –
    Safe contact
      Calling is safe: No
      Who else may answer: nobody
        | not even a friend
  Services asked for
    1.
      Service: Translation and interpretation
    2.
      Service: Food
      Note: halal
"""


def test_a_missing_label_is_marked_with_its_own_name() -> None:
    """Neither another language nor a guess stands in for it; nothing that is missing makes a page a draft."""
    shown = content({"answer": "agree", "note": "bon"}, french(note="Remarque"))
    assert shown == (
        Line(depth=1, label="answer [sans libellé]", value="agree [sans libellé]"),
        Line(depth=1, label="Remarque", value="bon"),
    )
    assert render_message(CLOSURE, {}, french()).lines == (Line(depth=0, label="closure.response/1 [sans libellé]"),)


def test_an_unknown_code_is_marked() -> None:
    """A code that its list does not have is told apart from one whose label is missing."""
    assert content({"answer": "perhaps"}, french(answer="Réponse")) == (
        Line(depth=1, label="Réponse", value="perhaps [code inconnu]"),
    )


def test_a_leaf_type_is_put_into_words_of_who_shows_it() -> None:
    """A text of that type, made harmless like every other; what is no text, and another type, stays as it is."""
    body = {"header": {"language": "sq", "handling": {"retain_until": "2027-11-30"}}}
    named = {"language": lambda tag: f"<{tag}>\u202e"}
    values = [line.value for line in render_message(CLOSURE, body, load_labels("en"), named).lines]
    assert f"<sq>{REPLACED}" in values and "2027-11-30" in values
    odd = render_message(CLOSURE, {"header": {"language": 7}}, load_labels("en"), named)
    assert "7" in [line.value for line in odd.lines]


def test_an_unknown_member_is_marked_and_shown() -> None:
    """Members that the schema does not have come last, in the order of their names."""
    shown = content({"zeta": {"b": 1, "a": True}, "alpha": None, "note": "x"}, french(note="Remarque"))
    assert shown == (
        Line(depth=1, label="Remarque", value="x"),
        Line(depth=1, label="alpha [champ inconnu]", value="–"),
        Line(depth=1, label="zeta [champ inconnu]", value='{"a": true, "b": 1}'),
    )


def test_unknown_members_are_in_order() -> None:
    """However many there are and however they were written."""
    names = [f"x{count}" for count in range(9, 0, -1)]
    shown = content(dict.fromkeys(names, 1), french())
    assert [line.label for line in shown] == [f"{name} [champ inconnu]" for name in sorted(names)]


@table("steering", [*sorted(BIDI_CONTROLS), "\x1b", "\x9b", "\r", "\u2028", "\ud800"], ids=ascii)
def test_what_steers_is_replaced(steering: str) -> None:
    """In a text, a code and a name alike: no value turns a line, closes its isolate or moves the cursor."""
    body = {"note": f"a{steering}b", "answer": f"a{steering}b", f"a{steering}b": 1}
    shown = content(body, french(note="N", answer="R"))
    told = [line.value for line in shown[:2]] + [shown[2].label]
    assert told == ["a\ufffdb [code inconnu]", "a\ufffdb", "a\ufffdb [champ inconnu]"]


def test_a_name_or_code_stays_on_its_line() -> None:
    """A newline in what is marked would begin a line of its own."""
    assert content({"answer": "a\nb", "a\nb": 1}, french(answer="R")) == (
        Line(depth=1, label="R", value="a\ufffdb [code inconnu]"),
        Line(depth=1, label="a\ufffdb [champ inconnu]", value="1"),
    )


def test_a_reason_beside_its_value_is_shown_too() -> None:
    """What contradicts itself is refused elsewhere; here both are seen."""
    person = {"pseudonym": "Mali", "unknown": {"pseudonym": "refused"}}
    shown = content({"person": person}, french(pseudonym="Nom", unknown="Absent"), "referral.request/1")
    assert shown[1:] == (
        Line(depth=2, label="Nom", value="Mali"),
        Line(depth=2, label="Absent", value='{"pseudonym": "refused"}'),
    )


@pytest.mark.parametrize(("status", "mark"), [("draft", ("[traduction provisoire]",)), ("reviewed", ())])
def test_a_draft_says_so_below_its_title(status: str, mark: tuple[str, ...]) -> None:
    """One draft label is enough; a reviewed language has no mark."""
    told = read_labels("fr", {"language": "fr", "status": status, "messages": {"closure.response": "Réponse"}})
    shown = render_message(CLOSURE, {}, told)
    assert (shown.draft, tuple(line.label for line in shown.lines)) == (bool(mark), ("Réponse", *mark))


def test_arabic_runs_from_right_to_left() -> None:
    """The direction is told, each line begins with the mark, and a value is isolated."""
    told = read_labels("ar", {"language": "ar", "status": REVIEWED, "fields": {"note": "ملاحظة", "content": "محتوى"}})
    shown = render_message(CLOSURE, {"content": {"note": "Flight AF 12\nنعم"}}, told)
    assert shown.direction == "rtl"
    lines = shown.text().splitlines()
    assert all(line.startswith(RTL_MARK) for line in lines)
    assert lines[-2:] == [f"{RTL_MARK}  ملاحظة: \u2068Flight AF 12\u2069", f"{RTL_MARK}    | \u2068نعم\u2069"]


def test_an_arabic_value_is_isolated_in_a_page_from_left_to_right() -> None:
    """Only a value that could turn the line has marks around it."""
    for value, written in (("Réponse", "Réponse"), ("نعم", "\u2068نعم\u2069")):
        shown = render_message(CLOSURE, {"content": {"note": value}}, load_labels("en"))
        assert shown.direction == "ltr"
        assert shown.text().splitlines()[-1].endswith(f": {written}")


def test_the_second_line_of_a_text_cannot_pass_for_a_member() -> None:
    """A text that imitates a line of the page has a bar before it."""
    told = french(note="Remarque")
    text = render_message(CLOSURE, {"content": {"note": "x\nRemarque: y"}}, told).text()
    assert text.splitlines()[-1] == "    | Remarque: y"


@given(body=JSON_VALUES, lang=st.sampled_from(sorted(load_languages())))
def test_any_value_is_shown_and_steers_nothing(body: object, lang: str) -> None:
    """Whatever stands in a body, as a whole and in each place: no line fails, no control or direction gets through."""
    for value in (body, {"header": body, "content": body}, {"content": {"person": body, "unknown": body}}):
        shown = render_message("referral.request/1", value, load_labels(lang))
        for line in shown.lines:
            assert not BIDI_CONTROLS & set(line.label + line.value)
            assert "\n" not in line.label
        assert {unicodedata.category(char) for char in shown.text()} & {"Cs", "Zl", "Zp"} == set()
        assert not [char for char in shown.text() if unicodedata.category(char) == "Cc" and char not in "\n\t"]
        assert shown.text().encode()


@given(st.text())
def test_harmless_text_stays_as_it_is(text: str) -> None:
    """As long as before, changed only where something steers, and once is enough."""
    cleaned = replace_controls(text)
    assert len(cleaned) == len(text) and replace_controls(cleaned) == cleaned
    assert all(new in (old, "\ufffd") for old, new in zip(text, cleaned, strict=True))


@table("body_type", [entry.body_type for entry in load_catalogue().types])
def test_an_outline_has_every_member_and_every_code(body_type: str) -> None:
    """Places in the order of the schema, then each code that is still offered."""
    shown = render_type(body_type, load_labels("en")).lines
    listed = describe_members(body_type)
    places = [re.split("[ :]", line.value)[0] for line in shown if line.value.startswith("/")]
    assert places == [row.place for row in listed]
    names = sorted({row.codes for row in listed if row.codes})
    codes = [word for name in names for word in (name, *(e.code for e in code_list(name).codes if not e.retired))]
    assert [line.value for line in shown if line.value and not line.value.startswith("/")] == codes


def test_an_outline_tells_what_a_language_lacks() -> None:
    """The label of a place stands beside it; what is missing shows its name; a meaning is told where there is one."""
    lines = render_type(CLOSURE, french(note="Remarque")).lines
    assert Line(depth=0, label="Remarque", value="/content/note") in lines
    assert Line(depth=0, label="answer [sans libellé]", value="/content/answer (closure_answer)") in lines
    assert Line(depth=1, label="agree [sans libellé]", value="agree") in lines


def test_a_type_that_is_not_held_is_refused() -> None:
    """Both ways of showing say that there is no such type."""
    shows: list[Any] = [
        lambda: render_message("no.such/1", {}, load_labels("en")),
        lambda: render_type("no.such/1", load_labels("en")),
    ]
    for show in shows:
        with pytest.raises(RefusedError) as caught:
            show()
        assert caught.value.code == Code.NO_COMMON_SCHEMA


def test_a_rendering_is_a_value() -> None:
    """Two renderings of one document are equal."""
    path = VALID[0]
    body_type, body = read(path)
    first, second = (render_message(body_type, body, load_labels("en")) for _ in range(2))
    assert first == second and isinstance(first, Rendering)
