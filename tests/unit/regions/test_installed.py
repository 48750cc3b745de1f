"""A pack in a node folder: whole or not at all, unchanged since, and never without a country that is needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from gateway.regions import installed
from gateway.regions.files import read_pack
from gateway.regions.installed import install_pack, load_node_region, read_program_pack
from schemas.region_pack.installed_index import InstalledPack, format_index, read_index
from schemas.region_pack.regions import load_region

NOW = 1_900_000_000


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node folder; nothing else of it is needed here."""
    folder = tmp_path / "node"
    folder.mkdir()
    return folder


def install(node: Path, folder: Path, *needed: str) -> installed.Installed:
    """Install the pack of a folder."""
    return install_pack(node, read_pack(folder), needed=needed, now=NOW)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pack_of_the_program_needs_no_installation(node: Path) -> None:
    """It is the one that every installation of this version has."""
    assert load_node_region(node, "tact") is load_region("tact")
    assert read_program_pack("tact").read().countries == load_region("tact").countries


def test_an_installed_pack_is_read_from_the_node(node: Path, begun: Callable[..., Path]) -> None:
    """Where it was made is not needed any more."""
    folder = begun()
    done = install(node, folder, "IT", "ML")
    folder.rename(folder.with_name("gone"))
    assert load_node_region(node, "sahel").countries == done.region.countries
    assert read_index(node)["sahel"] == InstalledPack(name="sahel", hash=done.pack.hash, installed=NOW)
    assert done.before is None


def test_nobody_else_reads_it(node: Path, begun: Callable[..., Path]) -> None:
    """It is private to the node, as the rest of its folder."""
    install(node, begun())
    assert {oct(path.stat().st_mode & 0o077) for path in (node / "regions").rglob("*")} == {"0o0"}


def test_what_was_changed_since_is_not_used(node: Path, begun: Callable[..., Path]) -> None:
    """A calendar that somebody mended in the node folder alone would part two workers, and two countries."""
    folder = begun()
    done = install(node, folder)
    calendar = (node / done.pack.place) / "calendars" / "IT.json"
    calendar.write_bytes(calendar.read_bytes() + b"\n")
    with pytest.raises(RefusedError, match="was changed after it was installed") as caught:
        load_node_region(node, "sahel")
    assert caught.value.code is Code.INVALID
    install(node, folder)
    assert load_node_region(node, "sahel").name == "sahel"


def test_a_newer_one_takes_its_place(node: Path, begun: Callable[..., Path]) -> None:
    """The old files go when the index names the new ones."""
    folder = begun()
    first = install(node, folder)
    region = json.loads((folder / "region.json").read_bytes())
    (folder / "region.json").write_text(json.dumps(region | {"version": 2}), encoding="utf-8")
    second = install(node, folder, "IT", "ML", "NE")
    assert second.before is not None and second.before.hash == first.pack.hash
    assert load_node_region(node, "sahel").version == 2
    assert [path.name for path in (node / "regions").iterdir() if path.is_dir()] == [second.pack.hash[:16]]


def test_the_same_again_changes_nothing(node: Path, begun: Callable[..., Path]) -> None:
    """A node that reads it meanwhile finds every file where it was."""
    folder = begun()
    done = install(node, folder)
    before = {path: path.stat().st_ino for path in (node / done.pack.place).rglob("*")}
    install(node, folder)
    assert {path: path.stat().st_ino for path in (node / done.pack.place).rglob("*")} == before


@pytest.mark.parametrize("left", ["TN", "GR"])
def test_a_country_that_is_needed_cannot_vanish(node: Path, begun: Callable[..., Path], left: str) -> None:
    """That of the node, or that of a peer with which it has a link."""
    folder = begun()
    install(node, folder)
    before = files_of(node)
    with pytest.raises(
        RefusedError, match="lacks countries that this node works with; nothing was installed"
    ) as caught:
        install(node, folder, "IT", left)
    assert caught.value.code is Code.CONFLICT
    assert [finding.place for finding in caught.value.findings] == [f"region.json#/countries/{left}"]
    assert files_of(node) == before


def test_a_pack_with_a_fault_is_not_installed(node: Path, begun: Callable[..., Path]) -> None:
    """Nor is one that bears the name of a pack of the program."""
    folder = begun()
    (folder / "statistics.json").unlink()
    with pytest.raises(RefusedError, match="region pack sahel is not valid"):
        install(node, folder)
    with pytest.raises(RefusedError, match="tact is a region pack of the program; nothing was installed"):
        install_pack(node, read_program_pack("tact"), needed=(), now=NOW)
    assert files_of(node) == {}


def test_a_crash_before_the_index_leaves_what_was_there(
    node: Path, begun: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index comes last; rests of the attempt are swept away by the next one."""
    folder = begun()
    first = install(node, folder)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    (folder / "README.md").write_text("# sahel\n", encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(installed, "write_kept", crash)
        with pytest.raises(KeyboardInterrupt):
            install(node, folder)
    assert read_index(node)["sahel"] == first.pack
    assert load_node_region(node, "sahel").countries == first.region.countries
    second = install(node, folder)
    assert [path.name for path in (node / "regions").iterdir() if path.is_dir()] == [second.pack.hash[:16]]


@pytest.mark.parametrize("names", [("sahel", "coast"), ("sahel", "sahel")], ids=["two packs", "two editions"])
def test_two_at_the_same_moment(
    node: Path, begun: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, names: tuple[str, str], tmp_path: Path
) -> None:
    """The later one is told so, and neither loses anything: asked again, it finds what the first has left."""
    first, second = begun(names[0]), begun(names[1], receivers="ML NE TN", where=tmp_path / "other")
    written = installed.write_kept

    def meanwhile(path: Path, data: bytes) -> None:
        monkeypatch.setattr(installed, "write_kept", written)
        with pytest.raises(RefusedError, match=r"another region pack is being .* nothing was installed") as told:
            install(node, second)
        assert told.value.code is Code.LOCKED and "trm region list" in told.value.hint
        written(path, data)

    monkeypatch.setattr(installed, "write_kept", meanwhile)
    done = install(node, first)
    assert read_index(node) == {names[0]: done.pack}
    again = install(node, second)
    assert {name: pack.hash for name, pack in read_index(node).items()} == {
        names[0]: done.pack.hash,
        names[1]: again.pack.hash,
    }
    assert (again.before and again.before.hash) == (done.pack.hash if names[0] == names[1] else None)
    assert load_node_region(node, names[1]).countries.keys() == {"IT", "ML", "NE", "TN"}


def test_a_pack_that_nobody_installed_is_an_answer(node: Path, begun: Callable[..., Path]) -> None:
    """With what there is."""
    install(node, begun())
    with pytest.raises(RefusedError, match="no such region pack") as caught:
        load_node_region(node, "atlantis")
    assert "tact, sahel" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        format_index({}).replace(b"/1", b"/2"),
        format_index({"x": InstalledPack(name="x", hash="../../etc", installed=0)}),
        format_index({"x": InstalledPack(name="x", hash="a" * 64, installed=0)}).replace(
            b'"hash"', b'"more": 1, "hash"'
        ),
    ],
    ids=["empty", "no format", "no object", "another format", "a path", "a member too many"],
)
def test_an_index_that_was_changed_by_hand_stops_the_node(node: Path, content: bytes) -> None:
    """It names folders, so nothing else may stand in it."""
    (node / "regions").mkdir()
    (node / "regions" / "installed.json").write_bytes(content)
    with pytest.raises(RefusedError, match="does not say which region packs were installed"):
        read_index(node)
