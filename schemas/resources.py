"""The data files of this package, each read once through importlib.resources: the only I/O of the loaders."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any


def read_bytes(path: str) -> bytes:
    """Read the package file `path`, written with slashes."""
    return files("schemas").joinpath(path).read_bytes()


@cache
def read_json(path: str) -> Any:
    """Read the JSON of the package file `path`. The value is shared: treat it as constant."""
    return json.loads(read_bytes(path))


def list_json_files(folder: str) -> tuple[str, ...]:
    """List the names of the JSON files in `folder`, without the ending."""
    entries = (entry.name for entry in files("schemas").joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in entries if name.endswith(".json")))


def open_folder(path: str) -> Traversable:
    """Open the package folder `path`, for a loader that also takes folders from elsewhere."""
    return files("schemas").joinpath(path)
