"""Adapters that reach their system over HTTPS go by the proxy of the node, and by none of the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.connect_proxy import proxying, refusal
from support.ports import free_port

from adapters.kit.kind import Settings, find
from adapters.primero.client import Primero
from gateway.errors import Code, TransientError
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.mapping.case_system import CaseSystem


async def test_a_case_system_elsewhere_is_reached_through_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without TLS, or where the settings say so, directly; a refusal of the proxy is told as one."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("a password")
    async with proxying() as proxy:
        proxy.answer = refusal(407)
        way = OutboundProxy(host="127.0.0.1", port=proxy.port, direct=("127.0.0.9",))
        elsewhere = Primero("https://cases.example:443", "trm", password, way=way)
        with pytest.raises(TransientError, match="is not reached: the proxy answers 407") as refused:
            await elsewhere.version()
        assert refused.value.code is Code.ADAPTER_BUSY
        assert [head.split("\r\n")[0] for head in proxy.heads] == ["CONNECT cases.example:443 HTTP/1.1"]
        for base in (f"http://127.0.0.1:{free_port()}", f"https://127.0.0.9:{free_port()}"):
            with pytest.raises(TransientError, match="does not answer"):
                await Primero(base, "trm", password, way=way).version()
        assert len(proxy.heads) == 1


@pytest.mark.parametrize(("name", "goes"), [("rest", True), ("primero", True), ("folder", False)])
def test_the_kinds_that_go_by_it(name: str, goes: bool) -> None:
    """Those that speak HTTPS; the others have no use for it."""
    assert (find(name).make_behind is not None) is goes


def test_the_node_gives_its_way_to_the_adapter() -> None:
    """A kind that has no use for it is made as always."""
    way = OutboundProxy(host="127.0.0.1", port=3128)
    made: list[object] = []
    plain = replace(find("folder"), make=lambda settings: made.append("direct"))
    behind = replace(plain, make_behind=lambda settings, given: made.append(given))
    for kind, given in ((plain, way), (behind, way), (behind, None)):
        CaseSystem(kind=kind, settings=Settings(), mappings={}).adapter(given)
    assert made == ["direct", way, "direct"]
