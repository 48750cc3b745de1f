"""Roles over real HTTP with real tokens: what a token is worth, content, and units; each cell: api/test_matrix.py."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support import desks
from support.acting import act
from support.desks import Desk, served
from support.local import Answer, Caller, socket_caller
from support.patience import PATIENCE
from support.ports import free_port
from support.running import UNIT, enquiry, pair, running, settled
from support.tables import Faults

from gateway.access.attempts import ATTEMPTS
from gateway.api.app import APART
from gateway.api.routes import PREFIX, ROUTES
from gateway.composition.node import Node
from gateway.node.rows import ROWS
from gateway.operations.roles import CONTENT_MEMBERS, READS_CONTENT, Role

PLACES = {route.operation: (route.method, PREFIX + route.path) for route in ROUTES} | {
    operation: ("GET", path) for operation, path in APART.items()
}
CANARY = "Tulpe-7391"


@dataclass
class Door:
    """The loopback door of a served node; for each role one token of a program."""

    desk: Desk
    port: int
    tokens: dict[str, str]

    def ask(self, operation: str, token: str | None) -> tuple[int, dict[str, Any]]:
        """Status and problem of one operation asked with nothing; of the event stream only the status."""
        method, path = PLACES[operation]
        headers = {"Idempotency-Key": uuid4().hex} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        body = b"{}" if method == "POST" else None
        connection.request(method, path.format(id="nobody", part="0"), body=body, headers=headers)
        response = connection.getresponse()
        streams = response.headers["Content-Type"].startswith("text/")
        value = {} if streams else json.loads(response.read())
        connection.close()
        return response.status, value if isinstance(value, dict) else {}

    def new(self, role: Role, **more: Any) -> dict[str, Any]:
        """A new token, with what is said of it."""
        made: dict[str, Any] = self.desk.ask("token.new", role=str(role), label="test", **more)
        return made


@contextmanager
def opened(base: Path) -> Iterator[Door]:
    """A served node with loopback open."""
    desk, port = desks.make(base, "FR"), free_port()
    with (desk.folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{port}"\n')
    with served(desk):
        door = Door(desk, port, {})
        door.tokens = {role: door.new(role)["token"] for role in Role}
        yield door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One node for all that changes nothing for others."""
    with opened(tmp_path_factory.mktemp("roles")) as found:
        yield found


def test_a_token_decides_also_on_the_socket(door: Door):
    """Who hands over a token on the socket has its role and no more: so a program of the owner can drop rights."""

    async def asked() -> Answer:
        async with socket_caller(door.desk.folder / "run" / "api.sock") as caller:
            header = f"Bearer {door.tokens[Role.AUDITOR]}"
            return await caller.ask("GET", f"{PREFIX}/messages", Authorization=header)

    answer = asyncio.run(asked())
    assert (answer.status, answer.value["code"]) == (403, "forbidden")


# --- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_is_kept_nowhere(door: Door):
    """Neither the database nor another file of the folder holds its text; only the file that `trm init` wrote does."""
    for token in door.tokens.values():
        secret = token.encode()
        holding = [path.name for path in door.desk.folder.rglob("*") if path.is_file() and secret in path.read_bytes()]
        assert holding == []
    assert all("token" not in item for item in door.desk.ask("token.list")["tokens"])


def test_the_token_of_init_is_that_of_a_case_system(door: Door):
    """It may submit and may not pair."""
    token = (door.desk.folder / "api-token").read_text().strip()
    assert door.ask("message.submit", token)[0] == 400
    assert door.ask("peer.add", token)[1]["code"] == "forbidden"


def test_a_revoked_token_is_nobody(door: Door):
    """From the next request on; its end is final."""
    made = door.new(Role.OPERATOR)
    assert door.ask("node.show", made["token"])[0] == 200
    assert door.desk.trm("token", "revoke", made["id"]).exit_code == 0
    status, value = door.ask("node.show", made["token"])
    assert (status, value["title"]) == (401, "the token was revoked")
    again = door.desk.trm("token", "revoke", made["id"])
    assert again.exit_code == 1
    assert "nothing was changed" in again.stderr


SPOILT: dict[str, Callable[[str], str]] = {
    "last letter": lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"),
    "longer": lambda t: t + "x",
    "no mark": lambda t: t[4:],
    "upper case": lambda t: t.upper(),
    "short": lambda t: "x",
    "empty parts": lambda t: "trm..",
    "no dots": lambda t: t.replace(".", "."[:0]),
    "another id": lambda t: "trm.0000000000000000." + t[21:],
}


