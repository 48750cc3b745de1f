"""The two facts that an adapter needs of a mapping file, which the node applies: its name, and whether it changed."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import yaml

from adapters.kit.files import NotPlainError, TooLargeError, read_plain
from gateway.errors import Code, RefusedError, TransientError

LIMIT = 1 << 20


def columns_read(path: Path) -> list[tuple[str, ...]]:
    """Return the labels that the rules of the file read on the way out, each with its other spellings.

    The node judges the file; of one that it refuses this may return less. Raises as `name_and_edition` does.
    """
    _, value = _read(path)
    aliases, fields = value.get("aliases"), value.get("fields")
    found: dict[str, tuple[str, ...]] = {}
    for rule in fields.values() if isinstance(fields, dict) else ():
        if not isinstance(rule, dict) or rule.get("direction") == "in":
            continue
        sources = rule.get("from")
        for label in sources if isinstance(sources, list) else [sources]:
            others = aliases.get(label) if isinstance(aliases, dict) and isinstance(label, str) else None
            if isinstance(label, str):
                found[label] = (label, *(str(each) for each in others or ()))
    return [*found.values()]


def name_and_edition(path: Path) -> tuple[str, str]:
    """Return the name in the file, for `LocalRecord.mapping`, and a short text that differs when the file does.

    With the text an adapter offers a refused record again once the office has mended the file.
    """
    data, value = _read(path)
    name = value.get("name")
    if not isinstance(name, str):
        raise RefusedError(Code.INVALID, "the mapping file has no name")
    return name, f"{zlib.crc32(data):08x}"


class MappingFile:
    """The mapping file of an adapter as it was at the first pull, which is how its node judges by it.

    By a newer one, a record that the node has refused by the old one would be settled under the new one, and would not
    come again when the node has read that.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[str, str] | None = None

    def name_and_edition(self) -> tuple[str, str]:
        """Return `name_and_edition` of the file as it was at the first call that could read it."""
        self._known = self._known or name_and_edition(self.path)
        return self._known

    def is_changed(self) -> bool:
        """Whether the file has changed since; raises as `name_and_edition` does."""
        return name_and_edition(self.path) != (self._known or name_and_edition(self.path))


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        data = read_plain(path, LIMIT)
        value = yaml.safe_load(data)
    except OSError as exc:
        raise TransientError(Code.ADAPTER_BUSY, "the mapping file cannot be read now") from exc
    except (NotPlainError, TooLargeError, yaml.YAMLError, RecursionError):
        raise RefusedError(Code.INVALID, "the mapping file is no small plain file of YAML") from None
    return data, value if isinstance(value, dict) else {}
