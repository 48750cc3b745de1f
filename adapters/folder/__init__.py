"""A drop folder: JSON files go out of `outgoing/` and come in to `incoming/`. See README.md for the layout."""

from adapters.folder.adapter import FolderAdapter

__all__ = ["FolderAdapter"]
