"""`trm serve` and its key service load what an idle node uses, and nothing that some node might use one day."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.keycost import environment
from support.ports import free_port
from support.running import PASSPHRASE, make

from gateway.cli.connection import call_node

OF_OTHERS = {
    "a kind of case system": {"aiosmtplib", "asyncssh", "psycopg", "pymysql", "standardwebhooks", "yaml"},
    "workbooks": {"openpyxl", "python_calamine", "xlsxwriter"},
    "the console": {"babel", "gateway.console", "jinja2", "markdown_it", "segno", "webauthn"},
    "a search": {"snowballstemmer"},
    "a database of before": {"alembic"},
    "a refusal": {"jsonschema", "referencing"},
    "the document of the API": {"gateway.api.openapi"},
    "making a node, and looking after one": {"gateway.administration.create_node", "gateway.administration.doctor"},
    "the demonstration and the tests": {"gateway.demo", "hypothesis", "pytest"},
}
"""What only some nodes use, or only at times: loaded by who uses it, when it does."""
NOT_BESIDE_KEYS = {"aiohttp", "gateway.database", "gateway.operations", "pydantic", "schemas", "sqlalchemy"}
"""What has no place in the process that holds the keys (nrm1 13.7)."""


@contextmanager
def started(verb: str, base: Path, log: Path) -> Iterator[None]:
    """A verb of `trm` that is ready, and writes every module that it loads into `log`."""
    command = [sys.executable, "-X", "importtime", "-m", "gateway.cli", verb]
    command += ["--node", "FR", "--passphrase-file", "pass", "--json"]
    with log.open("w") as errors:
        process = subprocess.Popen(command, cwd=base, env=environment(), stdout=subprocess.PIPE, stderr=errors)
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"] is True
            yield
        finally:
            process.terminate()
            process.communicate()
    assert process.returncode == 0


def loaded(log: Path) -> set[str]:
    """The modules that were loaded, and the packages that they are in."""
    modules = re.findall(r"^import time:.*\| +(\S+)$", log.read_text(), re.MULTILINE)
    return {".".join(name.split(".")[:depth]) for name in modules for depth in range(1, name.count(".") + 2)}


async def test_an_idle_node_loads_what_it_uses(tmp_path: Path) -> None:
    """A node that has no case system and no console answers who asks how it is; it and its key service stay small."""
    port = free_port()
    await make(tmp_path, "FR", endpoint=port, listen=port, desk_only=True)
    (tmp_path / "pass").write_text(PASSPHRASE)
    with ExitStack() as stack:
        stack.enter_context(started("keyd", tmp_path, tmp_path / "keyd.log"))
        stack.enter_context(started("serve", tmp_path, tmp_path / "node.log"))
        shown = await asyncio.to_thread(call_node, tmp_path / "FR", "node.status", {})
        assert isinstance(shown, dict)
    node, service = loaded(tmp_path / "node.log"), loaded(tmp_path / "keyd.log")
    assert {"aiohttp", "sqlalchemy", "gateway.composition.serving"} <= node
    assert {"nacl", "keys.keystore.service"} <= service
    assert {what: found for what, names in OF_OTHERS.items() if (found := names & node)} == {}
    assert service & NOT_BESIDE_KEYS == set()
    assert service & set().union(*OF_OTHERS.values()) == set()
