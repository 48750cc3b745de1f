"""Marked values go through two nodes by every way there is, and lie nowhere afterwards (threats 42, 54)."""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from support.acting import ask, signed_in
from support.canary import Scanner, Wiretap, forms
from support.ceremony import ADMINS, aplay, change
from support.dropfolder import drop_draft
from support.local import Caller, socket_caller
from support.policies import open_on
from support.running import UNIT, asked, consent, enquiry, header, pair, running, settled, until
from support.tables import table

from adapters.folder import FolderAdapter
from gateway.administration.diagnostics import ASKED, build_diagnostics
from gateway.api.routes import PREFIX
from gateway.cli.administration.doctor import examine_folder
from gateway.composition.node import Node
from gateway.database import content, meta
from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.tls import client_context
from gateway.foundation import logs
from gateway.messages import content_codec
from gateway.messages.store import messages
from gateway.ports import Delivery, Notice
from schemas.region_pack.policies import canonical_bytes

MARKS = {
    "given name": "Žofja-Tulipán",
    "family name": "Канарейченко",
    "arabic name": "زهرة التوليب الصفراء",
    "phone": "+355 69 555 0142 77",
    "summary": "Canary-summary-5f1e0c7a",
    "note": "Canary note: kanarinë e verdhë",
    "case reference": "CANARY-CASE-77120",
    "author": "canary.worker.4711",
    "record file": "canary-record-90211",
    "key": "canary-idempotency-key-3",
    "person at the desk": "kanarina.desk-person.77",
    "refused value": "canary-refused-value-88",
    "refused member": "canary_refused_member_12",
    "path": "canary-path-segment-51",
    "broken text": "canary-broken-json-19",
    "stranger": "canary-stranger-bytes-64",
    "failure": "canary-adapter-failure-33",
    "file": "canary-file-words-58",
}
"""One mark for each way by which a value of a case, or of its people, comes into a node."""
CASE = {"number": MARKS["case reference"]}
"""Whose the consents are."""


@cache
def search() -> Scanner:
    """Looks for every mark; to encode them all is most of what a small search costs, so it is done once."""
    return Scanner.of(MARKS)


