"""Write the derived files published/*.json and catalogue.json. Reads and writes files; no node imports it.

A file named in released.json has been in a release and never changes again (docs/adr/0002-how-a-schema-grows.md): a
source that would change it has to raise its revision.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import Code, RefusedError
from schemas.publishing.compose import Library, compose_schema
from schemas.publishing.compose_rules import Spec

Digest = Callable[[bytes], str]

CATALOGUE = "catalogue.json"
RELEASED = "released.json"
PUBLISHED = "published"


def build_derived_files(root: Path, sha256_hex: Digest, check: bool) -> list[str]:
    """Bring the derived files under `root` (the folder of this package) up to date and return those that were not.

    With `check` nothing is written and the list is what would change. Raises RefusedError when a released file would.
    """
    wanted = _published(root)
    released = _read(root / RELEASED)
    # A statement pins a schema by its hash: a released file that changed would make old messages unverifiable.
    for name, digest in released.items():
        kept = wanted.get(name) or (root / PUBLISHED / name).read_bytes()
        if f"sha256:{sha256_hex(kept)}" != digest:
            raise RefusedError(
                Code.INVALID, f"{name} is released and would change", hint="raise revision in its source"
            )
        wanted[name] = kept
    files = {f"{PUBLISHED}/{name}": data for name, data in wanted.items()}
    files[CATALOGUE] = _encode(_catalogue(wanted, sha256_hex))
    return _settle(root, files, check=check)


def list_released(root: Path, sha256_hex: Digest) -> bytes:
    """Make the content of released.json that freezes everything published now; it is written when a release is made."""
    return _encode({path.name: f"sha256:{sha256_hex(path.read_bytes())}" for path in _files(root / PUBLISHED)})


def read_library(root: Path) -> Library:
    """Read the code lists and fragments of the folder."""
    fragments = {path.stem: _read(path) for path in _files(root / "fragments")}
    types = fragments.pop("types")
    return Library(codes={path.stem: _read(path) for path in _files(root / "codes")}, types=types, fragments=fragments)


def _published(root: Path) -> dict[str, bytes]:
    parts = read_library(root)
    sources = [_read(path) for path in _files(root / "source")]
    return {file_name(source): _encode(compose_schema(source, parts)) for source in sources}


def file_name(source: Spec) -> str:
    """Name a published file: `referral.request/1` in its second revision is `referral.request.1.2.json`."""
    name = source.get("body_type") or source["object_type"]
    return f"{name.replace('/', '.')}.{source['revision']}.json"


def _catalogue(published: Mapping[str, bytes], sha256_hex: Digest) -> list[Spec]:
    entries = []
    for name, data in published.items():
        schema = json.loads(data)
        if "x-message" in schema:
            about = dict(schema["x-message"])
            first = {"body_type": about.pop("body_type"), "revision": about.pop("revision")}
            pinned = {"schema": f"sha256:{sha256_hex(data)}", "file": name, "title": schema["title"]}
            entries.append(first | pinned | about)
    return sorted(entries, key=lambda entry: (entry["body_type"], entry["revision"]))


def _settle(root: Path, files: Mapping[str, bytes], *, check: bool) -> list[str]:
    changed = [name for name, data in sorted(files.items()) if not _same(root / name, data)]
    orphans = [path for path in _files(root / PUBLISHED) if f"{PUBLISHED}/{path.name}" not in files]
    if not check:
        for name in changed:
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(files[name])
        for path in orphans:
            path.unlink()
    return [*changed, *(f"{PUBLISHED}/{path.name} has no source" for path in orphans)]


def _same(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() == data


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"
