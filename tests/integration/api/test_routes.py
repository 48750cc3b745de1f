"""The local API of a running node: what a case system relies on (nrm1 13.12)."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.acting import signed_in
from support.enrolled import enrol
from support.house import ROOT
from support.local import Caller, socket_caller
from support.patience import PATIENCE
from support.ports import free_port
from support.rest import until_at_rest
from support.running import CHEAP, PASSPHRASE, UNIT, consent, enquiry, header, pair, running, settled

from gateway.api.routes import PREFIX, ROUTES
from gateway.app import open_node
from gateway.composition.doors import open_local
from gateway.composition.node import Node
from gateway.database.journal import events_after
from gateway.node import event_feed
from gateway.operations.roles import Role

MESSAGES = f"{PREFIX}/messages"
CANARY = "Tulpe-7391"


@asynccontextmanager
async def paired(base: Path) -> AsyncIterator[tuple[Node, Caller]]:
    """FR, paired with AL, and a caller on its socket."""
    async with running(base, {"FR": None, "AL": None}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        async with socket_caller(base / "FR" / "run" / "api.sock") as caller:
            yield nodes["FR"], await signed_in(caller, nodes["FR"])


async def submitted(caller: Caller, key: str, **members: Any) -> Any:
    """The answer to one submission that is taken."""
    answer = await caller.ask("POST", MESSAGES, enquiry("AL", **members), Idempotency_Key=key)
    assert answer.status in (200, 201), answer.text
    return answer.value


async def test_a_key_makes_one_message(tmp_path: Path):
    """The same request again is answered alike, another one under its key is a conflict."""
    async with paired(tmp_path) as (_, caller):
        first = await caller.ask("POST", MESSAGES, enquiry("AL"), Idempotency_Key="one")
        again = await caller.ask("POST", MESSAGES, enquiry("AL"), Idempotency_Key="one")
        assert (first.status, again.status) == (201, 200)
        assert first.value == again.value
        other = await caller.ask("POST", MESSAGES, enquiry("AL", purpose="referral"), Idempotency_Key="one")
        assert (other.status, other.kind, other.value["code"]) == (409, "application/problem+json", "conflict")
        assert (await submitted(caller, "two"))["id"] != first.value["id"]
        assert len((await caller.ask("GET", MESSAGES)).value["messages"]) == 2


async def test_pages_hold_every_message_once(tmp_path: Path):
    """Newest first, page after page, while new ones keep coming in at the front."""
    async with paired(tmp_path) as (_, caller):
        ids = [(await submitted(caller, f"k{n}"))["id"] for n in range(7)]
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await caller.ask("GET", f"{MESSAGES}?limit=3{cursor}")).value
            assert len(page["messages"]) <= 3
            seen += [message["id"] for message in page["messages"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
            await submitted(caller, f"late{len(seen)}")
        assert seen == ids[::-1]


async def test_a_question_that_is_none_is_refused(tmp_path: Path):
    """A misspelt filter is not ignored, a number has its range."""
    async with running(tmp_path, {"FR": None}), socket_caller(tmp_path / "FR" / "run" / "api.sock") as caller:
        for query in ("limit=501", "limit=-1", "limit=x", "cursor=x", f"cursor={'9' * 16}", "stat=queued"):
            answer = await caller.ask("GET", f"{MESSAGES}?{query}")
            assert (answer.status, answer.value["code"]) == (400, "invalid"), query
        paths = ("messages?state=sent", "messages?direction=up", "drafts?state=open", "conversations?kind=case")
        for path in paths:
            answer = await caller.ask("GET", f"{PREFIX}/{path}")
            (fault,) = answer.value["findings"]
            assert (answer.status, fault["place"]) == (400, f"/{path.partition('?')[2].partition('=')[0]}"), path
            assert fault["hint"].startswith("one of ")


async def events(caller: Caller, count: int, after: int) -> list[tuple[int, Any]]:
    """The next events behind `after`."""
    found: list[tuple[int, Any]] = []
    headers = {"Last-Event-ID": str(after)}
    async with caller.session.get(f"{caller.base}{PREFIX}/events", headers=headers) as stream:
        while len(found) < count:
            seq, data = (await stream.content.readuntil(b"\n\n")).decode().splitlines()[:2]
            found.append((int(seq.removeprefix("id: ")), json.loads(data.removeprefix("data: "))))
    return found


async def test_the_stream_resumes_without_loss(tmp_path: Path):
    """A client that breaks off anywhere and comes back with the last id sees each event once."""
    async with paired(tmp_path) as (node, caller):
        for n in range(3):
            await submitted(caller, f"k{n}")
        await settled(node, "awaiting_opening")
        every = await events(caller, 9, 0)
        assert [seq for seq, _ in every] == sorted({seq for seq, _ in every})
        for broken_off in (1, 4, 8):
            assert every[broken_off:] == await events(caller, 9 - broken_off, every[broken_off - 1][0])
        states = [event["state"] for _, event in every if event["id"] == every[0][1]["id"]]
        assert states[0] == "queued"


async def last_event(node: Node) -> int:
    """The position of the newest event, once nothing happens any more."""
    await until_at_rest()
    return max((event.seq for event in await node.store.read(lambda c: events_after(c, 0, 1_000))), default=0)


async def test_the_stream_tells_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Who waits at the end is woken by what happens, not by the clock."""
    monkeypatch.setattr(event_feed, "EVENTS_PAUSE", 2 * PATIENCE)
    async with paired(tmp_path) as (node, caller):
        for n in range(3):
            last = await last_event(node)
            waiting = asyncio.create_task(events(caller, 1, last))
            await asyncio.sleep(0.02 * n)
            id = (await submitted(caller, f"k{n}"))["id"]
            ((_, event),) = await asyncio.wait_for(waiting, PATIENCE)
            assert (event["id"], event["state"]) == (id, "queued")
            await settled(node, "awaiting_opening")


