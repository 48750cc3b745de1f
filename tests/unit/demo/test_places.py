"""Places of the demonstration: free ports, a folder of its own, and case systems that nobody searches."""

from __future__ import annotations

import socket

import pytest

from gateway.demo import places
from gateway.errors import RefusedError


def test_ports_are_free_and_differ():
    """Each can be listened on, and no two are one."""
    found = places.find_free_ports(6)
    assert len(set(found)) == 6
    for port in found:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", port))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    """The demonstration writes into a new folder only."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RefusedError, match="exists and is not empty; nothing was changed"):
        places.plan_federation(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_path_too_long_for_a_socket_is_refused(tmp_path):
    """The kernel would refuse it later, with fewer words."""
    with pytest.raises(RefusedError, match="too long for the sockets"):
        places.plan_federation(tmp_path / ("x" * 100))


def test_the_case_systems_lie_outside_of_what_is_searched(federation):
    """Every folder but theirs is searched, and theirs is in none of those."""
    places.make_folders(federation)
    guarded = federation.guarded
    assert {path.name for path in guarded} == {
        "adapters",
        "admins",
        "evidence",
        "logs",
        "nodes",
        "pairing",
        "roots",
        "secrets",
        "tmp",
    }
    for country in federation.countries:
        assert not any(country.cases.is_relative_to(path) for path in guarded)
        assert any(country.journal.is_relative_to(path) for path in guarded)
        assert any(country.node.is_relative_to(path) for path in guarded)


def test_workers(tmp_path):
    """Each has folders, a log, a passphrase and ports of its own; whoever wants the node comes to the front."""
    host = places.plan_federation(tmp_path / "d", workers=3).host
    assert [worker.name for worker in host.machines] == ["FR", "FR-2", "FR-3"]
    for what in ("node", "passphrase_file", "temporary", "log", "socket", "port", "console_port"):
        assert len({getattr(worker, what) for worker in host.machines}) == 3
    ports = {port for worker in host.machines for port in (worker.port, worker.console_port)}
    assert not ports & {host.port, host.console_port}
    assert not any(host.socket.is_relative_to(worker.node) for worker in host.machines)


def test_a_node_alone_is_its_own_door(federation):
    """Without further workers people and programs come to the socket of the node."""
    host = federation.host
    (alone,) = host.machines
    assert (alone.node, alone.socket, alone.port) == (host.node, host.socket, host.port)
    assert host.door == host.systems_door == host.node