def test_an_unknown_token_is_nobody(tmp_path: Path):
    """Whatever is wrong with it, the answer is the same."""
    assert len(SPOILT) < ATTEMPTS  # so that none is refused for those before it
    with opened(tmp_path) as door, Faults() as faults:
        for name, spoil in SPOILT.items():
            with faults.row(name):
                status, value = door.ask("node.show", spoil(door.tokens[Role.OPERATOR]))
                assert (status, value["code"], value["title"]) == (401, "unauthorised", "no such token")


def test_failed_attempts_are_slowed_for_one_id_alone(tmp_path: Path):
    """After ten wrong secrets for one id that id is answered 429, also with the right one; other tokens go on."""
    with opened(tmp_path) as door:
        right = door.tokens[Role.OPERATOR]
        wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
        assert [door.ask("node.show", wrong)[0] for _ in range(ATTEMPTS + 2)] == [401] * ATTEMPTS + [429] * 2
        assert door.ask("node.show", right)[0] == 429
        assert door.ask("node.show", door.tokens[Role.AUDITOR])[0] == 200
        unknown = "trm.0000000000000000.x"
        assert [door.ask("node.show", unknown)[0] for _ in range(ATTEMPTS + 1)] == [401] * ATTEMPTS + [429]
        assert door.ask("node.show", door.tokens[Role.AUDITOR])[0] == 200


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--role", "boss", "--label", "x"), 2),
        (("--role", "operator"), 2),
        (("--role", "operator", "--label", ""), 1),
        (("--role", "operator", "--label", "x", "--days", "0"), 2),
        (("--role", "operator", "--label", "x", "--days", "401"), 2),
        (("--role", "case_worker", "--label", "x", "--unit", "elsewhere"), 1),
    ],
)
def test_a_token_that_can_not_be_is_not_made(door: Door, words: tuple[str, ...], code: int):
    """No unknown role or unit, no endless life, no token without a label."""
    before = door.desk.ask("token.list")
    assert door.desk.trm("token", "new", *words).exit_code == code
    assert door.desk.ask("token.list") == before


def test_the_shell_makes_and_lists_tokens(door: Door):
    """The text alone on standard output, once; the list has everything but the secret."""
    made = door.desk.trm("token", "new", "--role", "auditor", "--label", "court", "--days", "30")
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert door.ask("node.show", token)[0] == 200
    listed = door.desk.trm("token", "list")
    assert "court" in listed.stdout
    assert token not in listed.stdout
    shown = json.loads(door.desk.trm("token", "list", "--json").stdout)["tokens"]
    (row,) = [item for item in shown if item["label"] == "court"]
    assert row["expires"] - row["made"] == 30 * 86_400


# --- content ------------------------------------------------------------------------------------------------------


async def token_of(node: Node, role: Role, unit: str | None = None) -> dict[str, str]:
    """The header of a new token."""
    made: Any = (
        await node.desk.call(
            "token.new", {"role": str(role), "label": "test"} | ({} if unit is None else {"unit": unit})
        )
    ).value
    return {"Authorization": f"Bearer {made['token']}"}


async def some_events(caller: Caller, headers: dict[str, str], count: int) -> list[dict[str, Any]]:
    """The first events of the stream."""
    found: list[dict[str, Any]] = []
    async with caller.session.get(f"{caller.base}{PREFIX}/events", headers=headers) as stream:
        assert stream.status == 200
        while len(found) < count:
            lines = (await stream.content.readuntil(b"\n\n")).decode().splitlines()
            found.append(json.loads(lines[1].removeprefix("data: ")))
    return found


def note(text: str) -> dict[str, Any]:
    """An enquiry whose content has a marked value."""
    found = enquiry("AL")
    return found | {"content": found["content"] | {"note": text}}


