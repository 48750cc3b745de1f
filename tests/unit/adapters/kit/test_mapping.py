"""A mapping file as an adapter knows it: its name, and whether it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.kit.mapping import LIMIT, MappingFile, name_and_edition
from gateway.errors import Code, GatewayError


def test_a_change_makes_another_edition(tmp_path: Path) -> None:
    """The name stays, and every edit shows, a comment too."""
    file = tmp_path / "map.yaml"
    file.write_text("name: office\n")
    name, edition = name_and_edition(file)
    file.write_text("name: office # mended\n")
    again, other = name_and_edition(file)
    assert (name, again) == ("office", "office")
    assert edition != other


def test_an_adapter_goes_by_the_file_of_its_first_look(tmp_path: Path) -> None:
    """As its node does, which reads it at its start; that it was changed since is told."""
    file = tmp_path / "map.yaml"
    known = MappingFile(file)
    with pytest.raises(GatewayError):
        known.name_and_edition()
    file.write_text("name: office\n")
    assert not known.is_changed()
    before = known.name_and_edition()
    file.write_text("name: office # mended\n")
    assert (known.name_and_edition(), known.is_changed()) == (before, True)
    assert MappingFile(file).name_and_edition() == name_and_edition(file) != before


@pytest.mark.parametrize(
    "data",
    [b"- a list", b"fields: {}", b"name: 7", b"name: [", b"[" * 100_000, b"name: " + b"x" * LIMIT, b"\xff"],
    ids=["a list", "no name", "a number", "no yaml", "too deep", "too large", "no text"],
)
def test_what_is_no_mapping_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """One fault each."""
    file = tmp_path / "map.yaml"
    file.write_bytes(data)
    with pytest.raises(GatewayError) as caught:
        name_and_edition(file)
    assert caught.value.code is Code.INVALID


def test_a_file_that_is_away_is_tried_again(tmp_path: Path) -> None:
    """A share may be mounted later; a link or a folder stays a fault."""
    with pytest.raises(GatewayError) as caught:
        name_and_edition(tmp_path / "map.yaml")
    assert caught.value.code is Code.ADAPTER_BUSY
    with pytest.raises(GatewayError) as caught:
        name_and_edition(tmp_path)
    assert caught.value.code is Code.INVALID
