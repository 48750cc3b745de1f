"""The proofs at the end: every message with its receipts, evidence that anybody can verify, and no readable trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.table import Table

from gateway.demo.cases import MARKS
from gateway.demo.chronicle import wait_until
from gateway.demo.marks import search_files
from gateway.demo.places import Country
from gateway.demo.stage import Stage
from gateway.errors import Code, RefusedError
from gateway.ports import Json

ARRIVED = {"awaiting_opening", "opened"}
TAKEN = {"handed_over", "opened"}
STOPPED = {"rejected", "failed"}
"""What became of the acceptance that met the withdrawal: refused in France, or stopped before it left Albania."""
RECEIPTS = ("received", "delivered", "opened")
TOOL_SECONDS = 60
NO_NETWORK = (("unshare", "-n"), ("unshare", "-r", "-n"))
"""Ways to run a program without any network: as root, and as a user where the kernel allows it."""

Listed = dict[str, Json]


def prove_delivery(stage: Stage) -> None:
    """Demand that every message of any country is once at its recipient, and its receipts at its sender."""
    rows = [
        (sender, item, _receipts(stage, sender, item))
        for sender in stage.federation.countries
        for item in _listed(stage, sender, "out")
    ]
    rows.sort(key=lambda row: stage.chronicle.place(str(row[1]["id"])))
    incoming = [
        (country.code, item["peer"], item["id"], item["state"])
        for country in stage.federation.countries
        for item in _listed(stage, country, "in")
    ]
    title = "Messages and receipts (times in UTC)"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for label in ("message", "from", "to", "conv.", *RECEIPTS):
        table.add_column(label, no_wrap=True)
    for sender, item, receipts in rows:
        times = [_clock(receipts.get(name)) for name in RECEIPTS]
        name = "(erased)" if item["type"] is None else str(item["type"]).partition("/")[0]
        if item["id"] not in stage.crowd:
            table.add_row(name, sender.code, str(item["peer"]), str(item["conversation"] or "-")[:6], *times)
        there = [
            state for code, peer, id, state in incoming if (code, peer, id) == (item["peer"], sender.code, item["id"])
        ]
        # A worker that was killed takes the answer with `received` along; `delivered` then overtakes it (nrm1 6.5).
        needed = {"delivered"} if item["id"] in stage.crowd else {"received", "delivered"}
        whole = item["state"] in ARRIVED and needed <= set(receipts) and set(there) <= TAKEN
        refused = item["state"] in STOPPED and "delivered" not in receipts and not there
        stage.demand(
            (len(there) == 1 and whole) or refused,
            f"{name} {str(item['id'])[:6]} arrived once and has its receipts, or was stopped",
        )
    stage.timeline.show(table)
    crossed = sum(item["state"] in STOPPED for _, item, _ in rows)
    stage.demand(crossed == 1, "one message was stopped: the acceptance that met the withdrawal")
    stage.demand(len(incoming) == len(rows) - crossed > 0, "as many messages arrived as were sent")
    count = sum(len(receipts) for _, _, receipts in rows)
    if stage.crowd:
        stage.timeline.note(f"and {len(stage.crowd)} enquiries that came in crowds")
    stage.timeline.note(
        f"{len(rows)} messages sent, each arrived exactly once; {count} signed receipts; one was stopped"
    )


def _listed(stage: Stage, country: Country, direction: str) -> list[Listed]:
    found = stage.people[country.code].ask("message.list", direction=direction, limit=500)["messages"]
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _receipts(stage: Stage, sender: Country, item: Listed) -> dict[str, int]:
    found = stage.people[sender.code].ask("message.show", id=item["id"], direction="out")["receipts"]
    return {
        str(receipt["status"]): receipt["at"]
        for receipt in (found if isinstance(found, list) else [])
        if isinstance(receipt, dict) and isinstance(receipt["at"], int)
    }


def _clock(at: int | None) -> str:
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


# --- erasure ------------------------------------------------------------------------------------------------------


def prove_erasure(stage: Stage, referral: Listed) -> None:
    """Demand that France holds Albania's signed receipt `erased` for the referral, verifiable offline."""
    federation = stage.federation
    wait_until(
        f"the certificate of erasure from {federation.home.title}",
        lambda: "erased" in _receipts(stage, federation.host, referral),
    )
    stage.observed(f"{federation.home.title}'s signed receipt says that the referral was erased")
    there = stage.people[federation.home.code].ask("message.show", id=referral["id"], direction="in")
    stage.demand(
        "content" not in there and there["erased"] is not None,
        f"{federation.home.title} can no longer show the referral",
    )
    file = federation.evidence.with_name("erased.json")
    node = ["--node", str(federation.host.node)]
    code, text = run_verb("evidence", "export", "--conversation", str(referral["conversation"]), "-o", str(file), *node)
    stage.demand(code == 0, "the evidence of the withdrawn case is exported" if code == 0 else text)
    code, text = run_verb("evidence", "verify", str(file), *_anchors(stage), prefix=find_isolation())
    stage.demand(code == 0, "the certificate of erasure verifies offline" if code == 0 else f"exit {code}: {text}")
    stage.act(federation.host, f"holds {federation.home.title}'s certificate of erasure; it verifies offline")


