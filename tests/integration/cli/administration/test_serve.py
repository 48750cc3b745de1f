"""`trm serve` and its key service load what an idle node uses, and nothing that some node might use one day; a log that
was renamed goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest_asyncio
from support.keycost import environment
from support.ports import free_port
from support.running import PASSPHRASE, make, until

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


TOLD = ("-X", "importtime")
"""With this Python writes every module that it loads into its log."""


@contextmanager
def started(verb: str, base: Path, log: Path, *options: str) -> Iterator[int]:
    """The process of a verb of `trm` that is ready and has its log in `log`, with these options of Python."""
    command = [sys.executable, *options, "-m", "gateway.cli", verb]
    command += ["--node", "FR", "--passphrase-file", "pass", "--json"]
    with log.open("w") as errors:
        process = subprocess.Popen(command, cwd=base, env=environment(), stdout=subprocess.PIPE, stderr=errors)
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"] is True
            yield process.pid
        finally:
            process.terminate()
            process.communicate()
    assert process.returncode == 0


def loaded(log: Path) -> set[str]:
    """The modules that were loaded, and the packages that they are in."""
    modules = re.findall(r"^import time:.*\| +(\S+)$", log.read_text(), re.MULTILINE)
    return {".".join(name.split(".")[:depth]) for name in modules for depth in range(1, name.count(".") + 2)}


@pytest_asyncio.fixture
async def base(tmp_path: Path) -> Path:
    """The folder of a node without a case system, FR, and of its passphrase."""
    port = free_port()
    await make(tmp_path, "FR", endpoint=port, listen=port, desk_only=True)
    (tmp_path / "pass").write_text(PASSPHRASE)
    return tmp_path


async def test_an_idle_node_loads_what_it_uses(base: Path) -> None:
    """A node that has no case system and no console answers who asks how it is; it and its key service stay small."""
    with ExitStack() as stack:
        stack.enter_context(started("keyd", base, base / "keyd.log", *TOLD))
        stack.enter_context(started("serve", base, base / "node.log", *TOLD))
        shown = await asyncio.to_thread(call_node, base / "FR", "node.status", {})
        assert isinstance(shown, dict)
    node, service = loaded(base / "node.log"), loaded(base / "keyd.log")
    assert {"aiohttp", "sqlalchemy", "gateway.composition.serving"} <= node
    assert {"nacl", "keys.keystore.service"} <= service
    assert {what: found for what, names in OF_OTHERS.items() if (found := names & node)} == {}
    assert service & NOT_BESIDE_KEYS == set()
    assert service & set().union(*OF_OTHERS.values()) == set()


async def test_a_log_that_was_renamed_goes_on_after_sighup(base: Path) -> None:
    """The next line of the node that serves stands in a new file that only its user reads, and not in the old one."""
    log, old = base / "node.log", base / "node.log.1"
    with started("serve", base, log) as process:
        log.rename(old)
        os.kill(process, signal.SIGHUP)

        async def opened() -> bool:
            return log.exists()

        await until(opened)
        await asyncio.to_thread(call_node, base / "FR", "token.new", {"role": "auditor", "label": "log"})
    assert [path.name for path in (old, log) if "node.started" in path.read_text()] == [old.name]
    assert [path.name for path in (old, log) if "api.answered" in path.read_text()] == [log.name]
    assert stat.filemode(log.stat().st_mode) == "-rw-------"
