"""A pack from elsewhere is read within bounds: nothing but plain files of its own folder, and not too much of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from gateway.regions import files
from gateway.regions.files import read_pack
from schemas.reading import MAX_BYTES


def refusals(folder: Path) -> list[tuple[str, str]]:
    """Place and rule of what is not read."""
    with pytest.raises(RefusedError) as caught:
        read_pack(folder)
    assert caught.value.code is Code.INVALID
    return [(finding.place, finding.rule) for finding in caught.value.findings]


def test_what_is_read_is_what_the_loader_sees(begun: Callable[..., Path]) -> None:
    """A change on the disk after the files were read changes nothing: the bytes that were checked are used."""
    folder = begun()
    pack = read_pack(folder)
    (folder / "region.json").unlink()
    region = pack.read()
    assert (region.name, sorted(region.countries), region.corridors) == (
        "sahel",
        ["IT", "ML", "NE"],
        {("IT", "ML"), ("IT", "NE")},
    )


def test_the_hash_is_that_of_a_list_anybody_can_make(begun: Callable[..., Path]) -> None:
    """SHA-256 over the lines that sha256sum prints for all files, in the order of their paths."""
    folder = begun()
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    lines = "".join(f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    assert read_pack(folder).hash == hashlib.sha256(lines.encode()).hexdigest()


def test_a_link_leads_nowhere(begun: Callable[..., Path]) -> None:
    """Neither to a file nor to a folder outside of the pack, nor to one inside."""
    folder = begun()
    (folder / "national" / "FR.json").symlink_to("/etc/hostname")
    (folder / "guidance").symlink_to("/etc")
    (folder / "words" / "es.json").symlink_to(folder / "words" / "it.json")
    assert refusals(folder) == [("guidance", "no_file"), ("national/FR.json", "no_file"), ("words/es.json", "no_file")]


def test_a_pipe_is_not_waited_for(begun: Callable[..., Path]) -> None:
    """Nobody writes into it: a reader that opened it plainly would wait for ever."""
    folder = begun()
    os.mkfifo(folder / "statistics.pipe")
    assert refusals(folder) == [("statistics.pipe", "no_file")]


@pytest.mark.parametrize("name", [".hidden", "two words.json", "a\x1b[2Jb.json", "ligne\u202e.json"])
def test_a_name_that_could_steer_something_is_refused_and_not_repeated(begun: Callable[..., Path], name: str) -> None:
    """A file name is shown to people, and becomes a path on other machines."""
    folder = begun()
    (folder / "words" / name).write_text("{}", encoding="utf-8")
    assert refusals(folder) == [("words/*", "file_name")]


def test_a_folder_is_not_too_deep(begun: Callable[..., Path]) -> None:
    """Guidance in another language lies three folders deep, and nothing lies deeper."""
    folder = begun()
    deep = folder / "guidance" / "bodies" / "fr" / "more"
    deep.mkdir(parents=True)
    assert refusals(folder) == [("guidance/bodies/fr/more", "too_deep")]


def test_a_large_file_is_not_read(begun: Callable[..., Path]) -> None:
    """Of a file that no person wrote, one byte more than the limit is looked at."""
    folder = begun()
    with (folder / "words" / "uk.json").open("wb") as file:
        file.truncate(1 << 40)
    assert refusals(folder) == [("words/uk.json", "too_large")]
    assert MAX_BYTES == 1 << 20


def test_many_files_are_too_many(begun: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """So is much in all."""
    folder = begun()
    monkeypatch.setattr(files, "MAX_FILES", 10)
    assert {rule for _, rule in refusals(folder)} == {"too_many"}
    monkeypatch.undo()
    monkeypatch.setattr(files, "MAX_TOTAL", 30_000)
    assert {rule for _, rule in refusals(folder)} == {"too_large"}


def test_a_folder_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    """And a file is no folder."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("nothing", "file"):
        with pytest.raises(RefusedError, match="is no folder; nothing was done"):
            read_pack(tmp_path / name)
