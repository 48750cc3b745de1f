"""How much of the product one referral enters: files, functions, and hand-changes between slices.

    python -m support.footprint [--between service,exchange,federation] [--most 15]

Two nodes of this process exchange one referral that two people release, with its consent, from the first release to
the delivered receipt. A profiler sees every call in every thread. A **hand-change** is a call of a named function whose
nearest caller of the product belongs to another slice: the first folder below `gateway/`, or the package itself for
`keys`, `schemas` and `adapters`. A coroutine counts once, where it is called, however often it waits. Calls into the
floor that everything stands on are counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import dis
import sqlite3
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from support.nodeproc import UNIT
from support.pair import START, Two, example, two_nodes

import schemas
from keys.primitives.encoding import b64u

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("gateway", "keys", "schemas", "adapters")
FLOOR = frozenset({"database", "errors", "foundation", "keys", "operations", "ports", "schemas", "strict_json"})
"""What decides nothing about a message: codecs, cryptography, catalogues, the writer, reading arguments."""
CONSENT = b64u(b"consent consent."[:16])


@dataclass
class Footprint:
    """Calls of named functions of the product by (caller, callee), each a pair of file and function."""

    watching: bool = False
    calls: Counter[tuple[tuple[str, str], tuple[str, str]]] = field(default_factory=Counter)
    known: dict[CodeType, tuple[str, str] | None] = field(default_factory=dict)
    begins: dict[CodeType, int] = field(default_factory=dict)

    def place(self, code: CodeType) -> tuple[str, str] | None:
        """Find the file and function of a code object; None for what is not of the product or has no name."""
        if code not in self.known:
            path = Path(code.co_filename)
            inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PRODUCT
            named = not code.co_name.startswith("<")
            self.known[code] = (path.relative_to(ROOT).as_posix(), code.co_qualname) if inside and named else None
        return self.known[code]

    def see(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count a call; this is the profiler."""
        if not self.watching or event != "call":
            return
        callee = self.place(frame.f_code)
        if callee is None or frame.f_lasti > self.begin(frame.f_code):
            return  # another's, or a coroutine that goes on
        back = frame.f_back
        while back is not None and self.place(back.f_code) is None:
            back = back.f_back
        self.calls[(self.place(back.f_code) if back else None) or ("", ""), callee] += 1

    def begin(self, code: CodeType) -> int:
        """Find the offset of the instruction at which a call of this code begins."""
        if code not in self.begins:
            self.begins[code] = next(one.offset for one in dis.get_instructions(code) if one.opname == "RESUME")
        return self.begins[code]

    @property
    def functions(self) -> set[tuple[str, str]]:
        """Every function that was entered."""
        return {callee for _, callee in self.calls}

    @property
    def files(self) -> set[str]:
        """Every file of which a function was entered."""
        return {path for path, _ in self.functions}

    def hand_changes(self, between: frozenset[str] | None = None) -> Counter[tuple[tuple[str, str], tuple[str, str]]]:
        """Keep the calls from one slice into another; with `between` only those where both are named there."""
        return Counter(
            {
                (caller, callee): count
                for (caller, callee), count in self.calls.items()
                if caller[0]
                and (one := slice_of(caller[0])) != (other := slice_of(callee[0]))
                and (between is None or {one, other} <= between)
            }
        )


def slice_of(path: str) -> str:
    """Name the slice of a file: the first folder below `gateway/`, else the package."""
    package, *rest = path.split("/")
    return rest[0].removesuffix(".py") if package == "gateway" else package


async def refer(two: Two, footprint: Footprint) -> None:
    """Exchange one referral with its consent, watched from the first release to the delivered receipt."""
    units = [f"AL/{UNIT}"]
    categories = [code.code for code in schemas.code_list("data_category").codes]
    content = example("consent.record/1", "AL")["content"] | {
        "consent_id": CONSENT,
        "taken_on": datetime.fromtimestamp(START, UTC).date().isoformat(),
        "grants": [
            {
                "purpose": "referral",
                "recipient_units": units,
                "data_categories": categories,
                "until": "2027-11-30",
            }
        ],
    }
    request: dict[str, Any] = example("referral.request/1", "AL")
    for name in ("author_ref", "consent_ref"):
        request["header"].pop(name, None)
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=content)
    id = (await two.fr.call("draft.save", draft=request | {"purpose": "referral"}))["id"]
    footprint.watching = True
    await two.fr.call("draft.release", id=id, by="w-1", consent=CONSENT)
    sent = await two.fr.call("draft.release", id=id, by="w-2")

    database = sqlite3.connect(two.fr.folder / "node.db")  # beside the product: looking must not be counted

    def delivered() -> bool:
        found = database.execute("select state from message where id = ? and direction = 'out'", (sent["id"],))
        return found.fetchone() == ("awaiting_opening",)

    await two.until(delivered)
    database.close()
    footprint.watching = False


async def measure() -> Footprint:
    """Run two nodes and one referral between them."""
    footprint = Footprint()
    threading.setprofile(footprint.see)  # before a worker thread begins
    sys.setprofile(footprint.see)
    with tempfile.TemporaryDirectory() as base:
        async with two_nodes(Path(base)) as two:
            await refer(two, footprint)
    sys.setprofile(None)
    threading.setprofile(None)
    return footprint


def main(arguments: list[str]) -> None:
    """Print the figures, and where most hand-changes are."""
    parser = argparse.ArgumentParser(description="files, functions and hand-changes of one referral")
    parser.add_argument("--between", help="count only between these, with commas")
    parser.add_argument("--most", type=int, default=15, help="so many places with the most hand-changes")
    asked = parser.parse_args(arguments)
    between = frozenset(asked.between.split(",")) if asked.between else None
    footprint = asyncio.run(measure())
    changes = footprint.hand_changes(between)
    print(f"files {len(footprint.files)}, functions {len(footprint.functions)}")
    floor = sum(n for ((path, _), (other, _)), n in changes.items() if {slice_of(path), slice_of(other)} & FLOOR)
    print(f"hand-changes {changes.total()}, at {len(changes)} places; {floor} of them into or from the floor")
    for (caller, callee), count in changes.most_common(asked.most):
        print(f"{count:5} {caller[0]}:{caller[1]} -> {callee[0]}:{callee[1]}")
    by_slice = Counter({slice_of(path): 0 for path in footprint.files})
    by_slice.update(slice_of(path) for path in footprint.files)
    print("files by slice:", ", ".join(f"{name} {count}" for name, count in by_slice.most_common()))


if __name__ == "__main__":
    main(sys.argv[1:])
