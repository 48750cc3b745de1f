"""A key service over a socket that does less in a minute than one of a node."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.patience import PATIENCE

from keys.keystore import keyd
from keys.keystore.calls import Paced
from keys.keystore.keyd import KeyServer
from keys.keystore.keystore import Keystore
from keys.keystore.pace import PACES
from keys.keystore.remote import RemoteKeys


@contextmanager
def served(keys: Keystore, path: Path, *, unwraps: int) -> Iterator[RemoteKeys]:
    """These keys behind the socket of a key service that opens so many rows in a minute, and a node's way to it."""
    server = KeyServer(keys, uid=os.getuid(), paces={**PACES, Paced.UNWRAP: unwraps})
    stop, wake = os.pipe()
    with keyd._listening(path, shared=False) as listener:
        thread = threading.Thread(target=keyd._until, args=(stop, listener, server))
        thread.start()
        remote = RemoteKeys.reach(path, PATIENCE)
        try:
            yield remote
        finally:
            remote.close()
            os.write(wake, b"\n")
            thread.join(PATIENCE)
            os.close(stop)
            os.close(wake)
