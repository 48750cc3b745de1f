"""No record, however odd, gets a code that its mapping does not name, and no finding shows a value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.mapping import map_record, parse
from gateway.core.mapping_types import compared
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
