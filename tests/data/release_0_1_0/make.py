"""Make the node folders of release 0.1.0 that tests open, and what went between the two nodes.

This file runs with the program of the release and not with today's: README.md beside it has the commands. It takes the
folder to write into, which holds afterwards

    nodes.tar.xz        the folders of the nodes FR and AL, their case systems, root files and administrators' files
    facts.json          passphrases, times, and what the nodes answer about themselves at the end
    wire.json           requests and answers between the two nodes, byte for byte
    evidence-*.json     evidence bundles of a finished conversation and of one whose message was erased
    audit-FR.jsonl      the export of an audit log, witnessed by the other node
    tables.sql          the statements that revision 0001 of the database ran
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sqlite3
import sys
import tarfile
import tomllib
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from aiohttp.client_proto import ResponseHandler
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.ports import free_port
from support.authenticator import Authenticator
from support.ceremony import key_files
from support.dropfolder import drop_folder
from support.holders import signed
from support.nodechild import SteeredClock
from support.nodeproc import UNIT, enquiry, unit
from support.pair import START, Party, Two, example
from support.policies import open_on, text_of
from support.questions import QUESTIONS

import schemas
from adapters.folder import FolderAdapter
from gateway.errors import GatewayError
from gateway.newnode import Plan, make_node
from gateway.service.people import People
from keys.admin import new_admin
from keys.encoding import b64u, canon, sha256_hex
from keys.keystore import Cost

PASSPHRASE, ROOT_PASSPHRASE = "the node of a test", "the roots of a test"
BASE = "@BASE@"
"""Stands in the files of a node for the folder in which the nodes lie."""
ADDRESSES = {"FR": "127.0.10.1", "AL": "127.0.10.2"}
"""Nobody else on a machine listens there, so that the ports that descriptors name are free."""
FEDERATION = 18_443
LOCAL = "@LOCAL@"
"""Stands in the settings for the port of the loopback listener, which is free to choose."""
ORIGIN = "https://console.example"
HOUR, DAY = 3_600, 86_400
COST = Cost.default()
"""As a person's node has it: every verb opens these files by its passphrase."""
TAKEN_ON = "2027-01-14"
ALL = [code.code for code in schemas.code_list("data_category").codes]
LIVE, WITHDRAWN = (b64u(name.ljust(16, b".")) for name in (b"consent live", b"consent taken"))
REFERRED, TAKEN_BACK = (b64u(name.ljust(16, b".")) for name in (b"case referred", b"case taken back"))
NOTE = b"A note that goes with the referral of a test.\n"


class Recorder:
    """Keeps the bytes of every exchange between a client and a server of this process, outside of their TLS."""

    def __init__(self, clock: SteeredClock) -> None:
        self.exchanges: list[dict[str, Any]] = []
        self._clock = clock
        recorder = self
        made, received = ResponseHandler.connection_made, ResponseHandler.data_received

        def connection_made(protocol: ResponseHandler, transport: Any) -> None:
            made(protocol, _Tap(transport, recorder, protocol))

        def data_received(protocol: ResponseHandler, data: bytes) -> None:
            recorder.answered(protocol, data)
            received(protocol, data)

        ResponseHandler.connection_made = connection_made
        ResponseHandler.data_received = data_received
        self._open: dict[int, dict[str, Any]] = {}

    def asked(self, protocol: object, peer: tuple[str, int], data: bytes) -> None:
        """Bytes of a request: the next request of a connection begins after an answer."""
        found = self._open.get(id(protocol))
        if found is None or found["answer"]:
            to = next((name for name, address in ADDRESSES.items() if address == peer[0]), None)
            found = {"to": to, "at": self._clock.now(), "request": b"", "answer": b""}
            self._open[id(protocol)] = found
            self.exchanges.append(found)
        found["request"] += data

    def answered(self, protocol: object, data: bytes) -> None:
        """Bytes of the answer to the last request."""
        self._open[id(protocol)]["answer"] += data

    def last(self, line: bytes, to: str) -> dict[str, Any]:
        """The newest whole exchange whose request begins so."""
        found = [one for one in self.exchanges if one["to"] == to and one["request"].startswith(line)]
        whole = [one for one in found if one["answer"].startswith(b"HTTP/1.1 200")]
        assert whole, f"{line!r} was not asked of {to}: {self.lines()}"
        return whole[-1]

    def lines(self) -> list[str]:
        """The kinds of request that there were."""
        return sorted({f"{one['to']} {one['request'].split(b' HTTP')[0].decode()}" for one in self.exchanges})