async def test_the_stream_ends_with_the_right_to_it(tmp_path: Path):
    """Somebody leaves while they follow it: it ends instead of telling them what happens next."""
    async with paired(tmp_path) as (node, caller):
        tom = await enrol(node, "Tom", Role.CASE_WORKER)
        theirs = {"Authorization": f"Bearer {tom.token}"}
        async with caller.session.get(f"{caller.base}{PREFIX}/events", headers=theirs) as stream:
            before = (await submitted(caller, "before"))["id"]
            assert before.encode() in await stream.content.readuntil(b"\n\n")
            await node.desk.call("person.end", {"id": tom.id})
            after = (await submitted(caller, "after"))["id"]
            heard = b""
            async with asyncio.timeout(PATIENCE):
                while after.encode() not in heard and (piece := await stream.content.readany()):
                    heard += piece
        assert after.encode() not in heard
        assert (await caller.ask("GET", f"{PREFIX}/events", Authorization=theirs["Authorization"])).status == 401


async def test_a_fault_has_its_place_and_rule_and_no_value(tmp_path: Path):
    """A JSON pointer into the draft and the name of the rule, for each fault, and nothing is stored."""
    request = {
        "type": "referral.request/1",
        "to": "AL",
        "purpose": "referral",
        "header": header(priority=CANARY),
        "content": {
            "referral_kind": "return_reception",
            "person": {"pseudonym": CANARY, CANARY: 1},
            "thb_status": CANARY,
        },
    }
    async with paired(tmp_path) as (_, caller):
        answer = await caller.ask("POST", MESSAGES, request, Idempotency_Key="one")
        assert answer.status == 422
        found = {(finding["place"], finding["rule"]) for finding in answer.value["findings"]}
        assert {
            ("/header/priority", "unknown_code"),
            ("/content/thb_status", "unknown_code"),
            ("/content/person", "additionalProperties"),
            ("/content/services_requested", "required"),
            ("/header/consent_ref", "gate_g2"),
        } <= found
        assert CANARY not in answer.text
        assert (await caller.ask("GET", MESSAGES)).value["messages"] == []


