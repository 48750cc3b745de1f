"""A drop folder: the node reads JSON files from `outgoing/` and writes them to `incoming/`. Layout: README.md."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from adapters.folder.adapter import FolderAdapter
from adapters.folder.setup import plan
from adapters.kit.contract import NewBench, in_folders
from adapters.kit.kind import Kind, Settings

__all__ = ["KIND", "FolderAdapter", "FolderSettings"]


class FolderSettings(Settings):
    """Where the drop folder is."""

    path: Path

    def case_files(self) -> Sequence[Path]:
        """Return the drop folder."""
        return (self.path,)


def _stand_in(folder: Path) -> AbstractAsyncContextManager[NewBench]:
    from adapters.folder.bench import FolderBench

    return in_folders(FolderBench, folder)


KIND = Kind(
    name="folder",
    what="a drop folder of JSON files",
    whom="for programs that can write and read files",
    settings=FolderSettings,
    make=lambda settings: FolderAdapter(settings.path),
    stand_in=_stand_in,
    create=lambda settings: FolderAdapter.create(settings.path),
    prepare=plan,
)
