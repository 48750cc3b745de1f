"""Access to the keys of a node: from a key service that already runs, else with the passphrase."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.identity.places import place_options
from gateway.foundation import environment

if TYPE_CHECKING:
    from gateway.foundation.config import KeysSection
    from gateway.identity.unlock import Unlock


def unlock_by_child(
    folder: Path, passphrase_file: Path | None, level: str, recovery_key: Path | None, keys: KeysSection
) -> Unlock:
    """Unlock for `trm serve`: a child process holds the keys, so that this process never reads the passphrase."""
    from gateway.identity.unlock import by_child, by_running, running

    found = running(folder)
    if found is not None:
        return by_running(found)
    file = environment.passphrase_file(passphrase_file)
    environment.may_read(file)
    command = [sys.executable, "-m", "gateway.cli", "keyd", "--child", "--node", str(folder), "--log-level", level]
    recovery = [] if recovery_key is None else ["--recovery-key", str(recovery_key)]
    opens, unwraps = str(keys.opens_per_minute), str(keys.unwraps_per_minute)
    paces = ["--opens-per-minute", opens, "--unwraps-per-minute", unwraps]
    return by_child(folder, [*command, *recovery, *paces, *place_options(keys), "--passphrase-file", str(file)])


def unlock_in_process(folder: Path, passphrase_file: Path | None) -> Unlock:
    """Unlock for a verb on a stopped node: the key store is opened in this process until the verb ends."""
    from gateway.foundation import config
    from gateway.identity.unlock import by_running, in_process, places_of, running

    found = running(folder)
    if found is not None:
        return by_running(found)
    places = places_of(config.load(folder).keys)
    return in_process(folder, environment.passphrase(passphrase_file), places=places)
