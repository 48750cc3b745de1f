"""Evidence of two real nodes: both sides agree, before and after erasure, with a log that each witnesses for the other
(nrm1 7.2; threats 50 and 51).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.desks import run
from support.endpoints import edited
from support.pair import Party, Two, two_nodes
from support.stranger import FILE, verify

from gateway.audit import store
from gateway.database import content, content_sealer
from gateway.errors import Code, RefusedError
from gateway.messages.evidence import open_evidence
from keys.primitives.encoding import canon, lp_join

ISOLATED = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    ours = {name.partition(".")[0] for name in sys.modules} & {"gateway", "keys", "schemas", "adapters"}
    sys.exit(99 if ours else end.code)
"""


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def said(two: Two) -> str:
    """A question of FR that AL's case system has; the conversation."""
    id = await two.fr.submit("Q-1")
    await two.until(lambda: reached(two.fr, id), seconds=60, what="the question was handed over and that was told")
    return str((await two.fr.show(id))["conversation"])


async def reached(party: Party, id: str) -> bool:
    """Whether the other side has said that it handed the message over."""
    return await party.state(id) == "awaiting_opening"


def anchors(two: Two) -> set[str]:
    """Both fingerprints, as the administrators know them."""
    return {party.running.own.descriptor.fingerprint for party in two}


async def exported(party: Party, conversation: str, **more: Any) -> bytes:
    """The bundle that one side exports."""
    return canon(await party.call("evidence.export", id=conversation, **more))


async def erase(party: Party) -> None:
    """Destroy the data keys of every message and the storage epoch that wrapped them; evidence rows live on."""
    refs = [ref for (ref,) in await party.rows("select ref from message")]
    await party.running.store.move(lambda c: [content.erase(c, ref) for ref in refs])
    await party.call("keys.rotate_epoch", by="admin")


