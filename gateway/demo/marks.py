"""The marked values of the demonstration, and the search for them in every file where they must not be.

Nothing of a case may lie readable outside of the case systems' own folders (nrm1 13.1). So the cases of the
demonstration hold values that occur nowhere else, and whatever the nodes wrote is searched for them: as text, as the
encodings in which text hides (UTF-16, hexadecimal, base64 at each of its three alignments, JSON escapes), and in the
names of the files. A hit names the file, the mark and the encoding, never the value.
"""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SHORTEST = 8
"""Characters of a mark: what is shorter could stand in a file of random bytes by chance, in one encoding or another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One mark found: where, which, and in which encoding."""

    path: Path
    mark: str
    encoding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a search went through, and what it found."""

    files: int
    bytes: int
    hits: tuple[Hit, ...]


def list_encodings(value: str) -> dict[str, bytes]:
    """List the forms in which the value could be in a file, by the name of the encoding; equal forms once.

    Raises:
        ValueError: the value is too short to be a mark.
    """
    if len(value) < SHORTEST:
        raise ValueError(f"a mark has at least {SHORTEST} characters, got {len(value)}")
    plain = {"utf-8": value.encode(), "utf-16-le": value.encode("utf-16-le"), "utf-16-be": value.encode("utf-16-be")}
    with suppress(UnicodeEncodeError):  # the value has characters that this encoding does not know
        plain["latin-1"] = value.encode("latin-1")
    found = dict(plain)
    found["json"] = json.dumps(value)[1:-1].encode()
    found["percent"] = quote(value, safe="").encode()
    for name, data in plain.items():
        found[f"hex of {name}"] = data.hex().encode()
        found[f"HEX of {name}"] = data.hex().upper().encode()
        for shift in range(3):
            text = _base64_core(data, shift)
            found[f"base64 of {name}, shift {shift}"] = text
            found[f"base64url of {name}, shift {shift}"] = text.translate(_TO_URL)
    unique = {form: name for name, form in reversed(found.items())}
    return {name: form for form, name in unique.items()}


_TO_URL = bytes.maketrans(b"+/", b"-_")


def _base64_core(data: bytes, shift: int) -> bytes:
    """Return the characters of a longer text's base64 that depend on `data` alone if `shift` bytes precede it."""
    encoded = base64.b64encode(bytes(shift) + data)
    begin = (0, 2, 3)[shift]
    end = (0, 3, 2)[(shift + len(data)) % 3]
    return encoded[begin : len(encoded) - end]


def list_files(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield every plain file below the roots; links are not followed, sockets and pipes are passed over."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            with suppress(FileNotFoundError):
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path


def search_files(roots: Iterable[Path], marks: Mapping[str, str]) -> Scanned:
    """Search all files below `roots` for the marks (name -> value), contents and names.

    A file that its program removes meanwhile is passed over; one that cannot be read raises OSError.
    """
    needles = [(mark, name, form) for mark, value in marks.items() for name, form in list_encodings(value).items()]
    hits: list[Hit] = []
    files = size = 0
    for path in list_files(roots):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        files += 1
        size += len(data)
        named = str(path).encode(errors="surrogateescape")
        hits += [
            Hit(path=path, mark=mark, encoding=name) for mark, name, form in needles if form in data or form in named
        ]
    return Scanned(files=files, bytes=size, hits=tuple(hits))
