"""The preview of a mapping: both ways side by side."""

from __future__ import annotations

from support.maps import mapped_message, mapping_file

from gateway.mapping.preview import inward, outward
from gateway.mapping.to_message import parse
from gateway.ports import LocalRecord


def test_the_way_out_is_shown_side_by_side():
    """Constants, cells with what they become, faults at their line, and what nobody reads."""
    fields = {"Sex": "X", "Born": "N/K", "Note": "hello", "Colour": "red"}
    lines = {
        line.label or line.path: line for line in outward(parse(mapping_file()), LocalRecord(ref="r", fields=fields))
    }
    assert lines["header.language"].remarks == ("constant of the file",)
    assert (lines["Note"].local, lines["Note"].path, lines["Note"].value) == ("hello", "content.summary", "hello")
    assert (lines["Born"].path, lines["Born"].value) == ("content.person.unknown.birth_date", "unknown")
    assert lines["Sex"].remarks[0].startswith("unmapped_code")
    assert lines["Colour"].remarks == ("not read by any rule",)


def test_the_way_back_is_shown_side_by_side():
    """The same table seen from the message."""
    content = {"person": {"gender": "NonSpecifiedUnknown", "pseudonym": "Mali"}, "exploitation": ["Slavery"], "kept": 1}
    lines = {line.path: line for line in inward(parse(mapping_file()), mapped_message(**content))}
    assert (lines["content.person.gender"].local, lines["content.person.gender"].label) == ("F", "Sex")
    assert lines["content.person.gender"].remarks == ("loses: the office does not tell them apart",)
    assert lines["content.exploitation[]"].remarks[0].startswith("unmapped_code")
    assert lines["/content/person/pseudonym"].remarks == ("not read by any rule",)
    assert lines["/content/kept"].remarks == ("left out on purpose",)
