"""What it costs to bring in what an office has: a line list at a node, and a table of HTCDS without one.

`python -m bench.imports` makes both files with so many rows (`--rows`), brings each in twice, every time in a process
of its own, and prints rows in a second, CPU and memory. The second time finds nothing new: no further draft of the
line list, and of the table the same drafts byte by byte.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support import htcds_tables, linelists
from support.running import asked, running

from gateway.composition.node import Node
from gateway.composition.serving import make_intake
from gateway.mapping import case_system

ROWS = 10_000
SECONDS, MEMORY = 20.0, 150.0
"""The most that the line list may take for `ROWS` rows, in seconds and in MiB more than the node has without it."""
LANGUAGE = "fr"
LIST, TABLE, FOUND = "cas.xlsx", "htcds.xlsx", "found.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import: what became of the rows, seconds by the clock and of CPU, and the memory before and at most, in MiB.

    `new` are the drafts that were not there before; `before` is 0 of a process that has done nothing else.
    """

    rows: int
    new: int
    wall: float
    cpu: float
    before: float
    most: float


def main() -> int:
    """Measure, print the table, and return 1 if something is lost, comes twice, or takes more than it may."""
    parser = argparse.ArgumentParser(description="what importing a workbook costs")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--step", choices=[*STEPS], help=argparse.SUPPRESS)
    parser.add_argument("--base", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step is not None:
        (args.base / FOUND).write_text(json.dumps(STEPS[args.step](args.base, args.rows)))
        return 0
    print(f"load of the machine at the beginning {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        print_progress(f"files of {args.rows} rows")
        run_step("files", base, args.rows)
        print_progress("the line list at a node, twice")
        found = {f"line list, {name}": Import(**one) for name, one in run_step("sheet", base, args.rows).items()}
        print_progress("the table of HTCDS, twice")
        found["HTCDS, first"] = import_table(base, args.rows, base / "first", known={})
        found["HTCDS, again"] = import_table(base, args.rows, base / "again", known=list_drafts(base / "first"))
    print(f"{'':22}{'rows':>8}{'new':>8}{'seconds':>9}{'rows/s':>8}{'CPU s':>8}{'MiB':>7}{'more':>7}")
    for name, one in found.items():
        rate = one.rows / one.wall
        more = f"{one.most - one.before:.0f}" if one.before else ""
        figures = f"{one.wall:9.1f}{rate:8.0f}{one.cpu:8.1f}{one.most:7.0f}{more:>7}"
        print(f"{name:22}{one.rows:8}{one.new:8}{figures}")
    faults = list_faults(found, args.rows)
    print("\n".join(faults) or "every row is a draft once, and the second time found nothing new")
    return int(bool(faults))


def list_faults(found: Mapping[str, Import], rows: int) -> list[str]:
    """Say what is not as it has to be; time and memory are judged for as many rows as the target names, or more."""
    faults = []
    for name, one in found.items():
        new = rows if name.endswith("first") else 0
        if one.new != new:
            faults.append(f"{name}: {one.new} new drafts, expected {new}")
    one = found["line list, first"]
    if rows >= ROWS and one.wall > SECONDS * rows / ROWS:
        faults.append(f"line list, first: {one.wall:.1f} s, at most {SECONDS * rows / ROWS:.0f}")
    if one.most - one.before > MEMORY:
        faults.append(f"line list, first: {one.most - one.before:.0f} MiB more, at most {MEMORY:.0f}")
    return faults


# --- each in a process of its own ----------------------------------------------------------------------------------


def run_step(step: str, base: Path, rows: int) -> dict[str, Any]:
    """Run a step in a new process, whose progress is shown and whose log is not; returns what it found."""
    command = [sys.executable, "-m", "bench.imports", "--step", step, "--base", str(base), "--rows", str(rows)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((base / FOUND).read_bytes())
    return found


def make_files(base: Path, rows: int) -> dict[str, Any]:
    """Make the line list of an office and the table of HTCDS; every row is good, and every one another case."""
    linelists.fill(base / LIST, LANGUAGE, rows)
    cases = [case for case in htcds_tables.cases(LANGUAGE) if case["prs_Gender"] != "q"]
    names = list(cases[0])
    chosen = [(number, cases[number % len(cases)]) for number in range(rows)]
    table = [[f"{case[names[0]]} {number}", *(case[name] for name in names[1:])] for number, case in chosen]
    (base / TABLE).write_bytes(htcds_tables.workbook([names, *table]))
    return {}


def measure_sheet(base: Path, rows: int) -> dict[str, Any]:
    """Bring in the line list twice at a node in this process, the second time as after a start."""
    return asyncio.run(_measure_sheet(base, rows))


async def _measure_sheet(base: Path, rows: int) -> dict[str, Any]:
    office = base / "office"
    office.mkdir(mode=0o700)

    def prepare(folder: Path) -> None:
        if folder.name == "FR":
            toml = folder / "node.toml"
            kept = toml.read_text(encoding="utf-8").partition("[adapter]")[0]
            own = f'[adapter]\nkind = "sheet"\npath = "{office / LIST}"\nlanguage = "{LANGUAGE}"\npoll_seconds = 3600\n'
            toml.write_text(kept + own, encoding="utf-8")

    async with running(base, {"FR": None, "AL": None}, prepare=prepare) as nodes:
        node = nodes["FR"]
        chain = await asked(nodes["AL"], "node.pairing", {})
        await asked(node, "peer.add", {"chain": chain})
        (base / LIST).rename(office / LIST)

        async def bring_in() -> Import:
            if node.config.adapter is None:
                raise RuntimeError("the node has no case system")
            adapter = case_system.read(node.config.adapter, node.folder).adapter()  # as after a start
            loop, before = make_intake(node, adapter, 1), await _count_drafts(node)
            done, memory, began, cpu = 0, reset_memory(), time.monotonic(), time.process_time()
            while taken := await loop.once():
                done += taken
                print_progress(f"{done} rows")
            return Import(
                rows=rows,
                new=await _count_drafts(node) - before,
                wall=time.monotonic() - began,
                cpu=time.process_time() - cpu,
                before=memory,
                most=read_memory("VmHWM"),
            )

        return {name: asdict(await bring_in()) for name in ("first", "again")}


async def _count_drafts(node: Node) -> int:
    return int(await node.store.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM draft").scalar_one()))


def import_table(base: Path, rows: int, out: Path, *, known: Mapping[str, bytes]) -> Import:
    """Run `trm htcds import` on the table; a draft is new where it is not byte by byte one of the `known`."""
    command = [sys.executable, "-m", "gateway.cli", "htcds", "import", str(base / TABLE), "--out", str(out)]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the import ended with {process.returncode}")
    wall = time.monotonic() - began
    return Import(
        rows=rows,
        new=sum(known.get(name) != draft for name, draft in list_drafts(out).items()),
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        before=0.0,
        most=used.ru_maxrss / 1024,
    )


def list_drafts(folder: Path) -> dict[str, bytes]:
    """Read the drafts of a folder, by their names."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reset_memory() -> float:
    """Forget the most memory that this process has had, and return what it has now, in MiB."""
    Path("/proc/self/clear_refs").write_text("5\n", encoding="ascii")
    return read_memory("VmRSS")


def read_memory(name: str) -> float:
    """Read a figure of this process in MiB: `VmRSS`, what it has, or `VmHWM`, the most that it has had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def print_progress(what: str) -> None:
    """Print progress at once, with the seconds since the beginning of this process."""
    print(f"bench: {time.monotonic() - BEGUN:6.1f} s  {what} ...", file=sys.stderr, flush=True)


STEPS: Mapping[str, Callable[[Path, int], dict[str, Any]]] = {"files": make_files, "sheet": measure_sheet}
BEGUN = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
