"""How `trm` reaches the node: over its socket while it runs; otherwise by owning the folder for the length of one
operation (nrm1 13.11).

Both ways end at the same operations of the same desk. Only the audit log can also be read without opening the node.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from gateway.api.routes import PREFIX, ROUTES, Route
from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError
from gateway.ports import Json
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

if TYPE_CHECKING:
    from gateway.composition.node import Node
    from gateway.operations.roles import Caller

TIMEOUT = 120
DOCTOR = "try trm doctor"


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, *, blocksize: int = 8_192) -> None:
        super().__init__("localhost", timeout=TIMEOUT, blocksize=blocksize)
        self._path = path

    def connect(self) -> None:
        """Connect to the node's socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._path))


def call_node(
    folder: Path,
    operation: str,
    arguments: Mapping[str, Json],
    *,
    passphrase_file: Path | None = None,
    key: str | None = None,
    token: str | None = None,
) -> Json:
    """Do one operation on the node of `folder` and return its answer: as its owner, with `token` as a person besides.

    Raises:
        RefusedError: what the node said, with its findings.
        TransientError: the node is there and does not answer.
    """
    try:
        return _over_socket(folder / "run" / "api.sock", operation, arguments, key, token)
    except (FileNotFoundError, ConnectionRefusedError):
        return asyncio.run(_owning(folder, operation, arguments, passphrase_file, key, token))
    except (OSError, http.client.HTTPException) as exc:
        raise TransientError(Code.UNREACHABLE, "the node does not answer on its socket", hint=DOCTOR) from exc


def is_running(folder: Path) -> bool:
    """Whether a node answers on the socket of this folder."""
    connection = SocketConnection(folder / "run" / "api.sock")
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def read_answers(folder: Path, operations: Sequence[str], *, passphrase_file: Path | None = None) -> dict[str, Json]:
    """Answer several reading operations; a folder without a running node is opened once for all of them."""
    if is_running(folder):
        return {operation: call_node(folder, operation, {}) for operation in operations}

    async def owning() -> dict[str, Json]:
        from gateway.app import open_node
        from gateway.cli.identity import unlocking

        node, stack = await open_node(folder, unlocking.unlock_in_process(folder, passphrase_file))
        async with stack:
            return {operation: (await node.desk.call(operation, {})).value for operation in operations}

    return asyncio.run(owning())


def _over_socket(path: Path, operation: str, arguments: Mapping[str, Json], key: str | None, token: str | None) -> Json:
    route = next(route for route in ROUTES if route.operation == operation)
    target, body = _request(route, arguments)
    headers = {"Content-Type": "application/json", **credential(token)}
    if route.method == "POST":
        headers["Idempotency-Key"] = key or make_idempotency_key()
    if route.matched and "if_match" in arguments:
        headers["If-Match"] = f'"{arguments["if_match"]}"'
    connection = SocketConnection(path)
    try:
        connection.request(route.method, target, body=body, headers=headers)
        response = connection.getresponse()
        value = json.loads(response.read())
    except ValueError as exc:
        raise TransientError(Code.UNREACHABLE, "the answer on the node's socket is not JSON", hint=DOCTOR) from exc
    finally:
        connection.close()
    if response.status < 300:
        answer: Json = value
        return answer
    raise to_error(response.status, value)


def _request(route: Route, arguments: Mapping[str, Json]) -> tuple[str, bytes | None]:
    rest = {name: value for name, value in arguments.items() if not (route.matched and name == "if_match")}
    path = PREFIX + route.path
    if "{id}" in path:
        path = path.replace("{id}", quote(str(rest.pop("id")).replace("/", "@"), safe="@"))
    if route.method in ("POST", "PUT"):
        return path, json.dumps(rest).encode()
    query = {name: str(value) for name, value in rest.items() if value is not None}
    return path + ("?" + urlencode(query) if query else ""), None


def credential(token: str | None) -> dict[str, str]:
    """Return the header by which a token is shown, if there is one."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def make_idempotency_key() -> str:
    """Make a random idempotency key."""
    return b64u(system_rand(18))


def to_error(status: int, problem: Mapping[str, Json]) -> GatewayError:
    """Convert a problem response to the error that caused it: status 503 becomes a TransientError, others a
    RefusedError.
    """
    listed = problem.get("findings")
    findings = [
        Finding(place=str(item["place"]), rule=str(item["rule"]), hint=str(item["hint"]))
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
    ]
    code = problem.get("code")
    kind = TransientError if status == http.HTTPStatus.SERVICE_UNAVAILABLE else RefusedError
    return kind(
        Code(code) if isinstance(code, str) and code in set(Code) else Code.INVALID,
        str(problem.get("title", "")),
        hint=str(problem.get("hint", "")),
        findings=findings,
    )


async def _owning(
    folder: Path,
    operation: str,
    arguments: Mapping[str, Json],
    passphrase_file: Path | None,
    key: str | None,
    token: str | None,
) -> Json:
    """Do the operation without a running node: take the folder's lock, do it, release the lock."""
    from gateway.app import open_node
    from gateway.cli.identity import unlocking
    from gateway.foundation import config
    from gateway.node.rows import ROWS
    from gateway.operations.registry import visible

    config.load(folder)
    node, stack = await open_node(folder, unlocking.unlock_in_process(folder, passphrase_file))
    async with stack:
        caller = admit_caller(node, operation, token)
        done = await node.desk.call(operation, dict(arguments), key=key or make_idempotency_key(), caller=caller)
        return visible(caller, ROWS[operation], done.value)


def admit_caller(node: Node, operation: str, token: str | None) -> Caller:
    """Admit whoever owns the folder in this process, as a running node does at its socket. Raises GatewayError."""
    from gateway.api.app import check_role
    from gateway.operations.roles import OWNER, on_socket

    caller = OWNER if token is None else on_socket(node.tokens.admit(token))
    check_role(caller, operation)
    return caller


def ask_log(folder: Path, operation: str, **arguments: Json) -> dict[str, Json]:
    """Ask a running node about its audit log, else read the folder of a stopped one, which needs no passphrase.

    `operation` is audit.show, audit.verify or audit.export.
    """
    if is_running(folder):
        value = call_node(folder, operation, arguments)
        if not isinstance(value, dict):
            raise RuntimeError(f"the answer of {operation} is no object")
        return value
    return asyncio.run(_read_log(folder, operation, arguments))


async def _read_log(folder: Path, operation: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
    from gateway.app import open_log
    from gateway.audit import reader as logbook

    async with open_log(folder) as book:
        match operation:
            case "audit.show":
                return await logbook.show(book)
            case "audit.verify":
                return await logbook.verify(book)
            case _:
                after, upto = arguments.get("after"), arguments.get("upto", 0)
                return await logbook.export(book, after if isinstance(after, int) else None, int(str(upto)))
