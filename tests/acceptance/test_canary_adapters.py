"""Marked values go through a node with each kind of adapter, into its troubles and past a receiver of webhooks; outside
of the case systems they lie nowhere.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from support.acting import ask
from support.canary import Scanner
from support.ceremony import ADMINS, aplay, change
from support.local import socket_caller
from support.policies import open_on
from support.ports import free_port
from support.running import UNIT, asked, consent, enquiry, header, pair, running, until

from adapters.folder.bench import FolderBench
from adapters.kit.contract import MARKER, Bench, Trouble
from adapters.kit.kind import find, offered
from adapters.sftp.bench import SftpBench
from gateway.api.routes import PREFIX
from gateway.composition.node import Node
from gateway.foundation import logs
from gateway.notifications import webhooks
from keys.primitives.webhook_signature import new_secret
from schemas.region_pack.policies import canonical_bytes

COUNTRIES = dict(zip(sorted(offered()), ("AL", "MA", "UA", "ES", "GR", "IT", "PL"), strict=False))
"""A node for each kind of adapter that is installed."""
MARKS = {
    "pseudonym": "Kanarina-e-Verdhë",
    "summary": "Canary-summary-6c2f1d8b",
    "note of an enquiry": "Canary-enquiry-note-71aa",
    "record": "canary-record-81733",
    "record that can not be read": MARKER,
    "what a receiver answers": "canary-receiver-answer-92",
}
TROUBLES = (Trouble.FAILING, Trouble.AWAY, Trouble.GARBLED, Trouble.LOCKED_OUT)
SECONDS = 1.3
"""How long a trouble lasts: the nodes look into their case systems each second."""


def referral(to: str, consent_id: str) -> dict[str, Any]:
    """A request with marks in it."""
    person = {
        "pseudonym": MARKS["pseudonym"],
        "age_group": "adult",
        "languages": [{"language": "sq", "level": "first"}],
        "safe_contact_rule": {"may_call": False},
    }
    content = {
        "referral_kind": "return_reception",
        "person": person,
        "thb_status": "self_reported",
        "summary": MARKS["summary"],
        "services_requested": [{"service": "safe_accommodation"}],
        "legal_status": "irregular",
        "immediate_risk": {"level": "low"},
        "expected_next_step": "return_planning",
    }
    return {
        "type": "referral.request/1",
        "to": to,
        "purpose": "referral",
        "content": content,
        "header": header(consent_ref=consent_id, case_ref_sender="fr-7f3a"),
    }


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place with temporary files and a log of its own, at the most talkative level."""
    for name in ("tmp", "logs", "cases"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(webhooks, "WAITS", (0,))
    with (tmp_path / "logs" / "node.log").open("w") as stream:
        logs.configure("debug", stream)
        yield tmp_path
    structlog.reset_defaults()


@asynccontextmanager
async def receiver(port: int, bodies: list[bytes]) -> AsyncIterator[None]:
    """A receiver of webhooks that fails with a mark in what it says, then takes what comes."""

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        mark = MARKS["what a receiver answers"]
        return web.Response(status=500 if len(bodies) < 4 else 204, text=mark if len(bodies) < 4 else None)

    app = web.Application()
    app.router.add_post("/trm", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def through(kind: str, bench: Bench, fr: Node, folder: Path) -> dict[str, str]:
    """A referral arrives while the case system is in trouble and then is not; its records come, good and bad, and every
    other trouble follows. What the API said meanwhile, by place.
    """
    name, said = COUNTRIES[kind], {}
    first, *others = [trouble for trouble in TROUBLES if trouble in bench.troubles]
    async with socket_caller(folder / "run" / "api.sock") as caller:

        async def look(what: str) -> None:
            await asyncio.sleep(SECONDS)
            said[f"{kind}, adapter.check while {what}"] = (await caller.ask("GET", f"{PREFIX}/adapter")).text

        with bench.trouble(first):
            given = await asked(
                fr, "consent.record", {"by": "x", "number": "fr-7f3a", "content": consent(f"{name}/{UNIT}")}
            )
            sent = (await ask(fr, "message.submit", referral(name, given["id"]), key=f"{kind}-1"))["id"]
            await ask(fr, "message.submit", asking(name), key=f"{kind}-2")
            await look(first)
        await until(lambda: _has(bench.received, sent))
        assert bench.shows(MARKS["summary"]), "there was something to miss"
        bench.offer(MARKS["record"])
        bench.offer_bad("bad")
        if Trouble.UNMAPPED_CODE in bench.troubles:
            with bench.trouble(Trouble.UNMAPPED_CODE):
                bench.offer(f"{MARKS['record']}-unmapped")
        await until(lambda: _refused(bench, 3 if Trouble.UNMAPPED_CODE in bench.troubles else 2))
        said[f"{kind}, what is held"] = (await caller.ask("GET", f"{PREFIX}/messages?state=held")).text
        again = await caller.ask("POST", f"{PREFIX}/messages/{sent}/resend", {})
        said[f"{kind}, a message that is not held"] = again.text
        assert again.status == 409
        for trouble in others:
            with bench.trouble(trouble):
                await look(trouble)
    return said


def asking(to: str) -> dict[str, Any]:
    """An enquiry, which a Primero has no case for: it is held for a person."""
    draft = enquiry(to)
    draft["content"]["note"] = MARKS["note of an enquiry"]
    return draft


async def _has(received: Any, message: str) -> bool:
    return message in received()


async def _refused(bench: Bench, least: int) -> bool:
    """Whether so many records were refused: a drop folder has the file and its faults, others show news."""
    if isinstance(bench, FolderBench | SftpBench):
        return len(bench.all("refused")) >= 2 * least
    return bench.noticed().count("refused") >= least


def found(base: Path, names: Collection[str], texts: dict[str, str]) -> list[str]:
    """Every mark in what the nodes wrote and said, and in the journals that adapters keep beside the cases."""
    scanner = Scanner.of(MARKS)
    folders = [base / place for name in names for place in (name, f"{name}-roots")] + [base / "logs", base / "tmp"]
    hits = list(scanner.folders(folders))
    for kind in ("primero", "rest"):
        (journal,) = (base / "cases" / kind).rglob("journal.db")
        hits += scanner.data(f"journal of {kind}", journal.read_bytes())
    for place, text in texts.items():
        hits += scanner.data(place, text.encode())
    return hits


async def test_no_marked_value_leaves_any_kind_of_case_system(base: Path, capfd: pytest.CaptureFixture[str]):
    """Not into a node folder, a log, a temporary file, a webhook, an answer or the output."""
    assert len(COUNTRIES) == len(offered())
    port, bodies, benches = free_port(), list[bytes](), dict[str, Bench]()
    secret = new_secret(lambda size: b"\x07" * size)

    def prepare(folder: Path) -> None:
        (folder / "webhooks").mkdir(mode=0o700)
        (folder / "webhooks" / "cases").write_text(secret)
        settings = folder / "node.toml"
        text = settings.read_text(encoding="utf-8").partition("[adapter]")[0]
        for kind, name in COUNTRIES.items():
            if name == folder.name:
                own = benches[kind].settings() or {}
                lines = [
                    f"{key} = {json.dumps(value)}" for key, value in {**own, "kind": kind, "poll_seconds": 1}.items()
                ]
                text += "\n".join(["[adapter]", *lines, ""])
        text += f'\n[[webhooks]]\nname = "cases"\nurl = "http://127.0.0.1:{port}/trm"\n'
        settings.write_text(text, encoding="utf-8")

    names = ("FR", *COUNTRIES.values())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(receiver(port, bodies))
        for kind in COUNTRIES:
            own = base / "cases" / kind
            own.mkdir()
            benches[kind] = (await stack.enter_async_context(find(kind).stand_in(own)))()
        nodes = await stack.enter_async_context(running(base, dict.fromkeys(names), desk_only=["FR"], prepare=prepare))
        fr = nodes["FR"]
        for name in COUNTRIES.values():
            await pair(fr, nodes[name])
        wide = canonical_bytes(open_on(*(("FR", name) for name in COUNTRIES.values()))).decode()
        await aplay(change(ADMINS, "policy.widen", "node", policy=wide), lambda op, **more: asked(fr, op, more))
        told = await asyncio.gather(
            *(through(kind, benches[kind], fr, base / name) for kind, name in COUNTRIES.items())
        )
        texts = {place: text for each in told for place, text in each.items()}
        texts |= {f"webhook {number}": body.decode() for number, body in enumerate(bodies)}
        assert len(bodies) > 3 * len(names)
        assert found(base, names, texts) == []
    texts["standard output"], texts["standard error"] = capfd.readouterr()
    assert found(base, names, texts) == []
    events = {json.loads(line)["event"] for line in (base / "logs" / "node.log").read_text().splitlines()}
    assert {"collect.failed", "handover.refused", "webhook.failed"} <= events
    with (base / "logs" / "node.log").open("a") as log:
        log.write(f'{{"event": "oops", "who": "{MARKS["summary"]}"}}\n')
    assert found(base, names, texts) != [], "a leak on purpose is found by the same search"