async def test_a_referral_needs_its_consent(tmp_path: Path):
    """Without the record it is refused by G2; with it the record goes first, in the same conversation."""
    async with paired(tmp_path) as (node, caller):
        content = json.loads((ROOT / "schemas/examples/referral.request.1/valid-minimal.json").read_text())["content"]
        request = {"type": "referral.request/1", "to": "AL", "purpose": "referral", "content": content}
        refused = await caller.ask("POST", MESSAGES, {**request, "header": header()}, Idempotency_Key="a")
        assert (refused.status, refused.value["code"]) == (422, "gate_g2")
        agreed = {"number": "2026/117", "content": consent(f"AL/{UNIT}")}
        given = await caller.ask("POST", f"{PREFIX}/consents", agreed)
        assert given.status == 201
        named = header(consent_ref=given.value["id"], case_ref_sender="2026/117")
        first = await caller.ask("POST", MESSAGES, {**request, "header": named}, Idempotency_Key="a")
        assert (first.status, first.value["state"]) == (201, "waiting_second")
        other = await signed_in(caller, node, "Ben C.")
        taken = await other.ask("POST", f"{PREFIX}/drafts/{first.value['id']}/release", {})
        assert taken.status == 201
        await settled(node, "awaiting_opening")
        told = await caller.ask("GET", f"{PREFIX}/conversations/{taken.value['conversation']}")
        assert [m["type"] for m in told.value["messages"]] == ["consent.record/1", "referral.request/1"]
        shown = (await caller.ask("GET", f"{MESSAGES}/{taken.value['id']}")).value
        assert shown["content"] == content
        assert [receipt["status"] for receipt in shown["receipts"]] == ["received", "delivered"]


async def test_an_unknown_schema_is_not_found(tmp_path: Path):
    """A type that is not held is 404 with its code, one that is held is shown."""
    async with paired(tmp_path) as (_, caller):
        known = await caller.ask("GET", f"{PREFIX}/schemas/consent.record@1")
        assert (known.status, known.value["type"]) == (200, "consent.record/1")
        for name in ("weather.report@1", "sha256:" + "0" * 64):
            unknown = await caller.ask("GET", f"{PREFIX}/schemas/{name}")
            assert (unknown.status, unknown.value["code"]) == (404, "not_found")


async def test_both_doors_of_a_node(tmp_path: Path):
    """The socket is private; loopback takes the token that `trm init` wrote, and no other."""
    async with running(tmp_path, {"FR": None}) as nodes:
        folder = nodes["FR"].folder
        assert stat.S_IMODE((folder / "run" / "api.sock").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o700
    port = free_port()
    with (folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{port}"\n')
    await looked_at(folder, port)


async def looked_at(folder: Path, port: int) -> None:
    """The same node again, with loopback open."""
    node, closing = await open_node(folder, PASSPHRASE, at_least=CHEAP)
    async with closing:
        server = await open_local(node)
        try:
            token = (folder / "api-token").read_text().strip()
            async with aiohttp.ClientSession() as session:
                caller = Caller(session=session, base=f"http://127.0.0.1:{port}")
                assert (await caller.ask("GET", f"{PREFIX}/node")).status == 401
                assert (await caller.ask("GET", f"{PREFIX}/node", Authorization=f"Bearer {token[::-1]}")).status == 401
                answer = await caller.ask("GET", f"{PREFIX}/node", Authorization=f"Bearer {token}")
                assert (answer.status, answer.value["name"]) == (200, "FR")
        finally:
            await server.close()


async def test_every_question_has_an_answer_or_a_problem(tmp_path: Path):
    """On a fresh node nothing is there yet; that is 404, or 400 for an id of no sense; never a fault of ours.

    A message that nobody submitted has no files that wait for it, whatever its id.
    """
    asked = [route for route in ROUTES if route.method == "GET"]
    assert len(asked) > 40
    async with running(tmp_path, {"FR": None}), socket_caller(tmp_path / "FR" / "run" / "api.sock") as caller:
        for route in asked:
            answer = await caller.ask("GET", PREFIX + route.path.replace("{id}", "nothing-of-this-name"))
            empty = "{id}" not in route.path
            assert answer.status in ((200,) if empty else (400, 404, 422)), f"{route.operation}: {answer.text}"
