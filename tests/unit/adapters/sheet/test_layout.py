"""Layouts: which columns a mapping file reads."""

from __future__ import annotations

import pytest
from support import workbooks

from adapters.sheet.layout import Kind, read_layout
from gateway.errors import RefusedError


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "a: 1",
        "format: trm-mapping/2\nname: a",
        "format: trm-mapping/1\nname: A B",
        "format: trm-mapping/1\nname: a\nfields: [x]",
        "format: trm-mapping/1\nname: a\nfields: {x: {from: A, type: picture}}",
        "format: trm-mapping/1\nname: a\nfields: {x: {from: 1, type: text}}",
        "format: trm-mapping/1\nname: a\nignored: [No]",
        "format: trm-mapping/1\nname: a\nfields: {x: {from: A, type: text}, y: {from: A, type: date}}",
        "a: &a [x]\nb: !!python/object:os.system {}",
    ],
)
def test_bad_layouts(text: str) -> None:
    """A mapping file that cannot say which columns there are is refused."""
    with pytest.raises(RefusedError, match="mapping file cannot be used"):
        read_layout(text.encode(), ())


def test_layout() -> None:
    """The layout has the labels in every spelling, an id column by its name, and changes when the file does."""
    layout = read_layout(workbooks.MAPPING.encode(), {"case"})
    assert (layout.columns["date of birth"], layout.columns["born"]) == (Kind.DATE, Kind.DATE)
    assert (layout.columns["case"], layout.columns["name"]) == (Kind.ID, Kind.TEXT)
    assert layout.ignored == {"remarks", "ready"}
    assert layout.fingerprint != read_layout(workbooks.MAPPING.encode() + b"\n", {"case"}).fingerprint