class FailingAdapter(FolderAdapter):
    """A drop folder whose system is away for a while, then refuses one message, each time with a value in the words."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.away, self.refusals, self.pulls = 1, 1, 2

    async def push(self, item: Delivery | Notice) -> str:
        """Fail, refuse, then do it."""
        if isinstance(item, Delivery) and item.type.startswith("referral"):
            if self.away:
                self.away -= 1
                raise TransientError(Code.ADAPTER_BUSY, f"away: {MARKS['failure']} {item.content}")
            if self.refusals:
                self.refusals -= 1
                raise RefusedError(Code.ADAPTER_REFUSED, f"no: {MARKS['failure']}", hint=str(item.content))
        return await super().push(item)

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError | TransientError]:
        """One after the other, up to the first that has to wait."""
        outcomes: list[str | RefusedError | TransientError] = []
        for item in items:
            try:
                outcomes.append(await self.push(item))
            except RefusedError as error:
                outcomes.append(error)
            except TransientError as error:
                return [*outcomes, error]
        return outcomes

    async def pull(self) -> Any:
        """Fail twice."""
        if self.pulls:
            self.pulls -= 1
            raise TransientError(Code.ADAPTER_BUSY, MARKS["failure"])
        return await super().pull()


@dataclass
class World:
    """What there is to search after the nodes ran."""

    base: Path
    taps: dict[str, Wiretap] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    second: Any = None
    """The second person at FR."""
    program: dict[str, str] = field(default_factory=dict)
    """The header of a case system at FR."""

    @property
    def folders(self) -> list[Path]:
        """Everything the nodes wrote: both folders, the root keys, logs, temporary files; not the case systems' own."""
        return [self.base / name for name in ("FR", "AL", "FR-roots", "AL-roots", "logs", "tmp")]

    def found(self) -> list[str]:
        """Every mark in every place."""
        scanner = search()
        hits = list(scanner.folders(self.folders))
        for name, tap in self.taps.items():
            hits += scanner.data(f"wire to {name}", bytes(tap.asked))
            hits += scanner.data(f"wire from {name}", bytes(tap.answered))
        for place, text in self.texts.items():
            hits += scanner.data(place, text.encode())
        return hits


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A place with temporary files and a log of its own, at the most talkative level."""
    for name in ("tmp", "logs"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with (tmp_path / "logs" / "node.log").open("w") as stream:
        logs.configure("debug", stream)
        yield World(base=tmp_path)
    structlog.reset_defaults()


def referral(consent_id: str, **members: Any) -> dict[str, Any]:
    """A request with a mark in every kind of field."""
    named = {"author_ref": MARKS["author"], "case_ref_sender": MARKS["case reference"]}
    person = {
        "pseudonym": MARKS["given name"],
        "name_given": MARKS["given name"],
        "name_family": MARKS["family name"],
        "name_middle": MARKS["arabic name"],
        "age_group": "adult",
        "languages": [{"language": "sq", "level": "first"}],
        "safe_contact_rule": {"may_call": True, "safe_hours": MARKS["phone"], "code_word": MARKS["phone"]},
    }
    return {
        "type": "referral.request/1",
        "to": "AL",
        "purpose": "referral",
        "header": header(**named, consent_ref=consent_id),
        "content": {
            "referral_kind": "return_reception",
            "person": person,
            "thb_status": "self_reported",
            "services_requested": [{"service": "safe_accommodation", "note": MARKS["note"]}],
            "legal_status": "irregular",
            "immediate_risk": {"level": "low"},
            "expected_next_step": "return_planning",
            "summary": MARKS["summary"] + "\n" + " ".join(MARKS.values()),
        },
    } | members


async def accepted(caller: Caller, path: str, body: Any, **headers: str) -> Any:
    """A request that must succeed."""
    answer = await caller.ask("POST", PREFIX + path, body, **headers)
    assert answer.status < 300, answer.text
    return answer.value


async def good_ways(world: World, caller: Caller) -> None:
    """Consent, referral through the API, a draft from the drop folder, reading, answering, withdrawing."""
    agreed = {**CASE, "content": consent(f"AL/{UNIT}"), "attested": {"by": MARKS["person at the desk"]}}
    program = Caller(session=caller.session, base=caller.base, headers=world.program)
    given = await accepted(program, "/consents", agreed, Idempotency_Key=f"{MARKS['key']}-consent")
    request = referral(given["id"])
    first = await accepted(caller, "/messages", request, Idempotency_Key=MARKS["key"])
    again = await accepted(caller, "/messages", request, Idempotency_Key=MARKS["key"])
    assert again["id"] == first["id"]
    sent = await accepted(world.second, f"/drafts/{first['id']}/release", {})
    cases = world.base / "FR-cases"
    drop_draft(cases, f"{MARKS['record file']}.json", json.dumps(request))
    drafts: list[Any] = []

    async def drafted() -> bool:
        drafts[:] = (await caller.ask("GET", PREFIX + "/drafts")).value["drafts"]
        return bool(drafts)

    await until(drafted)
    assert drafts[0]["record"].startswith(MARKS["record file"])
    await accepted(caller, f"/drafts/{drafts[0]['id']}/release", {})
    await settled(world.nodes["FR"], "awaiting_opening")
    shown = await caller.ask("GET", f"{PREFIX}/messages/{sent['id']}")
    assert MARKS["summary"] in shown.text
    async with caller.session.get(caller.base + PREFIX + "/events") as stream:
        assert b"message" in await stream.content.readuntil(b"\n\n")
    withdrawn = await accepted(caller, f"/consents/{given['id']}/withdraw", {})
    assert withdrawn["told"]
    await settled(world.nodes["FR"], "awaiting_opening")


async def files(world: World, caller: Caller) -> None:
    """A file full of marks: sealed, carried, checked and read at the other side; and one that is refused."""
    words = (MARKS["file"] + " " + " ".join(MARKS.values()) + "\n").encode()
    data = words * (3 * 1024 * 1024 // len(words))
    added = (await caller.ask("POST", PREFIX + "/attachments", data)).value
    refused = await caller.ask("POST", PREFIX + "/attachments", data + b"\x00")
    world.texts["answer to a bad file"] = refused.text
    assert refused.status == 415
    given = await accepted(caller, "/consents", {**CASE, "content": consent(f"AL/{UNIT}")})
    request = referral(given["id"], message=added["message"])
    request["content"]["attachments"] = [{"part": 0, "doc_kind": "other"}]
    first = await accepted(caller, "/messages", request, Idempotency_Key="file")
    sent = await accepted(world.second, f"/drafts/{first['id']}/release", {})
    await settled(world.nodes["FR"], "awaiting_opening")
    async with socket_caller(world.base / "AL" / "run" / "api.sock") as reader:
        url = f"{reader.base}{PREFIX}/messages/{sent['id']}/attachments/0"
        async with reader.session.get(url) as response:
            assert await response.read() == data
    assert list((world.base / "AL" / "attachments").iterdir())


async def bad_ways(world: World, caller: Caller) -> None:
    """Every kind of refusal, each with a mark in what is refused."""
    consent_id = (await accepted(caller, "/consents", {**CASE, "content": consent(f"AL/{UNIT}")}))["id"]
    refused, member, path = MARKS["refused value"], MARKS["refused member"], MARKS["path"]
    good = referral(consent_id)
    body = good["content"]
    misborn = body["person"] | {"birth_year": refused}
    bodies: dict[str, tuple[Any, int]] = {
        "schema: unknown code": ({**good, "content": {**good["content"], "thb_status": refused}}, 422),
        "schema: unknown member": ({**good, "content": {**good["content"], member: refused}}, 422),
        "schema: wrong type": ({**good, "content": {**body, "person": misborn}}, 422),
        "schema: nothing left": ({**good, "content": {member: refused}}, 422),
        "text policy": ({**good, "content": {**good["content"], "summary": refused + "\u202e"}}, 422),
        "unknown draft member": ({**good, member: refused}, 400),
        "unknown purpose": ({**good, "purpose": refused}, 400),
        "unknown type": ({**good, "type": refused}, 400),
        "unknown peer": ({**good, "to": refused}, 404),
        "unknown unit": ({**good, "header": {**good["header"], "sender_unit": refused}}, 403),
        "bad conversation": ({**good, "conversation": refused}, 400),
        "gate: no consent": ({**good, "header": {k: v for k, v in good["header"].items() if k != "consent_ref"}}, 422),
        "gate: unknown consent": (
            {
                **good,
                "header": {
                    **good["header"],
                    "consent_ref": base64.urlsafe_b64encode(refused.encode()[:16]).decode().rstrip("="),
                },
            },
            422,
        ),
        "used key": ({**good, "purpose": None}, 409),
    }
    for fault, (request, status) in bodies.items():
        key = MARKS["key"] if fault == "used key" else f"key {fault}"
        answer = await caller.ask("POST", PREFIX + "/messages", request, Idempotency_Key=key)
        world.texts[f"answer to {fault}"] = answer.text
        assert answer.status == status, (fault, answer.status)
    broken = MARKS["broken text"].encode()
    for fault, data in {
        "no json": broken,
        "cut json": b'{"a": "' + broken,
        "twice": b'{"%b": 1, "%b": 1}' % (broken, broken),
        "latin-1": b'{"a": "\xe9' + broken + b'"}',
        "deep": b'{"%b":' % broken + b"[" * 40 + b"]" * 40 + b"}",
        "large": b'{"a": "' + broken * 100_000 + b'"}',
    }.items():
        answer = await caller.ask("POST", PREFIX + "/messages", data, Idempotency_Key="k")
        world.texts[f"answer to {fault}"] = answer.text
        assert answer.status in (400, 413), fault
    for way in (
        f"/messages/{path}",
        f"/drafts/{path}",
        f"/conversations/{path}",
        f"/consents/{path}",
        f"/schemas/{path}",
        f"/messages?cursor={path}",
        f"/messages?peer={path}",
        f"/messages?{path}=1",
        f"/{path}",
        f"/events?after={path}",
        f"/peers/{path}",
        f"/evidence/{path}",
    ):
        answer = await caller.ask("GET", PREFIX + way)
        world.texts[f"answer to {way.replace(path, '...')}"] = answer.text
        assert 400 <= answer.status < 500, (way, answer.status, answer.text)
    check = await accepted(caller, "/schemas/check", {"draft": {**good, "content": {member: refused}}})
    world.texts["answer to a check"] = json.dumps(check)
    consented = await caller.ask("POST", PREFIX + "/consents", {**CASE, "content": {member: refused}})
    world.texts["answer to a bad consent"] = consented.text
    cases = world.base / "FR-cases"
    drop_draft(cases, f"{MARKS['record file']}-bad.json", json.dumps({**good, "content": {member: refused}}))
    drop_draft(cases, f"{MARKS['record file']}-broken.json", MARKS["broken text"])
    rejected = cases / "refused"
    await until(lambda: _count(rejected, 4))


async def _count(folder: Path, least: int) -> bool:
    return len(list(folder.iterdir())) >= least


async def strangers(world: World) -> None:
    """Junk with a mark in every part of a request, to both public listeners, past the wiretap."""
    mark = MARKS["stranger"]
    asked = (("POST", "/v1/messages"), ("POST", "/v1/keyset"), ("POST", f"/v1/{mark}"), ("GET", "/v1/link"))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_context())) as session:
        for node in world.nodes.values():
            assert node.federation is not None
            base = f"https://127.0.0.1:{node.federation.port}"
            for method, path in asked:
                headers = {
                    "X-Mark": mark,
                    "traceparent": mark,
                    "Signature": f"sig={mark}",
                    "Content-Type": "application/json",
                }
                async with session.request(method, base + path, data=mark.encode(), headers=headers) as response:
                    world.texts[f"answer to a stranger's {method} {path.replace(mark, '...')}"] = await response.text()
            reader, writer = await asyncio.open_connection("127.0.0.1", node.federation.port, ssl=client_context())
            writer.write(f"{mark} {mark}\r\n\r\n".encode())
            world.texts["answer to no HTTP"] = (await reader.read()).decode(errors="replace")
            writer.close()


@asynccontextmanager
async def tapped(world: World, adapters: dict[str, Any]) -> AsyncIterator[dict[str, Node]]:
    """Nodes with a wiretap before each."""

    async def tap(node: Node, endpoint: int, listen: int) -> None:
        wiretap = world.taps[node.config.node.name] = Wiretap()
        await wiretap.start(node, endpoint, listen)

    try:
        async with running(world.base, adapters, before=tap) as nodes:
            world.nodes = nodes
            yield nodes
    finally:
        for wiretap in world.taps.values():
            wiretap.close()


async def run(world: World) -> None:
    """Everything that can happen, and a look at every place while the nodes still run."""
    FolderAdapter.create(world.base / "AL-cases")
    async with tapped(world, {"FR": None, "AL": FailingAdapter(world.base / "AL-cases")}) as nodes:
        await pair(nodes["FR"], nodes["AL"])
        wide = canonical_bytes(open_on(("FR", "AL"))).decode()  # else the policy would keep most marks at home
        await aplay(
            change(ADMINS, "policy.widen", "node", policy=wide),
            lambda op, **arguments: asked(nodes["FR"], op, arguments),
        )
        async with socket_caller(world.base / "FR" / "run" / "api.sock") as shell:
            caller, world.second = [await signed_in(shell, nodes["FR"], name) for name in ("Eva", "Fay")]
            made = await ask(nodes["FR"], "token.new", {"role": "adapter", "label": "case system"})
            world.program = {"Authorization": f"Bearer {made['token']}"}
            await caller.ask("POST", PREFIX + "/messages", enquiry("AL"), Idempotency_Key="first")
            held = asyncio.create_task(_release_held(world.base / "AL" / "run" / "api.sock"))
            await good_ways(world, caller)
            await held
            await files(world, caller)
            await bad_ways(world, caller)
        await strangers(world)
        await diagnostics(world)
        assert world.found() == []
        await the_marks_were_there(world)


async def diagnostics(world: World) -> None:
    """The file for the people who help, of both nodes: neither a mark nor a name that people gave is in it."""
    for name, node in world.nodes.items():
        told = {operation: (await node.desk.call(operation, {})).value for operation in ASKED}
        checks = await asyncio.to_thread(examine_folder, world.base / name, None)
        made: Any = build_diagnostics(
            told=told, checks=checks, config=node.config, folder=node.folder, now=node.clock.now()
        )
        world.texts[f"diagnostics of {name}"] = text = json.dumps(made, ensure_ascii=False)
        assert made["node.diagnostics"]["log"]
        found: Any = (await node.desk.call("message.list", {"limit": 100})).value
        ids = [message[member] for message in found["messages"] for member in ("id", "conversation")]
        people = ["Eva", "Fay", "case system", UNIT, "Focal point", "duty desk", node.own.node, str(world.base)]
        assert [word for word in (*ids, *people, '"FR"', '"AL"') if word in text] == []


async def _release_held(path: Path) -> None:
    """A person at AL offers the message again that the case system refused."""
    async with socket_caller(path) as caller:
        found: list[Any] = []

        async def held() -> bool:
            found[:] = (await caller.ask("GET", PREFIX + "/messages?state=held")).value["messages"]
            return bool(found)

        await until(held)
        await accepted(caller, f"/messages/{found[0]['id']}/resend", {})


async def the_marks_were_there(world: World) -> None:
    """Sealed at both nodes, and in the clear in the case system they were meant for: there was something to miss."""
    for node in world.nodes.values():

        def query(c: Any) -> Any:
            refs = [row.ref for row in messages.page(c, limit=100)]
            return content.get(c, refs)

        sealed = await node.store.read(query)
        plain = b"".join(content_codec.read_content(node.sealer.open(row)).body for row in sealed.values())
        assert all(value.encode() in plain for value in MARKS.values())
    handed = "".join(path.read_text() for path in (world.base / "AL-cases" / "incoming").glob("*.json"))
    assert MARKS["family name"] in handed
    for name, tap in world.taps.items():
        assert b"/v1/" in tap.asked, name
        assert len(tap.answered) > 1_000, name
    assert b"POST /v1/messages" in world.taps["AL"].asked
    assert b"POST /v1/receipts" in world.taps["FR"].asked
    assert (world.base / "FR" / "node.db-wal").stat().st_size > 0
    written = (world.base / "logs" / "node.log").read_text()
    assert {"handover.refused", "collect.failed", "federation.refused", "node.started"} <= {
        json.loads(line)["event"] for line in written.splitlines()
    }


async def test_no_marked_value_lies_anywhere(world: World, capfd: pytest.CaptureFixture[str]):
    """Not on the wire, in a node folder or its write-ahead log, in logs, temporary files, answers or output."""
    await run(world)
    world.texts["standard output"], world.texts["standard error"] = capfd.readouterr()
    assert world.found() == []


# --- the search itself --------------------------------------------------------------------------------------------


@table("mark", MARKS)
def test_a_planted_value_is_found(tmp_path: Path, mark: str):
    """Each mark in each encoding, in the middle of a file among noise, is a hit."""
    for form, planted in forms(MARKS[mark]).items():
        (tmp_path / "file").write_bytes(b"\x00\xffnoise" * 50 + planted + b"noise" * 50)
        assert any(f"{mark} as" in hit for hit in search().folders([tmp_path])), form


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("kind", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_at_every_offset(shift: int, kind: Any):
    """Whatever stands before it."""
    for mark, value in MARKS.items():
        for charset in ("utf-8", "utf-16-le"):
            data = kind(b"abc"[:shift] + value.encode(charset) + b" and more")
            assert any(f": {mark} as" in hit for hit in search().data("here", data)), (mark, charset)


LEAKS = ["log", "temp", "database", "file name", "wire"]


@pytest.mark.parametrize("leak", LEAKS)
async def test_a_deliberate_leak_of_a_node_is_found(world: World, leak: str):
    """The same search over the same places turns red when a value is let out on purpose."""
    value = MARKS["family name"]
    async with tapped(world, {"FR": None}) as nodes:
        node = nodes["FR"]
        assert world.found() == []
        match leak:
            case "log":
                with (world.base / "logs" / "node.log").open("a") as stream:
                    stream.write(json.dumps({"event": "oops", "who": value}) + "\n")
            case "temp":
                with tempfile.NamedTemporaryFile(delete=False) as file:
                    file.write(value.encode("utf-16-le"))
            case "database":
                await node.store.move(lambda c: meta.set_meta(c, "oops", base64.b64encode(value.encode())))
            case "file name":
                (world.base / "FR" / f"{value}.json").touch()
            case _:
                url = node.own.descriptor.endpoints[0] + "/v1/oops"
                connector = aiohttp.TCPConnector(ssl=client_context())
                async with aiohttp.ClientSession(connector=connector) as session, session.get(url, params={"q": value}):
                    pass
        assert world.found() != []
