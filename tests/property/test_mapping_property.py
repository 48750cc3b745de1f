"""No record, however odd, gets a code that its mapping does not name, and no finding shows a value."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mapping.to_message import map_message, map_record, parse
from gateway.mapping.types import compared
from gateway.ports import LocalRecord

CODES = {"Forced labour": "ForcedLabour", "Water; sewerage": "ForcedLabour", "Servitude": "Servitude"}
MAPPING = parse(
    {
        "format": "trm-mapping/1",
        "name": "odd",
        "body_type": "referral.request/1",
        "fields": {
            "content.exploitation[]": {
                "from": "Exploitation",
                "type": "codes",
                "list": "exploitation",
                "codes": CODES,
                "unknown_values": {"N/K": "unknown"},
            },
            "content.birth_date": {"from": "Born", "type": "date", "year_to": "content.birth_year"},
            "content.country": {"from": "Country", "type": "country"},
            "content.language": {"from": "Language", "type": "language"},
            "content.number": {"from": "Number", "type": "integer"},
            "content.flag": {"from": "Flag", "type": "boolean"},
        },
    }
)
BACK = parse(
    {
        "format": "trm-mapping/1",
        "name": "back",
        "body_type": "referral.request/1",
        "direction": "both",
        "fields": {
            "content.kinds[]": {
                "from": "Kinds",
                "type": "codes",
                "list": "exploitation",
                "codes": {"a": "A", "b": "B", "B;a": "C", "both": "C"},
                "unknown_values": {"N/K": "unknown", "later": "not_yet"},
            },
            "content.texts[]": {"from": ["Text", "More"], "type": "text", "split": "|"},
            "content.people[].name": {"from": "Names", "type": "text"},
            "content.people[].age": {"from": "Ages", "type": "integer"},
            "content.born": {
                "from": "Born",
                "type": "date",
                "year_to": "content.year",
                "unknown_values": {"-": "refused"},
            },
            "content.note": {"from": "Note", "type": "text", "unknown_values": {"none": "refused"}},
            "content.flag": {"from": "Flag", "type": "boolean", "codes": {"Yes": True, "No": False}},
        },
    }
)
words = st.text(max_size=12) | st.sampled_from(["a;b", "N/K", "none", " x ", "|", "a|b", "1994", "-", "B;a", "\u0130"])
messages = st.fixed_dictionaries(
    {},
    optional={
        "kinds": st.lists(st.sampled_from("ABCD"), max_size=4),
        "texts": st.lists(words, max_size=4),
        "people": st.lists(st.fixed_dictionaries({"name": words}, optional={"age": st.integers(-5, 150)}), max_size=3),
        "born": st.dates().map(str) | words,
        "year": st.integers(1800, 2200),
        "note": words,
        "flag": st.booleans(),
        "unknown": st.dictionaries(st.sampled_from(["kinds", "born", "note"]), st.sampled_from(["unknown", "refused"])),
    },
)
LABELS = ["Exploitation", "Born", "Country", "Language", "Number", "Flag"]
cells = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(LABELS), cells))
def test_any_record_is_mapped_or_refused(fields):
    """There is always an answer, and what is mapped has the shape that its type promises."""
    found = map_record(MAPPING, LocalRecord(ref="r", fields=fields))
    if isinstance(found, tuple):
        assert found
        return
    content = found["content"]
    assert isinstance(content, dict)
    assert set(content.get("exploitation", [])) <= set(CODES.values())
    assert isinstance(content.get("number", 0), int)
    assert isinstance(content.get("flag", True), bool)
    assert "1900" not in str(content.get("birth_date"))


@given(st.text(st.characters(categories=["Lu"]), min_size=4, max_size=12).filter(lambda text: len(text) > 3))
def test_an_unknown_word_is_refused_and_not_shown(word):
    """A marked value is in no finding, whatever column it stands in."""
    marked = f"QX{word}QX"
    found = map_record(MAPPING, LocalRecord(ref="r", fields=dict.fromkeys(LABELS, marked)))
    assert isinstance(found, tuple)
    assert len(LABELS) == len(found)
    assert marked not in repr(found)


@given(st.lists(st.sampled_from([*CODES, "N/K"]), min_size=1, max_size=5), st.sampled_from([";", " ; ", "; "]))
def test_known_words_are_found_in_any_company(words, separator):
    """Joined as spreadsheets join them, known values come out in order, also those that hold the separator."""
    found = map_record(MAPPING, LocalRecord(ref="r", fields={"Exploitation": separator.join(words)}))
    named = [CODES[word] for word in words if word in CODES]
    if "N/K" not in words:
        assert isinstance(found, dict)
        assert found["content"] == {"exploitation": named}
    elif named:
        assert isinstance(found, tuple)
    else:
        assert isinstance(found, dict)
        assert found["content"] == {"unknown": {"exploitation": "unknown"}}


@given(st.text(max_size=30))
def test_compared_is_stable(text):
    """Comparing what was already made comparable changes nothing."""
    assert compared(compared(text)) == compared(text)


@given(messages)
@example({"born": "1994"})  # no day: it would come again as a year
def test_what_goes_back_comes_again(content):
    """A record made of a message makes the same message, but for space around a text; else a person has to look."""
    found = map_message(BACK, {"content": content})
    if isinstance(found, tuple):
        assert found
        return
    if found.losses:  # only that no day is known, beside a year
        assert "year" in content
        del content["unknown"]["born"]
    again = map_record(BACK, LocalRecord(ref="r", fields=found.fields))
    assert isinstance(again, dict)
    assert again["content"] == trimmed(content)


def trimmed(value):
    """The content as cells can hold it: no space around a text, no empty list, object or text."""
    match value:
        case str():
            return value.strip()
        case list():
            return [trimmed(item) for item in value]
        case dict():
            return {name: kept for name, item in value.items() if (kept := trimmed(item)) not in ([], {}, "", None)}
        case _:
            return value
