"""The region packs that were installed in a node folder: `regions/installed.json`, and where each lies.

    regions/installed.json         {"format": "trm-installed-regions/1",
                                    "packs": {"sahel": {"hash": "64 hexadecimal digits", "installed": 1900000000}}}
    regions/HASH/NAME/region.json  the pack, under the first 16 digits of its hash

The index is written last and replaced in one step: a pack is installed, or it is not (`gateway.regions.installed`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import Code, RefusedError
from schemas.reading import NAME, Folder, Log, Spot, open_json

FORMAT = "trm-installed-regions/1"
REGIONS, INDEX = "regions", "installed.json"
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPack:
    """A pack of a node. `hash` is that of all its files, `installed` Unix seconds."""

    name: str
    hash: str
    installed: int

    @property
    def place(self) -> str:
        """Where it lies in the node folder."""
        return f"{REGIONS}/{self.hash[:16]}/{self.name}"


def read_index(node: Folder) -> Mapping[str, InstalledPack]:
    """Read which packs were installed in a node folder, by name; none where none was.

    Raises:
        RefusedError: invalid, where the index was changed by hand.
    """
    if not node.joinpath(REGIONS, INDEX).is_file():
        return {}
    log: Log = []
    members = open_json(node, f"{REGIONS}/{INDEX}", log).members(("format", "packs"))
    members["format"].const(FORMAT)
    found = {name: _pack(name, spot) for name, spot in sorted(members["packs"].entries().items())}
    if log:
        raise RefusedError(
            Code.INVALID,
            f"{REGIONS}/{INDEX} of the node does not say which region packs were installed; nothing was started",
            hint=f"put it back from a copy, or move the folder {REGIONS} away and install again: trm region install",
            findings=log,
        )
    return found


def format_index(packs: Mapping[str, InstalledPack]) -> bytes:
    """Format the index of these packs, as it is kept."""
    listed = {name: {"hash": one.hash, "installed": one.installed} for name, one in sorted(packs.items())}
    return (json.dumps({"format": FORMAT, "packs": listed}, indent=2) + "\n").encode()


def _pack(name: str, spot: Spot) -> InstalledPack:
    if not NAME.fullmatch(name):
        spot.fault("form", "small letters, digits and hyphens")
    members = spot.members(("hash", "installed"))
    return InstalledPack(
        name=name,
        hash=members["hash"].matching(_HASH, "64 hexadecimal digits"),
        installed=members["installed"].number(0, 1 << 40),
    )
