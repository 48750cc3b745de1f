"""The region packs of a node: those of the program, and those that were installed in its folder.

A pack is installed in four steps; after a failure or a crash the node has what it had:

    1  its files are read once, within bounds, and the pack in them is checked
    2  what a node needs stays: its own country and those of its live peers, and no name of a pack of the program
    3  the files are written under the beginning of their hash, and brought to the disk
    4  the index names them, in one step

One installation at a time: another that begins meanwhile is refused, since the index of both would be that of the later
one alone.

The node reads its pack once, at its start, and refuses one whose files have changed since they were installed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gateway.database.atomic_file import write_kept
from gateway.errors import Code, Finding, RefusedError
from gateway.regions.files import PackFiles, read_pack
from keys.primitives.disk import sync_folder
from schemas import resources
from schemas.reading import Folder
from schemas.region_pack.installed_index import INDEX, REGIONS, InstalledPack, format_index, read_index
from schemas.region_pack.regions import Region, list_regions, load_region

LOCK = ".lock"
"""The file in the folder of the packs that one installation holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What an installation did. `before` are the files of the pack that it replaced, None for a new name."""

    pack: InstalledPack
    region: Region
    before: PackFiles | None


def load_node_region(node: Path, name: str) -> Region:
    """Load the region pack of a node folder by its name.

    Raises:
        RefusedError: not_found; invalid, where the files are not those that were installed.
    """
    if name in list_regions():
        return load_region(name)
    pack = read_index(node).get(name)
    if pack is None:
        raise RefusedError(
            Code.NOT_FOUND,
            "no such region pack",
            hint=f"held: {', '.join((*list_regions(), *read_index(node)))}; trm region install adds one",
        )
    return read_installed(node, pack).read()


def read_program_pack(name: str) -> PackFiles:
    """Read the files of a pack of the program."""
    files: dict[str, bytes] = {}
    _collect(resources.open_folder(f"regions/{name}"), "", files)
    return PackFiles(name=name, files=files)


def _collect(folder: Folder, below: str, files: dict[str, bytes]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{below}{entry.name}/", files)
        else:
            files[f"{below}{entry.name}"] = entry.read_bytes()


def read_installed(node: Path, pack: InstalledPack) -> PackFiles:
    """Read the files of an installed pack. Raises RefusedError(invalid) where they are not those of its hash."""
    held = read_pack(node / pack.place)
    if held.hash != pack.hash:
        raise RefusedError(
            Code.INVALID,
            f"region pack {pack.name} was changed after it was installed; it is not used",
            hint="change it where it was made, and install it again: trm region install",
        )
    return held


def install_pack(node: Path, files: PackFiles, *, needed: Collection[str], now: int) -> Installed:
    """Install a pack in a node folder, in the place of the one that has its name.

    `needed` are the countries that may not vanish: that of the node and those of its live peers.

    Raises:
        RefusedError: invalid, with every fault of the pack; exists, for the name of a pack of the program; conflict,
            for a country that is needed; locked, while another pack is being installed. Nothing was changed.
        TransientError: disk; nothing was changed.
    """
    region = files.read()
    if region.name in list_regions():
        raise RefusedError(
            Code.EXISTS,
            f"{region.name} is a region pack of the program; nothing was installed",
            hint="give the pack a name of its own: that of its folder and in region.json",
        )
    lost = sorted(set(needed) - region.countries.keys())
    if lost:
        raise RefusedError(
            Code.CONFLICT,
            "the pack lacks countries that this node works with; nothing was installed",
            hint="put them back into region.json, or end the links with them first: trm peer revoke",
            findings=[
                Finding(place=f"region.json#/countries/{code}", rule="needed", hint="is missing") for code in lost
            ],
        )
    with _alone(node):
        return _install(node, files, region, now)


@contextmanager
def _alone(node: Path) -> Iterator[None]:
    """Hold the folder of the packs for one installation; the kernel gives it up where the process ends.

    Raises:
        RefusedError: locked.
    """
    (node / REGIONS).mkdir(mode=0o700, exist_ok=True)
    handle = os.open(node / REGIONS / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise RefusedError(
                Code.LOCKED,
                "another region pack is being installed in this node; nothing was installed",
                hint="see what it was with trm region list, then install again",
            ) from exc
        yield
    finally:
        os.close(handle)


def _install(node: Path, files: PackFiles, region: Region, now: int) -> Installed:
    packs = read_index(node)
    before = _replaced(node, packs.get(region.name))
    pack = InstalledPack(name=region.name, hash=files.hash, installed=now)
    if before is None or before.hash != pack.hash:
        _write(node, pack, files)
    write_kept(node / REGIONS / INDEX, format_index({**packs, region.name: pack}))
    _clear(node)
    return Installed(pack=pack, region=region, before=before)


def _replaced(node: Path, pack: InstalledPack | None) -> PackFiles | None:
    """Read what a pack replaces; None for nothing, and for files that are no more what was installed."""
    try:
        return None if pack is None else read_installed(node, pack)
    except RefusedError:
        return None  # installing again is how it is mended


def _write(node: Path, pack: InstalledPack, files: PackFiles) -> None:
    """Write the files aside and give them their place; what lies there already has the same hash, or is a torn rest."""
    place = node / pack.place
    aside = place.parent.with_name(f".{place.parent.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    folders = {aside / pack.name / parent for path in files.files for parent in PurePosixPath(path).parents}
    for folder in (node / REGIONS, aside, *sorted(folders)):
        folder.mkdir(mode=0o700, exist_ok=True)
    for path, data in files.files.items():
        target = aside / pack.name / path
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    for folder in (aside, *folders):
        sync_folder(folder / INDEX)
    shutil.rmtree(place.parent, ignore_errors=True)
    aside.rename(place.parent)
    for placed in (place.parent, node / REGIONS):
        sync_folder(placed)


def _clear(node: Path) -> None:
    """Remove what no pack of the index is: those that were replaced, and rests of attempts."""
    held = {pack.hash[:16] for pack in read_index(node).values()}
    for entry in (node / REGIONS).iterdir():
        if entry.is_dir() and entry.name not in held:
            shutil.rmtree(entry, ignore_errors=True)
