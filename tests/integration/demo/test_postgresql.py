"""A PostgreSQL of the demonstration: a real one, which crashes and comes back with all that was committed."""

from __future__ import annotations

import psycopg
import pytest
from support.ports import free_port
from support.shared import lacking

from gateway.demo.cluster.postgresql import PostgresqlServer, find_programs
from gateway.demo.processes import Processes


@pytest.fixture
def processes():
    """Programs that are stopped in the end."""
    running = Processes()
    yield running
    running.stop()


def test_what_was_committed_is_there_after_a_crash(processes, tmp_path):
    """It listens at its port for whoever has the password, sessions are cut by the crash, and no process is left."""
    programs = find_programs()
    if programs is None:
        lacking("there is no PostgreSQL on this machine")
    server = PostgresqlServer("the server", programs, tmp_path / "log", port=free_port())
    try:
        server.make()
        server.start(processes)
        assert server.describe().startswith("PostgreSQL 1")
        server.execute(["create role trm login password 'right'", "create database trm owner trm"])
        at = {"host": "127.0.0.1", "port": server.port, "user": "trm", "dbname": "trm"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**at, password="wrong")
        with psycopg.connect(**at, password="right") as before:
            before.execute("create table kept (n int)")
            before.commit()
            server.crash(processes)
            assert list(processes.pids) == []
            with pytest.raises(psycopg.OperationalError):
                before.execute("select 1")
        server.start(processes)
        with psycopg.connect(**at, password="right") as after:
            assert after.execute("select count(*) from kept").fetchone() == (0,)
    finally:
        processes.stop()
        server.remove()
    assert server.folder is not None and not server.folder.exists()
