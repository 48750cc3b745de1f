"""The files of a region pack, read once from a folder that anybody may have made.

Everything later works on these bytes: what was checked is what is installed, and nothing else of the disk is opened. A
pack is data, and none of it is executed. Bounds, and what is refused before a byte is read:

    1  a link, a pipe or any other special file; the folder itself may be reached by a link
    2  a name that is not letters, digits, dots, hyphens and underscores, or begins with a dot
    3  folders more than four deep, more than 1 000 files, a file of more than 1 MiB, more than 16 MiB in all
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.errors import Code, Finding, RefusedError
from keys.primitives.encoding import sha256_hex
from schemas.reading import MAX_BYTES, Folder, Log, raise_faults
from schemas.region_pack.regions import Region, read_region_pack

MAX_FILES, MAX_DEPTH, MAX_TOTAL = 1000, 4, 16 << 20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFiles:
    """The files of a pack by their path below its folder, with slashes. `name` is that of the folder."""

    name: str
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> str:
        """The SHA-256 and the path of each file, a line each, as `sha256sum` prints them, in the order of paths."""
        return "".join(f"{sha256_hex(data)}  {path}\n" for path, data in sorted(self.files.items()))

    @property
    def hash(self) -> str:
        """The SHA-256 of the manifest: two packs of one hash have the same files under the same names."""
        return sha256_hex(self.manifest.encode())

    def hash_of(self, path: str) -> str:
        """The SHA-256 of one of its files."""
        return sha256_hex(self.files[path])

    @property
    def folder(self) -> Folder:
        """The files as a folder that loaders read."""
        return _HeldFolder(name=self.name, path=(), files=self.files)

    def read(self) -> Region:
        """Read the pack. Raises RefusedError(invalid) with every fault found."""
        return read_region_pack(self.folder)


def read_pack(folder: Path) -> PackFiles:
    """Read the files of a pack.

    Raises:
        RefusedError: not_found, where there is no folder; invalid, for what breaks a bound, each with its place.
    """
    if not folder.is_dir():
        raise RefusedError(
            Code.NOT_FOUND, f"{folder} is no folder; nothing was done", hint="begin a pack with trm region new DIR"
        )
    log: Log = []
    files: dict[str, bytes] = {}
    root = folder.resolve()
    _walk(root, "", files, log)
    raise_faults(log, f"region pack {root.name}")
    return PackFiles(name=root.name, files=MappingProxyType(files))


def _walk(folder: Path, below: str, files: dict[str, bytes], log: Log) -> None:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        place = f"{below}{entry.name}"
        if not _NAME.fullmatch(entry.name):
            shown = f"{below}*"  # the name itself may steer a terminal
            log.append(Finding(place=shown, rule="file_name", hint="letters, digits, dots, hyphens and underscores"))
        elif entry.is_dir(follow_symlinks=False):
            if place.count("/") + 1 >= MAX_DEPTH:
                log.append(Finding(place=place, rule="too_deep", hint=f"at most {MAX_DEPTH} folders deep"))
            else:
                _walk(folder / entry.name, f"{place}/", files, log)
        elif len(files) >= MAX_FILES:
            log.append(Finding(place=place, rule="too_many", hint=f"at most {MAX_FILES} files"))
            return
        else:
            _read(folder / entry.name, place, files, log)


def _read(path: Path, place: str, files: dict[str, bytes], log: Log) -> None:
    # Neither follows a link nor waits for a pipe, whatever was put there since the folder was listed.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        log.append(Finding(place=place, rule="no_file", hint="a file that can be read, and no link"))
        return
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            log.append(Finding(place=place, rule="no_file", hint="a file that can be read, and no link"))
            return
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        log.append(Finding(place=place, rule="too_large", hint=f"at most {MAX_BYTES} bytes"))
    elif sum(map(len, files.values())) + len(data) > MAX_TOTAL:
        log.append(Finding(place=place, rule="too_large", hint=f"at most {MAX_TOTAL} bytes in all"))
    else:
        files[place] = data


@dataclass(frozen=True, slots=True, kw_only=True)
class _HeldFolder:
    """A folder or a file among the files of a pack."""

    name: str
    path: tuple[str, ...]
    files: Mapping[str, bytes]

    @property
    def _key(self) -> str:
        return "/".join(self.path)

    def is_file(self) -> bool:
        return self._key in self.files

    def is_dir(self) -> bool:
        return not self.path or any(path.startswith(f"{self._key}/") for path in self.files)

    def iterdir(self) -> Iterator[Folder]:
        depth = len(self.path)
        within = [path.split("/") for path in self.files if tuple(path.split("/")[:depth]) == self.path]
        for name in sorted({parts[depth] for parts in within if len(parts) > depth}):
            yield self.joinpath(name)

    def joinpath(self, *names: str) -> Folder:
        path = (*self.path, *names)
        return _HeldFolder(name=path[-1] if path else self.name, path=path, files=self.files)

    def read_bytes(self) -> bytes:
        return self.files[self._key]
