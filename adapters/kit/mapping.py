"""The two facts that an adapter needs of a mapping file, which the node applies: its name, and whether it changed."""

from __future__ import annotations

import zlib
from pathlib import Path

import yaml

from adapters.kit.files import NotPlainError, TooLargeError, read_plain
from gateway.errors import Code, RefusedError, TransientError

LIMIT = 1 << 20


def name_and_edition(path: Path) -> tuple[str, str]:
    """Return the name in the file, for `LocalRecord.mapping`, and a short text that differs when the file does.

    With the text an adapter offers a refused record again once the office has mended the file.
    """
    try:
        data = read_plain(path, LIMIT)
        value = yaml.safe_load(data)
    except OSError as exc:
        raise TransientError(Code.ADAPTER_BUSY, "the mapping file cannot be read now") from exc
    except (NotPlainError, TooLargeError, yaml.YAMLError, RecursionError):
        raise RefusedError(Code.INVALID, "the mapping file is no small plain file of YAML") from None
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise RefusedError(Code.INVALID, "the mapping file has no name")
    return name, f"{zlib.crc32(data):08x}"
