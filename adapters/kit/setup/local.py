"""What kinds need on this machine: a journal that no other process uses, a secret in a file, a mapping file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from threading import Lock

from adapters.kit.journal import Journal, kept
from adapters.kit.mapping import MappingFile
from adapters.kit.memory import Turn
from adapters.kit.secret import read_secret
from adapters.kit.setup.needs import Need, met, missing
from adapters.kit.setup.plan import quoted
from adapters.kit.threads import in_thread
from gateway.errors import GatewayError

JOURNAL, MAPPING_FILE = "journal", "mapping file"
CHANGED = "the node goes by the mapping files of its start: start it anew"


async def look_in_turn(
    turn: Turn, path: Path, journal: Journal, lock: Lock, look: Callable[[], Awaitable[Sequence[Need]]]
) -> list[Need]:
    """Look at the journal at `path`, then with it in hand at everything else; without it at nothing else."""
    try:
        await turn.__aenter__()
    except GatewayError as error:
        return [_no_journal(path, error)]
    try:
        try:
            await kept(lock, journal.check)
        except GatewayError as error:
            return [_no_journal(path, error)]
        return [met(JOURNAL), *await look()]
    finally:
        await turn.__aexit__(None, None, None)


def _no_journal(path: Path, error: GatewayError) -> Need:
    folder = quoted(path.parent)
    command = "" if path.parent.is_dir() else f"mkdir -m 700 -p {folder}"
    return missing(JOURNAL, str(error.code), f"{error.what}. {error.hint}".rstrip(". "), command)


async def look_at_mapping(lock: Lock, file: Path | MappingFile) -> Need:
    """Look whether the mapping file can be read and is the one by which the node goes; the node judges its content."""
    known = file if isinstance(file, MappingFile) else MappingFile(file)
    try:
        changed = await in_thread(lock, known.is_changed)
    except GatewayError as error:
        return missing(MAPPING_FILE, str(error.code), error.what)
    return missing(MAPPING_FILE, "mapping_changed", CHANGED) if changed else met(MAPPING_FILE)


async def look_at_secret(lock: Lock, path: Path, place: str) -> Need:
    """Look whether a secret is in its file, closed to others; it is not shown, and not tried here."""
    try:
        await in_thread(lock, read_secret, path, place)
    except GatewayError as error:
        if path.exists() and path.stat().st_mode & 0o007:
            return missing(place, "open_to_others", error.what, f"chmod 600 {quoted(path)}")
        rule = str(error.code) if path.exists() else "missing_file"
        hint = f"{error.what}; type it, Enter, then Ctrl-D"
        return missing(place, rule, hint, f"install -m 600 /dev/stdin {quoted(path)}")
    return met(place)