@pytest.mark.parametrize("role", [role for role in Role if role in ROWS["message.show"].roles])
async def test_content_is_its_own_right(tmp_path: Path, role: Role):
    """Operators move messages and see what the database holds in the clear; a look without content is not logged as
    one.
    """
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        fr = nodes["FR"]
        await pair(fr, nodes["AL"])
        sent: Any = (await act(fr, "message.submit", note(CANARY), key="k")).value
        await settled(fr, "awaiting_opening")
        headers = await token_of(fr, role)
        async with socket_caller(fr.folder / "run" / "api.sock") as caller:
            caller.headers = headers
            shown = await caller.ask("GET", f"{PREFIX}/messages/{sent['id']}")
            listed = await caller.ask("GET", f"{PREFIX}/messages")
            happened = await some_events(caller, headers, 3)
        reads = role in READS_CONTENT
        assert (CANARY in shown.text) is reads
        assert shown.value["state"] == "awaiting_opening"
        for item in (shown.value, listed.value["messages"][0], happened[0]):
            assert bool(set(item) & CONTENT_MEMBERS) is reads
        read = await fr.store.read(lambda c: c.exec_driver_sql("select leaf from audit").scalars().all())
        assert any(b"content.read" in leaf for leaf in read) is reads


@pytest.mark.parametrize("role", [role for role in Role if role not in READS_CONTENT])
def test_no_role_without_the_right_gets_an_operation_that_shows_content(role: Role):
    """What holds content and is not narrowed member by member is not for them at all."""
    whole = {"draft.list", "draft.show", "conversation.show", "consent.list", "consent.show"}
    whole |= {"evidence.export", "evidence.fields"}
    without_names = {"consent.list", "consent.show"} if role is Role.DATA_PROTECTION_OFFICER else set()
    assert {operation for operation in whole if role in ROWS[operation].roles} == without_names


# --- units --------------------------------------------------------------------------------------------------------

SHELTER = "shelter"


async def test_a_bound_token_sees_its_unit_only(tmp_path: Path):
    """Messages of another unit are not listed, not shown, not moved and not in the stream; nothing goes in its name."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        fr = nodes["FR"]
        await pair(fr, nodes["AL"])
        sent: Any = (await act(fr, "message.submit", note(CANARY), key="k")).value
        await settled(fr, "awaiting_opening")
        own = await token_of(fr, Role.CASE_WORKER, UNIT)
        other = await bound_elsewhere(fr)
        async with socket_caller(fr.folder / "run" / "api.sock") as caller:
            caller.headers = own
            assert [m["id"] for m in (await caller.ask("GET", f"{PREFIX}/messages")).value["messages"]] == [sent["id"]]
            assert (await caller.ask("GET", f"{PREFIX}/messages/{sent['id']}")).status == 200
            assert (await caller.ask("GET", f"{PREFIX}/conversations")).value["conversations"] != []
            assert {e["unit"] for e in await some_events(caller, own, 3)} == {UNIT}
            caller.headers = other
            await nothing_of(caller, sent)
            refused = await caller.ask("POST", f"{PREFIX}/messages", note("x"), Idempotency_Key="other")
            assert (refused.status, refused.value["code"]) == (403, "forbidden")
            closed = await caller.ask("GET", f"{PREFIX}/consents")
            assert (closed.status, closed.value["code"]) == (403, "forbidden")
            assert "bound to a unit" in closed.value["title"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await some_events(caller, other, 1)


async def bound_elsewhere(node: Node, role: Role = Role.CASE_WORKER) -> dict[str, str]:
    """A token of another unit, as it stays behind when a unit was taken out of node.toml."""
    headers = await token_of(node, role, UNIT)
    id = headers["Authorization"].split(".")[1]
    await node.store.move(lambda c: c.exec_driver_sql("update token set unit = ? where id = ?", (SHELTER, id)) and None)
    await node.tokens.refresh()
    return headers


async def nothing_of(caller: Caller, sent: dict[str, Any]) -> None:
    """Every way to the message ends as if it were not there."""
    assert (await caller.ask("GET", f"{PREFIX}/messages")).value["messages"] == []
    assert (await caller.ask("GET", f"{PREFIX}/conversations")).value["conversations"] == []
    assert (await caller.ask("GET", f"{PREFIX}/conversations/{sent['conversation']}")).status == 404
    assert (await caller.ask("GET", f"{PREFIX}/messages/{sent['id']}")).status == 404
    user = {"attested": {"by": "x"}}
    for step, body in (("ack", {}), ("open", user), ("resend", {}), ("cancel", user)):
        assert (await caller.ask("POST", f"{PREFIX}/messages/{sent['id']}/{step}", body)).status == 404
