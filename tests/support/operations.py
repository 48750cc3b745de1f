"""The operations of every slice by name, read from their classes; no node is needed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gateway

TABLES = ("by_name", "keyed", "by_caller", "erasing")


def operations() -> dict[str, Callable[..., Any]]:
    """What stands behind each name, of whatever kind of operation."""
    found: dict[str, Callable[..., Any]] = {}
    for offered in _classes():
        unbuilt = object.__new__(offered)  # a table only binds methods
        for kind in TABLES:
            if hasattr(offered, kind):
                found |= table(unbuilt, kind)
    return found


def table(one: Any, kind: str) -> Mapping[str, Callable[..., Any]]:
    """One table of a class of operations."""
    made: Mapping[str, Callable[..., Any]] = getattr(one, kind)()
    return made


def _classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if ".operations" in module.name and not module.name.startswith("gateway.operations"):
            for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if one.__module__ == module.name and hasattr(one, "by_name"):
                    yield one