async def keep_as_before(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write what a node keeps of its messages as an earlier version did."""
    node = party.running
    held = dict(await party.rows("select evidence, hash from statement where evidence != message"))
    refs = [*held, *(ref for (ref,) in await party.rows("select ref from message"))]
    sealed = await node.store.read(lambda c: content.get(c, refs))
    frames = await open_evidence(node.content, node.workers, {ref: sealed[ref] for ref in held})
    plain = {ref: node.sealer.open(row) for ref, row in sealed.items()} | {
        ref: lp_join(*both) for ref, both in frames.items()
    }
    monkeypatch.setattr(content_sealer, "deflate", lambda _: None)
    anew = node.sealer.seal_each([*plain.items()])

    def move(connection: Connection) -> None:
        for row in anew:
            content.erase(connection, row.ref)
        content.put(connection, anew)
        connection.exec_driver_sql("delete from statement_batch")

    await node.store.move(move)


def without_log(bundle: bytes) -> bytes:
    """What both sides have of the same conversation."""
    return edited(bundle, lambda value: value.update(log=None))


def isolated(path: Path, digits: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The verifier for strangers as a process that can not see our packages; 99 if it loaded one."""
    return subprocess.run(
        [sys.executable, "-I", "-c", ISOLATED, str(FILE), str(path), *digits],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_both_sides_agree(two: Two) -> None:
    """The same bytes but for the log; each side's log says the same, witnessed by the other."""
    conversation = await said(two)
    mine, theirs = await exported(two.fr, conversation), await exported(two.al, conversation)
    assert without_log(mine) == without_log(theirs)
    reports = [verify(data, anchors(two)) for data in (mine, theirs)]
    assert {report.messages[0].statuses for report in reports} == {reports[0].messages[0].statuses}
    assert [status for status, _ in reports[0].messages[0].statuses] == ["received", "delivered"]
    for report, owner, witness in zip(reports, ("FR", "AL"), ("AL", "FR"), strict=True):
        assert all(line.startswith(f"{owner} signed its log") for line in report.log)
        assert all(f"witnessed by {witness} at" in line for line in report.log)
        assert all(f"in the log of {owner}, witnessed by {witness} at" in line for line in report.messages[0].proven)
        assert report.doubts == 0


async def test_the_oldest_word_of_a_witness_is_shown(two: Two) -> None:
    """A witness that is asked again, and later checkpoints, do not make an entry look younger than it is."""
    conversation = await said(two)
    first = json.loads(await exported(two.fr, conversation))["log"]
    two.clock.advance(60)
    await two.fr.running.checkpointer.ask(two.al.running.own.node)
    two.clock.advance(4_000)
    await two.fr.submit("Q-2")
    size = int(first["checkpoints"][-1]["note"].split("\n")[1])
    await two.until(lambda: later(two.fr, size), seconds=30, what="a later checkpoint was cosigned")
    assert json.loads(await exported(two.fr, conversation))["log"] == first


async def later(party: Party, size: int) -> bool:
    """Whether a larger checkpoint of this node was cosigned."""
    rows = await party.running.store.read(store.cosignatures)
    return any(row.size > size for row in rows)


async def test_before_and_after_erasure(two: Two) -> None:
    """Row 51: what was signed verifies for ever; the content is shown before, and only its commitment remains after."""
    conversation = await said(two)
    before = await exported(two.fr, conversation, disclose=True, by="Ana B.")
    assert "content disclosed and matches what was signed" in verify(before, anchors(two)).messages[0].proven
    for party in two:
        await erase(party)
    for party in two:
        after = await exported(party, conversation, disclose=True, by="Ana B.")
        (message,) = verify(after, anchors(two)).messages
        assert not message.disclosed
        assert message.not_proven == ("what it said: only the hiding commitment remains",)
        assert [status for status, _ in message.statuses] == ["received", "delivered"]
    assert verify(before, anchors(two)).messages[0].disclosed, "who exported it before can still show it"


async def disclosures(party: Party) -> list[dict[str, Any]]:
    """What the log of a node says of content that was shown in evidence."""
    entries = [json.loads(leaf) for (leaf,) in await party.rows("select leaf from audit order by seq")]
    return [entry for entry in entries if entry["ev"] == "evidence.disclosed"]


async def test_evidence_of_before_is_shown_alike(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of an earlier version have the whole proof of their statement, and content as it is."""
    conversation = await said(two)
    for party in two:
        now = without_log(await exported(party, conversation, disclose=True, by="Ana B."))
        await keep_as_before(party, monkeypatch)
        assert await party.rows("select distinct form from sealed where ref in (select ref from message)") == [(0,)]
        assert without_log(await exported(party, conversation, disclose=True, by="Ana B.")) == now


@pytest.mark.parametrize("change", ["delete from statement_batch", "update statement_batch set document = x'01'"])
async def test_an_altered_batch_proves_nothing(two: Two, change: str) -> None:
    """A row of its own, so it is compared with the name that the sealed row has; the refusal says what to do."""
    conversation = await said(two)
    await two.al.running.store.move(lambda c: c.exec_driver_sql(change))
    with pytest.raises(RefusedError, match="the row of its batch was altered") as caught:
        await exported(two.al, conversation)
    assert (caught.value.code, caught.value.hint) == (Code.UNDECRYPTABLE, "put the database back from its backup")


async def test_single_fields_are_shown(two: Two) -> None:
    """What is chosen is proven and nothing else is there; the log says of how many fields."""
    conversation = await said(two)
    for party in two:
        (listed,) = (await party.call("evidence.fields", id=conversation))["messages"]
        pointers = listed["fields"]
        chosen = f"{listed['id']}{pointers[0]} {pointers[1]}"
        report = verify(await exported(party, conversation, fields=chosen, by="Ana B."), anchors(two))
        assert report.messages[0].fields == tuple(sorted(pointers[:2]))
        (entry,) = await disclosures(party)
        assert (entry["id"], entry["fields"], "/content" in str(entry)) == (listed["id"], 2, False)
    with pytest.raises(RefusedError, match="not_found"):
        await exported(two.fr, conversation, fields="/content/nothing", by="Ana B.")
    with pytest.raises(RefusedError, match="exclude each other"):
        await exported(two.fr, conversation, fields=pointers[0], disclose=True, by="Ana B.")
    assert len(await disclosures(two.fr)) == 1, "what was refused showed nothing"


async def test_a_log_that_nobody_witnesses(two: Two) -> None:
    """A node whose peer is away exports with its own newest checkpoint, and the verifier says what that is worth."""
    conversation = await said(two)
    await two.fr.running.store.move(lambda c: c.exec_driver_sql("delete from cosignature"))
    known = anchors(two)
    await two.al.stop()
    report = verify(await exported(two.fr, conversation), known)
    assert all(line.endswith("not witnessed") for line in report.log)
    assert any("no third party vouches for them" in line for line in report.limits)


async def test_a_stopped_node_exports_too(two: Two) -> None:
    """The folder is enough: nothing runs, nobody answers, and what was witnessed before still is."""
    conversation, known = await said(two), anchors(two)
    running = await exported(two.fr, conversation)
    for party in two:
        await party.stop()
    await two.fr.open()
    assert await exported(two.fr, conversation) == running
    assert all("witnessed by AL at" in line for line in verify(running, known).log)


async def test_one_who_has_none_of_our_software(two: Two, tmp_path: Path) -> None:
    """Both programs as processes end alike: 0 for the truth, 1 for a manipulation, 2 without fingerprints."""
    data = await exported(two.fr, await said(two), disclose=True, by="Ana B.")
    given = sorted(anchors(two))
    spoiled = edited(data, lambda value: value["messages"][0]["disclosure"].update(body="e30"))
    for name, bundle, digits, code in (
        ("true", data, given, 0),
        ("spoiled", spoiled, given, 1),
        ("half", data, given[:1], 1),
        ("none", data, [], 2),
        ("typed", data, ["12345"], 2),
        ("missing", None, given, 1),
    ):
        path = tmp_path / f"{name}.json"
        if bundle is not None:
            path.write_bytes(bundle)
        theirs = isolated(path, digits)
        ours = run("evidence", "verify", str(path), *(word for item in digits for word in ("--fingerprint", item)))
        assert (name, theirs.returncode, ours.exit_code) == (name, code, code), theirs.stderr + ours.stderr
        assert ("verified" in theirs.stdout) == (code == 0)
