"""The message of a directory: it begins with the signed units, and speaks as the coordinator until it is over."""

from __future__ import annotations

from dataclasses import replace

from support.nodes import NOW, Node

from gateway.directory.entries import LIFE
from gateway.directory.operations.update_message import SPEAKER, begin_content, make_header
from gateway.foundation.time_text import when
from keys.documents.descriptor import Unit


def test_a_first_entry_begins_with_the_units_of_the_descriptor() -> None:
    """Each by its signed name, for the country of the node; a person tells the rest."""
    unit = Unit(id="focal-point", name="Focal point", kind=None, roles=(SPEAKER, "case_manager"))
    descriptor = replace(Node("a").first(), units=(unit,))
    assert begin_content(descriptor) == {
        "units": [
            {
                "unit_id": "focal-point",
                "name": [{"language": "en", "text": "Focal point"}],
                "country": descriptor.country,
                "roles": [SPEAKER, "case_manager"],
            }
        ],
        "focal_points": [],
    }


def test_the_header_keeps_the_message_until_the_entry_is_over() -> None:
    """Longer would keep what nobody may believe, shorter would lose what still counts."""
    header = make_header("focal-point", "sq", "a pseudonym", NOW)
    assert header["sender_unit"] == header["recipient_unit"] == "focal-point"
    assert header["sender_role"] == header["recipient_role"] == SPEAKER
    assert (header["language"], header["author_ref"]) == ("sq", "a pseudonym")
    handling = header["handling"]
    assert isinstance(handling, dict)
    assert str(handling["retain_until"]) in when(NOW + LIFE)
    assert handling["onward_sharing"] == "none"
