"""A node without an address, behind a tunnel of OpenSSH, by the unit and the settings that operators install."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.federation import Site, listening
from support.haproxy import CONFIG, fronted
from support.house import ROOT
from support.ports import free_port
from support.raw_requests import raw, signed_fields, status_of
from support.tunnel import ACCOUNT, Tunnel, require_tools

from gateway.federation.networks.fronts import Fronts
from gateway.federation.tls import client_context


@pytest.fixture
def tunnel(tmp_path: Path) -> Iterator[Tunnel]:
    """Both ends on this machine, not opened yet."""
    require_tools("sshd", "ssh", "ssh-keygen", "haproxy")
    made = Tunnel(folder=tmp_path, host="127.0.0.1", port=free_port(), far_end=free_port(), node=free_port())
    yield made
    made.close()


async def asks(site: Site, host: str, port: int) -> int:
    """The status of a good request of this address at the far end's public port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(), local_addr=(host, 0))
    writer.write(raw(signed_fields(site), b"Connection: close"))
    answer = await reader.read()
    writer.transport.abort()
    return status_of(answer)


async def test_a_node_behind_a_tunnel(tunnel: Tunnel, tmp_path: Path) -> None:
    """Peers come to the far end, which hands TLS on and names them: limits hold by the true address there too. The
    account of the tunnel can do nothing else at the far end.
    """
    async with listening(tmp_path, burst=1.0, rate=0.0, fronts=Fronts(["127.0.0.1"])) as site:
        tunnel.node = site.port
        await asyncio.to_thread(tunnel.open)
        async with fronted(tmp_path, tunnel.far_end, source="127.0.0.1", send="send-proxy-v2") as port:
            hosts = ("127.0.0.5", "127.0.0.5", "127.0.0.6")
            assert [await asks(site, host, port) for host in hosts] == [200, 429, 200]
    tries = {
        "a shell": ("-T", f"{ACCOUNT}@127.0.0.1"),
        "a command": (f"{ACCOUNT}@127.0.0.1", "id"),
        "files": ("-s", f"{ACCOUNT}@127.0.0.1", "sftp"),
        "another port": ("-N", "-R", f"127.0.0.1:{free_port()}:127.0.0.1:1", f"{ACCOUNT}@127.0.0.1"),
        "a public port": ("-N", "-R", f"0.0.0.0:{tunnel.far_end}:127.0.0.1:1", f"{ACCOUNT}@127.0.0.1"),
        "a way from there": ("-W", f"127.0.0.1:{tunnel.port}", f"{ACCOUNT}@127.0.0.1"),
    }
    ran = {name: await asyncio.to_thread(tunnel.ssh, *words) for name, words in tries.items()}
    assert [name for name, (code, said) in ran.items() if code == 0 or "uid=" in said] == [], ran
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{tunnel.port} {(tmp_path / 'other.pub').read_text()}")
    code, said = await asyncio.to_thread(tunnel.ssh, "-N", f"{ACCOUNT}@127.0.0.1")
    assert (code, "Host key verification failed" in said) == (255, True)


def test_the_front_of_the_tests_is_that_of_the_far_end() -> None:
    """They differ in addresses and waits alone: TLS is passed through, and callers are named."""
    installed = (ROOT / "deploy" / "tunnel" / "haproxy.cfg").read_text()
    for line in ("    mode tcp", "    default_backend node"):
        assert line in installed
        assert line in CONFIG
    assert "    server node 127.0.0.1:18443 send-proxy-v2\n" in installed
