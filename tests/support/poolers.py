"""A real PgBouncer before the PostgreSQL server of the tests (`.ci/run` installs it)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL
from support.databases import apart, until_up
from support.ports import free_port
from support.shared import lacking

SESSIONS = 4
"""Sessions of the server that it shares out. Two workers would have ten without it; a transaction of the lock of each
stays open, and the others share what is left.
"""


@contextmanager
def pooler_before(server: URL, *, sessions: int = SESSIONS, **settings: str) -> Iterator[URL]:
    """The address of the same database behind a PgBouncer in transaction mode; `settings` are lines of its file. Skips
    or fails, as `lacking` says, where there is none.
    """
    daemon = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if daemon is None:
        lacking("pgbouncer is not on this machine")
    folder, port = apart("pgbouncer"), free_port()
    host = server.query["host"]
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": str(folder),
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": str(sessions),
        "server_tls_sslmode": "disable",
    } | settings
    database = f"{server.database} = host={host} dbname={server.database} user={server.username}"
    text = ["[databases]", database, "[pgbouncer]", *(f"{name} = {value}" for name, value in lines.items())]
    file = folder / "pgbouncer.ini"
    file.write_text("\n".join(text) + "\n", encoding="ascii")
    account = []
    if os.geteuid() == 0:  # who may come to the socket of the server
        owner = Path(str(host)).owner()
        account = ["-u", owner]
        shutil.chown(folder, owner)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([daemon, *account, str(file)], **quiet) as process:
        try:
            until_up(folder / f".s.PGSQL.{port}", process)
            yield server.set(host="127.0.0.1", port=port, query={})
        finally:
            process.kill()  # told to terminate, it waits for its clients
