"""A whole node whose way out is a proxy: paired and asked through it; what the proxy refuses waits and is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.connect_proxy import OPENED, proxying, refusal
from support.running import asked, enquiry, pair, running, settled, until

from gateway.composition.node import Node

SETTINGS = """
[proxy]
url = "http://127.0.0.1:{port}"
user = "trm"
password_file = "{password}"
"""


async def test_a_node_behind_a_proxy(tmp_path: Path) -> None:
    """Its messages wait while the proxy asks for another login, which is no fault of the peer, and go afterwards."""
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("secret\n")
    async with proxying() as proxy:

        def prepare(folder: Path) -> None:
            if folder.name == "FR":
                with (folder / "node.toml").open("a", encoding="utf-8") as settings:
                    settings.write(SETTINGS.format(port=proxy.port, password=password))

        async with running(tmp_path, {"FR": None, "AL": None}, prepare=prepare) as nodes:
            fr = nodes["FR"]
            await pair(fr, nodes["AL"])
            first = await asked(fr, "message.submit", enquiry("AL"))
            await settled(fr, "awaiting_opening")
            assert all("Proxy-Authorization: Basic dHJtOnNlY3JldA==" in head for head in proxy.heads)

            proxy.answer, proxy.most = refusal(407), 0
            second = await asked(fr, "message.submit", enquiry("AL"))
            await until(lambda: _says(fr, "proxy_login"))
            step = (await asked(fr, "peer.ping", {"id": "AL"}))["steps"][-1]
            assert (step["step"], step["code"]) == ("tcp", "proxy_login")
            assert (await asked(fr, "message.show", {"id": second["id"]}))["state"] == "awaiting_receipt"
            (peer,) = (await asked(fr, "peer.list", {}))["peers"]
            assert (peer["state"], (await asked(fr, "alarm.list", {}))["alarms"]) == ("active", [])

            proxy.answer, proxy.most = OPENED, None
            await asked(fr, "message.resend", {"id": second["id"]})
            await settled(fr, "awaiting_opening")
            await until(lambda: _says(fr, None))
            assert first["id"] != second["id"]


async def _says(node: Node, code: str | None) -> bool:
    """Whether this alone keeps the node from sending; None: nothing does."""
    said: Any = await asked(node, "node.ready", {})
    assert said["ready"]
    return bool(said["sending_why"] == ([] if code is None else [code]))
