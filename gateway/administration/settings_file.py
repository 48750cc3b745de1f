"""Changing one section of node.toml by program, where a verb moves what the section names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gateway.database.atomic_file import write_kept
from gateway.foundation import config

SETTINGS = "node.toml"


def write_section(folder: Path, name: str, members: Mapping[str, object]) -> None:
    """Let node.toml have this section with the members that are not None, or no such section where there are none; the
    rest stays as it is written. Raises TransientError disk, RefusedError invalid; the file is as it was.
    """
    path = folder / SETTINGS
    before = path.read_text(encoding="utf-8")
    text = "".join(_without_section(before.splitlines(keepends=True), name)).rstrip("\n") + "\n"
    lines = [f"{member} = {_written(value)}" for member, value in members.items() if value is not None]
    if lines:
        text += "\n".join(["", f"[{name}]", *lines]) + "\n"
    if text == before:
        return
    config.parse(text, path)
    write_kept(path, text.encode())


def forget_places(folder: Path) -> str | None:
    """Let node.toml name neither a server nor a bucket; the URL of the bucket that it named. The rows of a restored
    node are in its folder, and a drill would sweep away in the bucket what came there after the backup.
    """
    bucket = config.load(folder).attachments.url
    write_section(folder, "database", {})
    write_section(folder, "attachments", {})
    return bucket


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, int) else f'"{value}"'


def _without_section(lines: Iterable[str], name: str) -> Iterator[str]:
    inside = False
    for line in lines:
        inside = line.strip() == f"[{name}]" or (inside and not line.startswith("["))
        if not inside:
            yield line
