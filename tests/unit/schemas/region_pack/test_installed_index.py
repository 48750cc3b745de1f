"""The index of the packs in a node folder: written and read alike, and where each pack lies."""

from __future__ import annotations

from pathlib import Path

from schemas.region_pack.installed_index import InstalledPack, format_index, read_index


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """In the order of names; a node without one has no pack from elsewhere."""
    assert read_index(tmp_path) == {}
    held = {
        name: InstalledPack(name=name, hash=digit * 64, installed=at)
        for name, digit, at in (("b", "1", 7), ("a", "2", 8))
    }
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "installed.json").write_bytes(format_index(held))
    found = read_index(tmp_path)
    assert found == held and [*found] == ["a", "b"]
    assert found["a"].place == f"regions/{'2' * 16}/a"