def _anchors(stage: Stage) -> list[str]:
    """Return both fingerprints, as somebody outside would give them."""
    countries = (stage.federation.host, stage.federation.home)
    return [word for country in countries for word in ("--fingerprint", stage.fingerprints[country.code])]


# --- evidence -----------------------------------------------------------------------------------------------------


def prove_conversation(stage: Stage, conversation: Json) -> None:
    """Export the proof of the referral without its content, and verify it where there is no network and no node."""
    federation = stage.federation
    node = ["--node", str(federation.host.node)]
    code, text = run_verb(
        "evidence", "export", "--conversation", str(conversation), "-o", str(federation.evidence), *node
    )
    stage.demand(
        code == 0, f"the evidence of the referral is exported ({text})" if code else "the evidence is exported"
    )
    stage.act(federation.host, "exports the evidence of the referral, without content")
    prefix = find_isolation()
    anchors = _anchors(stage)
    changed = federation.evidence.with_name("changed.json")
    data = bytearray(federation.evidence.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    tries: Sequence[tuple[int, str, list[str]]] = (
        (0, "it verifies with both fingerprints", [str(federation.evidence), *anchors]),
        (1, "with one bit changed it does not", [str(changed), *anchors]),
        (2, "without a fingerprint it is not even tried", [str(federation.evidence)]),
    )
    where = "without network (unshare -n)" if prefix else "offline (this machine does not allow unshare -n)"
    stage.timeline.note(f"trm evidence verify, {where}:")
    for expected, what, words in tries:
        code, text = run_verb("evidence", "verify", *words, prefix=prefix)
        stage.demand(
            code == expected, f"evidence: {what}" if code == expected else f"evidence: {what}: exit {code}: {text}"
        )
        stage.timeline.note(f"  exit {code}: {what}")
    changed.unlink()


def run_verb(*words: str, prefix: Sequence[str] = ()) -> tuple[int, str]:
    """Run a verb as a person would and return its exit code and its last line of output."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [*prefix, sys.executable, "-m", "gateway.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=TOOL_SECONDS,
    )
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    return ran.returncode, lines[-1] if lines else ""


def find_isolation() -> Sequence[str]:
    """Return the command prefix that takes the network away; empty where that is not allowed."""
    for prefix in NO_NETWORK:
        with suppress(OSError):
            ran = subprocess.run([*prefix, "true"], capture_output=True, check=False, timeout=TOOL_SECONDS)  # noqa: S603
            if ran.returncode == 0:
                return prefix
    return ()


# --- traces -------------------------------------------------------------------------------------------------------


def prove_no_trace(stage: Stage, further: Sequence[Path] = ()) -> None:
    """Demand that no marked value is readable outside the case systems' own folders, while the nodes still run.
    `further` are folders elsewhere that are searched too.

    Raises:
        RefusedError: one is; the file and the encoding are named.
    """
    federation = stage.federation
    stage.systems.export()
    own = search_files([federation.base / "cases"], MARKS)
    stage.demand(
        {hit.mark for hit in own.hits}
        >= {"answer about needs", "pseudonym"} | ({"second pseudonym"} if federation.declining else set()),
        "the marked values are in the case systems' own folders, where they belong",
    )
    told = str(stage.systems.database.shown())
    stage.demand(
        MARKS["given name"] not in told and MARKS["pseudonym"] in told,
        f"no name went to {federation.home.title}: a working name was enough for the whole way home",
    )
    probe = federation.host.temporary / "planted-leak.bin"
    probe.write_bytes(bytes(1000) + MARKS["family name"].encode("utf-16-le") + bytes(1000))
    found = search_files([probe.parent], MARKS)
    probe.unlink()
    stage.demand({hit.path for hit in found.hits} == {probe}, "a leak planted on purpose is found by the same search")
    scanned = search_files([*federation.guarded, *further], MARKS)
    if scanned.hits:
        first = scanned.hits[0]
        raise RefusedError(
            Code.CONFLICT,
            f"a marked value ({first.mark}) is readable in {first.path} as {first.encoding}",
            hint=f"{len(scanned.hits)} hits in all; the folder was left as it is",
        )
    stage.demand(
        any(_is_wal(path) for country in federation.countries for path in country.node.iterdir()),
        "the write-ahead logs of the databases were searched too",
    )
    note = stage.timeline.note
    note(f"searched {scanned.files} files, {scanned.bytes:,} bytes: databases with WAL, debug logs, keys, temporary")
    note(f"for {len(MARKS)} marked values, in UTF-8, UTF-16, Latin-1, hex, base64, JSON and URL forms: 0 found")
    note(f"the same search finds {len(own.hits)} in the case systems' own folders, and a leak planted on purpose")


def _is_wal(path: Path) -> bool:
    return path.name.endswith("-wal")