class _Tap:
    """A transport whose writes are kept."""

    def __init__(self, transport: Any, recorder: Recorder, protocol: object) -> None:
        self._transport, self._recorder, self._protocol = transport, recorder, protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._recorder.asked(self._protocol, self._transport.get_extra_info("peername"), bytes(data))
        self._transport.write(data)

    def writelines(self, parts: list[bytes]) -> None:
        self.write(b"".join(map(bytes, parts)))


async def make_party(base: Path, name: str, clock: SteeredClock) -> tuple[Party, list[Any]]:
    """A new node with two administrators of its own, and one of three roots as a demonstration has it."""
    admins = [new_admin(label=label, now=START) for label in (f"{name} one", f"{name} two")]
    key_files(base / f"{name}-admins", admins, cost=COST)
    cases = base / f"{name}-cases"
    FolderAdapter.create(cases)
    address = ADDRESSES[name]
    plan = Plan(
        folder=base / name,
        roots=base / f"{name}-roots",
        name=name,
        country=name,
        endpoint=f"https://{address}:{FEDERATION}",
        listen=f"{address}:{FEDERATION}",
        contact="duty desk",
        units=[unit(name)],
        demo=True,
        admins=[admin.card for admin in admins],
        adapter=drop_folder(cases),
    )
    await make_node(plan, PASSPHRASE, ROOT_PASSPHRASE, clock=clock, cost=COST)
    for file, secret in ((f"{name}.pass", PASSPHRASE), (f"{name}-roots.pass", ROOT_PASSPHRASE)):
        (base / file).write_text(secret)
        (base / file).chmod(0o600)
    with (base / name / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{free_port()}"\n\n[console]\norigin = "{ORIGIN}"\n')
    return Opened(name, base / name, clock, own=True), admins


class Opened(Party):
    """A party that opens its folder with the passphrase of this data."""

    async def open(self) -> None:
        from gateway.app import open_node

        self.opened, self.stack = await open_node(self.folder, PASSPHRASE, clock=self.clock)


def consent(id: str) -> dict[str, Any]:
    """A consent to a referral to both focal points."""
    content = dict(example("consent.record/1", "AL")["content"])
    grant = {
        "purpose": "referral",
        "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
        "data_categories": ALL,
        "until": "2027-11-30",
    }
    return content | {"consent_id": id, "taken_on": TAKEN_ON, "grants": [grant]}


def referral(conversation: str, consent: str | None = None) -> dict[str, Any]:
    """A small referral; without a consent it waits for one that its first releaser names."""
    request = example("referral.request/1", "AL")
    for name in ("author_ref", "consent_ref"):
        request["header"].pop(name, None)
    if consent is not None:
        request["header"] |= {"author_ref": "w-1", "consent_ref": consent}
    return request | {"purpose": "referral", "conversation": conversation}


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    """A file in one piece."""
    yield data


class Story:
    """What the two nodes do. Each step ends when both have said so."""

    def __init__(self, two: Two, admins: dict[str, list[Any]]) -> None:
        self.two, self.fr, self.al = two, two.fr, two.al
        self.admins = admins
        self.secrets: dict[str, Any] = {}

    within = 900
    """Steered seconds that may pass until a step is done."""

    async def until(self, condition: Any, what: str) -> None:
        """Let steered time pass until it holds."""
        await self.two.until(condition, seconds=self.within, what=what)

    async def state_is(self, party: Party, id: str, *states: str) -> None:
        """The message has come so far."""

        async def reached() -> bool:
            return await party.state(id) in states

        await self.until(reached, f"a message of {party.name} is {states}")

    async def said(self, party: Party, request: dict[str, Any], by: str | None = None) -> dict[str, Any]:
        """Submit, have it handed over, and have it opened by a person `by` of the other side."""
        done = await party.call("message.submit", **request)
        await self.arrived(party, done["id"], by)
        return dict(done)

    async def arrived(self, party: Party, id: str, by: str | None = None) -> None:
        """It is in the case system of the other side, and opened if somebody does."""
        await self.state_is(party, id, "awaiting_opening", "opened")
        if by is not None:
            other = self.al if party is self.fr else self.fr
            await other.call("message.open", id=id, by=by)
            await self.state_is(party, id, "opened")

    async def pair(self) -> None:
        """Both trust each other, and open their corridor for everything, files included."""
        for here, there in ((self.fr, self.al), (self.al, self.fr)):
            await here.call("peer.add", chain=await there.call("node.pairing"), by="admin")
        for here, there in ((self.fr, self.al), (self.al, self.fr)):
            await here.changes("peer.activate", there.name, people=self.admins[here.name])
        await self.until(lambda: all(p.peer().keyset is not None and p.agreed() for p in self.two), "the first push")
        new = text_of(open_on(("FR", "AL"), ("AL", "FR")))
        for party in self.two:
            await party.changes("policy.widen", "node", people=self.admins[party.name], policy=new)

    async def rotate(self) -> None:
        """AL has a second descriptor, signed by its root holder, with a new signing key."""
        asked = await self.al.call("keys.request", by="admin", rotate=["sig"])
        document = signed(self.al.folder.parent, "AL", asked["request"], passphrase=ROOT_PASSPHRASE)
        await self.al.call("keys.publish", document=document, by="admin")
        await self.until(lambda: self.fr.peer().descriptor.version == 2, "FR holds the second descriptor of AL")

    async def people(self) -> None:
        """A person with a passkey and a token of a program at FR; a token that was revoked."""
        made = await self.fr.call("person.add", name="Eva Test", roles=["case_worker"], by="admin")
        people, device = People(self.fr.running.parts, origin=ORIGIN), Authenticator(origin=ORIGIN)
        _, ceremony = await people.invited(made["code"])
        await people.enrol(made["code"], ceremony.id, device.create(ceremony.options))
        private = device.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        assert device.holder is not None
        self.secrets["passkey"] = {
            "person": made["id"],
            "origin": ORIGIN,
            "id": b64u(device.id),
            "holder": b64u(device.holder),
            "counter": device.counter,
            "key": private,
        }
        await self.fr.call("person.add", name="Adam Test", roles=["auditor"], by="admin")
        token = await self.fr.call("token.new", role="case_worker", label="a program", by="admin")
        revoked = await self.fr.call("token.new", role="case_worker", label="a program that left", by="admin")
        await self.fr.call("token.revoke", id=revoked["id"], by="admin")
        self.secrets["token"], self.secrets["revoked_token"] = token["token"], revoked["token"]

    async def finish(self) -> str:
        """A question and its answer, both opened; the conversation."""
        asked = await self.said(self.fr, enquiry("a question that was answered"), by="w-2")
        reply = example("enquiry.reply/1", "FR") | {
            "conversation": asked["conversation"],
            "in_reply_to": asked["id"],
        }
        reply["content"] = {
            "answer": "yes",
            "services_available": ["safe_accommodation"],
            "places_held": 1,
            "offer_valid_until": "2027-02-01",
        }
        await self.said(self.al, reply, by="w-1")
        return str(asked["conversation"])

    async def refer(self) -> None:
        """A referral with a file that two people release, its consent, and the acceptance."""
        await self.fr.call("consent.record", by="w-1", content=consent(LIVE))
        file: Any = (await self.fr.running.desk.attach({}, pieces(NOTE), size=len(NOTE))).value
        request = referral(REFERRED, LIVE)
        request["content"]["attachments"] = [{"part": 0, "doc_kind": "other"}]
        sent = await self.fr.call("message.submit", **request, message=file["message"], by="w-1", second_by="w-2")
        await self.arrived(self.fr, sent["id"], by="w-3")
        accepted = example("referral.accept/1", "FR", consent_ref=LIVE)
        accepted |= {"purpose": "referral", "conversation": REFERRED, "in_reply_to": sent["id"]}
        await self.said(self.al, accepted, by="w-1")
        alert = example("safety.alert/1", "FR") | {"conversation": REFERRED}
        await self.said(self.al, alert)
        await self.fr.call("retention.hold", id=REFERRED, by="w-1", ground="legal_claims_17_3_e", until="2028-01-01")
        await self.al.call("asylum.hold", id=REFERRED, by="w-3")

    async def take_back(self) -> None:
        """A consent that AL knows is withdrawn; a referral that relies on it and is under way fails, with an alarm."""
        await self.fr.call("consent.record", by="w-1", content=consent(WITHDRAWN))
        draft = await self.fr.call("draft.save", draft=referral(TAKEN_BACK))
        await self.fr.call("draft.release", id=draft["id"], by="w-1", consent=WITHDRAWN)
        sent = await self.fr.call("draft.release", id=draft["id"], by="w-2")
        await self.arrived(self.fr, sent["id"], by="w-3")
        await self.al.stop()
        late = await self.fr.call("message.submit", **referral(b64u(b"case too late".ljust(16, b".")), WITHDRAWN))
        await self.two.calm()
        await self.fr.call("consent.withdraw", id=WITHDRAWN, by="w-1")
        await self.al.start()
        await self.state_is(self.fr, late["id"], "failed")

        async def withdrawn() -> bool:
            return str((await self.al.call("consent.show", id=WITHDRAWN))["state"]) == "withdrawn"

        await self.until(withdrawn, "AL knows that the consent was withdrawn")

    async def publish(self) -> None:
        """AL tells its offices, and FR holds them."""
        (said,) = (item["content"] for item in QUESTIONS["directory"] if item["country"] == "AL")
        units = [{**one, "valid_until": "2027-03-31"} for one in said["units"]]
        content = {"units": units, "focal_points": said["focal_points"]}
        await self.al.call("directory.publish", content=content, by="w-7", language="sq")

        async def held() -> bool:
            return bool((await self.fr.call("directory.search", text="Albania"))["units"])

        await self.until(held, "FR holds the offices of AL")

    async def erase(self) -> str:
        """A question is erased at both nodes, and so are the epochs that could open it; the conversation."""
        asked = await self.said(self.fr, enquiry("a question that was erased"), by="w-2")
        for party, direction in ((self.al, "in"), (self.fr, "out")):
            await party.call("message.erase", id=asked["id"], direction=direction, by="w-1", reason="not_needed")
            await party.call("keys.rotate_epoch", by="admin")

        async def told() -> bool:
            shown = await self.fr.show(asked["id"])
            return "erased" in [receipt["status"] for receipt in shown["receipts"]]

        await self.until(told, "FR holds the receipt of the erasure")
        return str(asked["conversation"])

    async def wait(self) -> dict[str, str]:
        """Drafts that wait at FR: one for a person, one for the second of two."""
        plain = await self.fr.call("draft.save", draft=enquiry("a draft that waits"))
        second = await self.fr.call("draft.save", draft=referral(b64u(b"case drafted".ljust(16, b"."))))
        await self.fr.call("draft.release", id=second["id"], by="w-1", consent=LIVE)
        return {"waiting": plain["id"], "waiting_second": second["id"]}

    async def witnessed(self) -> None:
        """An hour passes, so that all of this stands under a checkpoint that the other node has cosigned."""
        for _ in range(60):
            self.two.clock.advance(HOUR // 60)
            await self.two.calm()

        for party in self.two:

            async def done(party: Party = party) -> bool:
                shown = await party.call("audit.show")
                point, seen = shown["checkpoint"], shown["witnessed"]
                return bool(point and seen and seen["size"] == point["size"] == shown["entries"])

            await self.until(done, f"the log of {party.name} is witnessed")

    async def part(self) -> dict[str, str]:
        """Each node is left with a message that could not depart, because the other one was stopped."""
        await self.al.stop()
        waits = {"FR": await self.fr.submit("FR waits with this")}
        await self.two.calm()
        assert await self.fr.rows("select count(*) from envelope") == [(1,)], "it was sealed and numbered"
        await self.fr.stop()
        await self.al.start()
        waits["AL"] = await self.al.submit("AL waits with this")
        await self.two.calm()
        await self.al.stop()
        return waits


async def look(party: Party) -> dict[str, Any]:
    """What a node answers about all that it holds, with digests in place of content."""
    messages = []
    for item in (await party.call("message.list", limit=500))["messages"]:
        shown = await party.call("message.show", id=item["id"], direction=item["direction"])
        messages.append(
            {name: item[name] for name in ("id", "direction", "type", "conversation", "state", "reason", "at", "n")}
            | {
                "receipts": [[one["status"], one["at"]] for one in shown["receipts"]],
                "erased": shown["erased"] is not None,
                "digest": None if shown.get("content") is None else digest(shown["header"], shown["content"]),
            }
        )
    drafts = (await party.call("draft.list", limit=500))["drafts"]
    consents = (await party.call("consent.list", limit=500))["consents"]
    audit = await party.call("audit.verify")
    node = await party.call("node.show")
    return {
        "node": node["node"],
        "fingerprint": node["fingerprint"],
        "chain": await party.call("node.pairing"),
        "messages": messages,
        "drafts": {item["id"]: item["state"] for item in drafts},
        "consents": {item["id"]: item["state"] for item in consents},
        "alarms": sorted(await party.alarms()),
        "audit": {"ok": audit["ok"], "entries": audit["entries"], "checkpoints": audit["checkpoints"]},
        "people": len((await party.call("person.list"))["people"]),
        "policy": (await party.call("policy.show"))["in_force"]["name"],
    }


def digest(*content: Any) -> str:
    """SHA-256 of what a message says, in its one spelling."""
    return sha256_hex(canon(list(content)))


def settle(base: Path) -> None:
    """Bring each database into one file, and take the name of this folder out of the settings."""
    for name in ADDRESSES:
        with closing(sqlite3.connect(base / name / "node.db")) as connection:
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        settings = base / name / "node.toml"
        found = tomllib.loads(settings.read_text())["local"]["listen"]
        settings.write_text(settings.read_text().replace(found, f"127.0.0.1:{LOCAL}"))
    for path in sorted(path for path in base.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if str(base).encode() in data:
            assert path.suffix in (".toml", "") and b"\0" not in data, f"{path.name} names this folder"
            path.write_bytes(data.replace(str(base).encode(), BASE.encode()))


def pack(base: Path, file: Path) -> None:
    """The folders in one archive: names in order, nobody's name, no time but that of the story's beginning."""
    with tarfile.open(file, "w:xz", preset=9, format=tarfile.PAX_FORMAT, dereference=True) as archive:
        for path in sorted(base.rglob("*")):
            if path.is_socket() or path.name.endswith((".lock", "-wal", "-shm")):
                continue
            entry = archive.gettarinfo(path, path.relative_to(base).as_posix())
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = START
            if path.is_file():
                archive.addfile(entry, io.BytesIO(path.read_bytes()))
            else:
                archive.addfile(entry)


def empty(base: Path) -> list[str]:
    """The tables that have a row at neither node."""
    found = []
    with (
        closing(sqlite3.connect(base / "FR" / "node.db")) as one,
        closing(sqlite3.connect(base / "AL" / "node.db")) as two,
    ):
        for (name,) in one.execute("select name from sqlite_master where type = 'table'").fetchall():
            if not any(node.execute(f"select count(*) from {name}").fetchone()[0] for node in (one, two)):
                found.append(str(name))
    return sorted(found)


def tables(path: Path) -> str:
    """Every statement that made the database, as SQLite keeps it."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by type, name"
        ).fetchall()
    return "".join(f"{sql};\n" for (sql,) in rows)


async def export_log(party: Party) -> str:
    """All pages of the export of the audit log."""
    page = await party.call("audit.export")
    lines = [*page["lines"]]
    while page["next"] is not None:
        page = await party.call("audit.export", after=page["next"], upto=page["upto"])
        lines += page["lines"]
    return "".join(f"{line}\n" for line in lines)


KEPT_REQUESTS = {
    "keyset_push": (b"POST /v1/keyset ", "AL"),
    "descriptor_push": (b"POST /v1/descriptor ", "FR"),
    "messages": (b"POST /v1/messages ", "AL"),
    "receipts": (b"POST /v1/receipts ", "FR"),
    "trust": (b"POST /v1/trust ", "AL"),
    "schemas": (b"GET /v1/schemas ", "AL"),
    "checkpoint": (b"POST /v1/log/checkpoint ", "AL"),
    "keyset": (b"GET /v1/keyset ", "AL"),
    "segment": (b"PUT /v1/messages/", "AL"),
    "void": (b"POST /v1/void ", "AL"),
}


async def play(base: Path, out: Path) -> None:
    """The whole story, and what is kept of it."""
    clock = SteeredClock(START)
    recorder = Recorder(clock)
    made = {name: await make_party(base, name, clock) for name in ADDRESSES}
    two = Two(made["FR"][0], made["AL"][0], clock)
    story = Story(two, {name: admins for name, (_, admins) in made.items()})
    facts: dict[str, Any] = {"passphrase": PASSPHRASE, "root_passphrase": ROOT_PASSPHRASE, "begun": START, "base": BASE}
    for party in two:
        await party.start()
    for step in (story.pair, story.people, story.rotate):
        await step()
        print(step.__name__, clock.now() - START)
    facts["finished"] = await story.finish()
    await story.refer()
    await story.take_back()
    await story.publish()
    facts["erased"] = await story.erase()
    facts["drafts"] = await story.wait()
    print("used", clock.now() - START)
    await story.witnessed()
    for name in ("finished", "erased"):
        bundle = await two.fr.call("evidence.export", id=facts[name], disclose=True, by="w-1")
        (out / f"evidence-{name}.json").write_bytes(canon(bundle))
    (out / "audit-FR.jsonl").write_text(await export_log(two.fr), encoding="utf-8")
    story.within = 0  # a node that is started at this second takes the requests that were signed in it
    last = await two.fr.submit("the last message that arrived")
    await story.arrived(two.fr, last, by="w-2")
    facts["last"] = last
    facts["at"] = clock.now()
    wire = {name: recorder.last(*wanted) for name, wanted in KEPT_REQUESTS.items()}
    assert last.encode() in wire["messages"]["answer"], "the kept request carries the last message"
    facts["waiting"] = await story.part()
    assert facts["at"] == clock.now()
    facts["nodes"] = {}
    for party in two:
        await party.open()
        facts["nodes"][party.name] = await look(party)
        await party.stop()
    settle(base)
    print("empty tables:", *empty(base))
    pack(base, out / "nodes.tar.xz")
    (out / "tables.sql").write_text(tables(base / "FR" / "node.db"), encoding="utf-8")
    facts |= {"cases": {"referred": REFERRED, "taken_back": TAKEN_BACK}, "consents": [LIVE, WITHDRAWN]}
    facts |= {"addresses": ADDRESSES, "federation": FEDERATION, "note": NOTE.decode(), **story.secrets}
    write(out / "facts.json", facts)
    write(out / "wire.json", {name: {**one, **encoded(one)} for name, one in wire.items()})


def encoded(exchange: dict[str, Any]) -> dict[str, str]:
    """The bytes of an exchange in base64."""
    return {name: base64.b64encode(exchange[name]).decode() for name in ("request", "answer")}


def write(path: Path, value: Any) -> None:
    """One JSON file, its names in order."""
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    with TemporaryDirectory() as made:
        try:
            asyncio.run(play(Path(made).resolve(), place))
        except GatewayError as error:
            sys.exit(f"{error}: {error.hint}; {[*error.findings]}")
    print(json.dumps({path.name: path.stat().st_size for path in sorted(place.iterdir())}, indent=1))
