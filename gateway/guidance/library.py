"""The guidance library of a node: the texts of the package, of its region, and its own (docs/guidance.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gateway.errors import Finding, RefusedError
from gateway.guidance.lookup import Library, Origin
from schemas.guidance import Text, load_general_texts, load_sources, load_texts
from schemas.region_pack.regions import Region

Marks = tuple[tuple[str, int, int], ...]
"""By file its name, size and time of change."""


class GuidanceLibrary:
    """The library in memory. The node's own folder is looked at with each question, so a new text needs no restart."""

    def __init__(self, folder: Path, region: Region) -> None:
        self._folder = folder
        self._region = region
        self._marks: Marks | None = None
        self._library: Library | None = None
        self._faults: Sequence[Finding] = ()

    def library(self) -> tuple[Library, Sequence[Finding]]:
        """The library, and what is wrong in the node's own folder, of which then nothing is used. Reads files."""
        marks = tuple(sorted(_marks(self._folder)))
        if self._library is None or marks != self._marks:
            own: Mapping[str, Text] = {}
            self._faults = ()
            try:
                own = own_texts(self._folder, self._region)
            except RefusedError as error:
                self._faults = error.findings
            shared = {Origin.GENERAL: load_general_texts(), Origin.REGION: self._region.guidance}
            self._library, self._marks = Library({**shared, Origin.OWN: own}), marks
        return self._library, self._faults


def own_texts(folder: Path, region: Region) -> Mapping[str, Text]:
    """The texts in a node's own folder; none where there is no folder.

    Raises:
        RefusedError: invalid, with every fault of the folder and its place.
    """
    if not folder.is_dir():
        return {}
    cited = {source.id: source for text in region.guidance.values() for source in text.sources}
    return load_texts(
        folder,
        "the guidance of this node",
        {**load_sources(), **cited},
        {*load_general_texts(), *region.guidance},
        region.countries,
    )


def _marks(folder: Path) -> Iterator[tuple[str, int, int]]:
    for file in folder.rglob("*"):
        found = file.lstat()
        yield str(file), found.st_size, found.st_mtime_ns
