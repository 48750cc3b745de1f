"""What `trm doctor` finds at the proxy of a node: each fault with its remedy, before any peer is missed."""

from __future__ import annotations

import asyncio

from support.connect_proxy import OPENED, proxying, refusal
from support.ports import free_port

from gateway.administration.doctor.folder import Check, State
from gateway.administration.doctor.way_out import check_proxy
from gateway.foundation.config import ProxySection


async def asked(port: int, endpoint: str) -> Check:
    """What the doctor finds, beside the loop of the proxy."""
    section = ProxySection(url=f"http://127.0.0.1:{port}")
    return await asyncio.to_thread(check_proxy, section, endpoint)


async def test_what_a_proxy_answers() -> None:
    """It lets the node through; it wants a login, forbids or is away (red); it finds nobody there (warn)."""
    async with proxying() as proxy:
        found = {}
        for answer in (OPENED, refusal(407), refusal(403), refusal(504)):
            proxy.answer = answer
            found[answer[9:12]] = await asked(proxy.port, "https://fr.example:8443")
    assert {status: check.state for status, check in found.items()} == {
        b"200": State.OK,
        b"407": State.RED,
        b"403": State.RED,
        b"504": State.WARN,
    }
    assert proxy.heads[0].startswith("CONNECT fr.example:8443 HTTP/1.1\r\n")
    assert all(check.fix for check in found.values() if check.state is not State.OK)
    away = await asked(free_port(), "https://fr.example:8443")
    assert (away.state, away.found) == (State.RED, "no connection to the proxy")


async def test_a_password_that_can_not_be_read(tmp_path) -> None:
    """The node would not start; the doctor says why."""
    section = ProxySection(url="http://127.0.0.1:1", user="trm", password_file=tmp_path / "none")
    found = await asyncio.to_thread(check_proxy, section, "https://fr.example:443")
    assert (found.state, found.fix) == (State.RED, "proxy.password_file of node.toml names it")
