"""Where the CPU of a message goes, by activity: both nodes with their key services, sampled under load.

Each process looks at its own threads (`sampled/sitecustomize.py`). What a thread has used since the last look counts
for where it is found, and that for the activity of the innermost frame that `ACTIVITIES` knows: of a signature that is
made for a submission, the signature. A thread of a pool is often found waiting again after it has worked: what it used
then is spread over where the pools of its process were found at work. The sums are scaled to what a message costs
without sampling. These are shares, good to a few percent, and no clock.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.load import Load
from bench.pair import Pair
from gateway.errors import Code, RefusedError

SAMPLED = Path(__file__).with_name("sampled")
STOP_LIMIT = 20.0
PROCESSES = 4
"""Two nodes, two key services."""
MAIN = "1"
"""How a line says that it is of the main thread, which runs the event loop."""

JUDGING = (
    r"/gateway/(conversations|policy|consent|cases|peers|erasure)/|/outbound/(steps|judgement|departure_steps)\.py"
    r"|/inbound/(steps|rules)\.py"
)
STORED = r"/sqlalchemy/|/gateway/database/|/messages/store/|/(\w+_)?store\.py:|_rows\.py:"
ACTIVITIES: Sequence[tuple[str, str]] = (
    (
        "signatures: ML-DSA, Ed25519, batches",
        r"/keys/primitives/(raw_signatures|hybrid_keys|sign|batch|merkle_tree)\.py",
    ),
    ("sealing: HPKE, AEAD, commitments", r"/keys/primitives/(seal|commitment|attachment_cipher|sealed_file)\.py"),
    ("canonical form, base64, JSON", r"/keys/primitives/encoding\.py|/gateway/strict_json\.py|/json/"),
    ("key service: its process, its codec, asking it", r"/keys/keystore/|/content_sealer\.py"),
    (
        "SQL: statements, rows, commits",
        r"/sqlalchemy/|/gateway/database/|/messages/store/|/(\w+_)?store\.py:|_rows\.py:",
    ),
    ("validation of bodies", r"/schemas/|/jsonschema"),
    ("judging: conversations, policy, consents, cases", JUDGING),
    ("drop folder", r"/adapters/|/adapter_boundary\.py"),
    ("audit log and journal", r"/gateway/(ledger|audit)/"),
    ("the road of a message: submission, departure, receipt", r"/gateway/(delivery|messages|identity)/|/keys/"),
    ("API: requests, operations, models", r"/gateway/(api|operations|access|node|console)/|/pydantic"),
    ("HTTP and TLS", r"/aiohttp/|/gateway/federation/|/multidict|/yarl/|/ssl\.py"),
    ("thread hops", r"/concurrent/futures/|/threading\.py|/queue\.py|/foundation/(workers|batcher)\.py"),
    ("event loop and coroutines", r"/asyncio/|uvloop|/contextlib\.py|/gateway/(app\.py|cli/|composition/)"),
)
"""What a frame stands for whose file matches; what is tried first wins."""
OTHER = "anything else"
WAITING = re.compile(r"/concurrent/futures/thread\.py:_worker|/threading\.py:wait|/queue\.py:get|/selectors\.py:")
"""The innermost frame of a thread that waits for work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A load that is not sampled, what the same load cost while it was, and CPU ms of a message by activity."""

    load: Load
    sampled_ms: float
    costs: Mapping[str, float]


def measure_profiles(*, seconds: float, clients: Sequence[int]) -> list[Profile]:
    """Load a pair as it is, then for each number of clients one whose processes sample themselves."""
    with Pair() as pair:
        plain = [load.run_closed_load(pair, seconds=seconds, clients=count) for count in clients]
    return [_sample(one, seconds) for one in plain]


def _sample(plain: Load, seconds: float) -> Profile:
    with tempfile.TemporaryDirectory(prefix="trm-bench-") as made:
        folder = Path(made)
        with Pair(environment={"BENCH_SAMPLES": made}, imported=[SAMPLED]) as pair:
            load.run_closed_load(pair, seconds=1, clients=plain.clients)
            (folder / "on").touch()
            time.sleep(0.2)
            found = load.run_closed_load(pair, seconds=seconds, clients=plain.clients)
            (folder / "on").unlink()
            reports = _wait_for_reports(folder)
    return Profile(load=plain, sampled_ms=found.cpu_ms, costs=scale(add_up(reports), plain.cpu_ms))


def _wait_for_reports(folder: Path) -> list[str]:
    end = time.monotonic() + STOP_LIMIT
    while len(found := [*folder.glob("*.samples")]) < PROCESSES:
        if time.monotonic() > end:
            raise RefusedError(Code.UNREACHABLE, f"of {PROCESSES} processes {len(found)} told what they sampled")
        time.sleep(0.1)
    return [path.read_text() for path in found]


def add_up(reports: Sequence[str]) -> dict[str, float]:
    """Add the CPU seconds of all processes up by activity."""
    found: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        lines = [line.split(" ", 2) for line in report.splitlines()]
        for main in (True, False):
            looks = [(float(used), where) for flag, used, where in lines if (flag == MAIN) is main]
            for name, used in _spread(looks).items():
                found[name] += used
    return found


def _spread(looks: Sequence[tuple[float, str]]) -> dict[str, float]:
    """Add looks at threads of one kind up; what those used that wait again goes to all alike."""
    at_work: defaultdict[str, float] = defaultdict(float)
    for used, where in looks:
        if not WAITING.search(where.partition(";")[0]):
            at_work[name_activity(where)] += used
    return scale(at_work, sum(used for used, _ in looks))


def scale(found: Mapping[str, float], whole: float) -> dict[str, float]:
    """Scale figures so that they are `whole` together; most first."""
    told = sum(found.values())
    return {name: whole * value / told for name, value in sorted(found.items(), key=lambda item: -item[1])}


def name_activity(place: str) -> str:
    """Name what a thread is at, by its frames from the innermost one out."""
    for frame in place.split(";"):
        for name, pattern in _PATTERNS.items():
            if pattern.search(frame):
                return name
    return OTHER


_PATTERNS = {name: re.compile(pattern) for name, pattern in ACTIVITIES}


def list_shares(found: Profile) -> Iterator[str]:
    """Yield the budget of a message, line by line."""
    yield (
        f"CPU by activity at {found.load.clients} clients: {found.load.cpu_ms:.2f} ms per message at "
        f"{found.load.per_second:.0f} msg/s ({found.sampled_ms:.2f} ms while sampled)"
    )
    for name, cost in found.costs.items():
        yield f"    {100 * cost / found.load.cpu_ms:5.1f} %  {cost:6.2f} ms  {name}"
