"""The key service of a node under test: the real one, with a key derivation that costs nothing.

Run as a program: `keydchild.py FOLDER PASSPHRASE_FILE [RECOVERY_KID]`, by `nodechild`. It is not hardened: a test reads
its memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.keycost import CHEAP

from gateway.errors import GatewayError
from gateway.foundation import logs
from gateway.foundation.environment import passphrase
from keys.keystore.destructible.places import Places
from keys.keystore.keyd import run_key_service
from keys.keystore.keystore import Keystore


def command(folder: Path, passphrase_file: Path) -> list[str]:
    """How `gateway.identity.unlock.by_child` starts it; what the program itself does not need is imported here."""
    from gateway.foundation import config
    from keys.backups.backup_header import RecoveryPublic

    backup = config.load(folder).backup
    recovery = [] if backup is None else [RecoveryPublic.parse(backup.recovery_key.read_bytes()).kid]
    return [sys.executable, __file__, str(folder), str(passphrase_file), *recovery]


def places(folder: Path) -> Places:
    """What `trm serve` tells its key service of a TPM and a token."""
    from gateway.foundation import config
    from gateway.identity.unlock import places_of

    return places_of(config.load(folder).keys)


def main(folder: Path, file: Path, recovery: str | None = None) -> None:
    """What `trm keyd --child` does."""
    logs.configure("info")
    try:
        run_key_service(
            folder / "run",
            lambda: Keystore.open(folder / "keystore", passphrase(file), places=places(folder), at_least=CHEAP),
            ready=lambda _: print(json.dumps({"ready": True}), flush=True),
            child=True,
            recovery=recovery,
        )
    except GatewayError as error:
        print(json.dumps({"ready": False, "code": error.code, "what": error.what, "hint": error.hint}))
        raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
