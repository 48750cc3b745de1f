"""The Python peer of the bench: two django-pyas2 sites on this machine, one sending to the other.

Every message is stored, signed (SHA-256, RSA 2048), encrypted (AES-256-CBC), sent, stored again on the other side and
answered by a signed synchronous receipt (MDN) that the sender verifies and stores. Only exchanges whose receipt said
"processed" count. The harness is standard library only, so that it runs under any Python; the sites run in
`.venv-peers`, which `./dev bench` makes from the hashed `requirements-peers.lock`.

    python -m bench.pyas2_peer --seconds 10 --concurrency 8 32 --json

From Python: `with Pair(python) as pair: pair.load(seconds=10, concurrency=8)`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parent
PEER_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"
BODY_BYTES = 4168  # a referral: about 4 KB
WARM_UP = 2.0  # seconds of load that are not counted
START_LIMIT = 30.0  # seconds until both sites answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Result of one load. Times in milliseconds per exchange, memory in MiB per site (sum over its processes)."""

    concurrency: int
    seconds: float
    messages: int
    failed: int
    per_second: float
    p50_ms: float
    p99_ms: float
    memory_a_mib: float
    memory_b_mib: float


class Pair:
    """Two sites A and B, prepared, served by gunicorn and stopped again; A sends, B receives and answers."""

    def __init__(self, python: Path = PEER_PYTHON, *, workers: int = 2, threads: int = 8) -> None:
        self._python, self._workers, self._threads = python, workers, threads
        self._folder = Path(tempfile.mkdtemp(prefix="trm-as2-"))
        self._ports = dict(zip("AB", free_ports(2), strict=True))
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Pair:
        """Make keys and databases, start both sites and wait until they answer."""
        try:
            self._prepare()
            for name in "AB":
                self._servers[name] = self._serve(name)
            for name in "AB":
                self._wait_for(name)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop both sites and remove their folder."""
        self._stop()

    def load(self, *, seconds: float, concurrency: int) -> Load:
        """Keep `concurrency` clients busy for `seconds` after a warm-up; RuntimeError if the sites lost a message."""
        before, start = self._stored(), time.monotonic() + WARM_UP
        counted: list[float] = []
        failed: list[str] = []
        sent: list[int] = []
        clients = [
            threading.Thread(target=run_client, args=(self._ports["A"], start, start + seconds, counted, failed, sent))
            for _ in range(concurrency)
        ]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        elapsed = time.monotonic() - start
        after = self._stored()
        if (grown := {name: after[name] - before[name] for name in after}) != dict.fromkeys(after, len(sent)):
            raise RuntimeError(f"the sites did not store what they acknowledged: {len(sent)} answered, {grown}")
        times = sorted(counted) or [0.0]
        return Load(
            concurrency=concurrency,
            seconds=round(elapsed, 2),
            messages=len(counted),
            failed=len(failed),
            per_second=round(len(counted) / elapsed, 1),
            p50_ms=round(1000 * times[len(times) // 2], 1),
            p99_ms=round(1000 * times[min(len(times) - 1, len(times) * 99 // 100)], 1),
            memory_a_mib=memory_mib(self._servers["A"].pid),
            memory_b_mib=memory_mib(self._servers["B"].pid),
        )

    def _prepare(self) -> None:
        for name, other in (("A", "B"), ("B", "A")):
            site = self._folder / name
            (site / "files").mkdir(parents=True)
            make_key(site / "own.pem", site / "certificate.pem", name)
            facts = {
                "name": name,
                "partner": other,
                "partner_url": f"http://127.0.0.1:{self._ports[other]}/receive",
                "secret": secrets.token_hex(32),
            }
            (site / "site.json").write_text(json.dumps(facts))
        for name, other in (("A", "B"), ("B", "A")):
            shutil.copy(self._folder / other / "certificate.pem", self._folder / name / "partner.pem")
            subprocess.run([self._python, HERE / "as2_site.py"], env=self._environment(name), check=True)

    def _environment(self, name: str) -> dict[str, str]:
        return {**os.environ, "AS2_SITE": str(self._folder / name), "NO_PROXY": "127.0.0.1"}

    def _serve(self, name: str) -> subprocess.Popen[bytes]:
        command = [
            str(self._python),
            "-m",
            "gunicorn",
            "--chdir",
            str(HERE),
            "--bind",
            f"127.0.0.1:{self._ports[name]}",
        ]
        command += ["--worker-class", "gthread", "--workers", str(self._workers), "--threads", str(self._threads)]
        command += ["--keep-alive", "30", "--timeout", "120", "--log-level", "error", "as2_site:application"]
        log = (self._folder / name / "server.log").open("wb")
        with log:
            return subprocess.Popen(command, env=self._environment(name), stdout=log, stderr=log)

    def _wait_for(self, name: str) -> None:
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit and self._servers[name].poll() is None:
            try:
                ask_site(self._ports[name], "/counts")
            except OSError:
                time.sleep(0.1)
            else:
                return
        log = (self._folder / name / "server.log").read_text(errors="replace")
        raise RuntimeError(f"site {name} did not start:\n{log[-2000:]}")

    def _stored(self) -> dict[str, int]:
        a, b = ask_site(self._ports["A"], "/counts"), ask_site(self._ports["B"], "/counts")
        return {"sent": a["sent"], "received": b["received"], "answers_a": a["answers"], "answers_b": b["answers"]}

    def _stop(self) -> None:
        for server in self._servers.values():
            server.send_signal(signal.SIGTERM)
        for server in self._servers.values():
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def run_client(port: int, start: float, end: float, counted: list[float], failed: list[str], sent: list[int]) -> None:
    """Post one message after the other until `end`; time those begun after `start`."""
    body = json.dumps({"reference": secrets.token_hex(16), "summary": "x" * BODY_BYTES}).encode()[:BODY_BYTES]
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    while (begun := time.monotonic()) < end:
        try:
            link.request("POST", "/send", body, {"Content-Type": "application/json"})
            with link.getresponse() as answer:
                answer.read()
                outcome = str(answer.status)
        except (OSError, http.client.HTTPException) as exc:
            link.close()
            outcome = type(exc).__name__
        if outcome == "200":
            sent.append(1)
        if begun < start:
            continue
        if outcome == "200":
            counted.append(time.monotonic() - begun)
        else:
            failed.append(outcome)
    link.close()


def ask_site(port: int, place: str) -> dict[str, int]:
    """Return the JSON object at `place` of a site; OSError while it does not listen."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        link.request("GET", place)
        answer = link.getresponse().read()
    finally:
        link.close()
    found = json.loads(answer)
    return {name: int(value) for name, value in found.items()}


def make_key(key: Path, certificate: Path, name: str) -> None:
    """Make a fresh RSA 2048 key with its self-signed certificate; `key` gets both, as pyas2 wants them."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30"]
    command += ["-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    key.write_bytes(key.read_bytes() + certificate.read_bytes())


def free_ports(count: int) -> list[int]:
    """Find `count` ports of the loopback address that nobody listens on now."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def memory_mib(root: int) -> float:
    """Return the resident memory of a process and its children, in MiB."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    kib = 0
    for pid in (str(root), *children):
        line = next(row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmRSS"))
        kib += int(line.split()[1])
    return round(kib / 1024, 1)


def main() -> int:
    """Run the loads that the command line asks for and print what they showed."""
    parser = argparse.ArgumentParser(description="messages per second between two django-pyas2 sites on this machine")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each load (default 10)")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 32], metavar="N", help="clients at once")
    parser.add_argument("--workers", type=int, default=2, help="gunicorn processes of each site (default 2)")
    parser.add_argument("--threads", type=int, default=8, help="threads of each process (default 8)")
    parser.add_argument(
        "--python", type=Path, default=PEER_PYTHON, help="Python that has django-pyas2 (default .venv-peers)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if not args.python.exists():
        print("trm: error: the peers of the bench are not installed", file=sys.stderr)
        print("trm: hint: run ./dev bench, which installs them into .venv-peers", file=sys.stderr)
        return 1
    with Pair(args.python, workers=args.workers, threads=args.threads) as pair:
        loads = [pair.load(seconds=args.seconds, concurrency=concurrency) for concurrency in args.concurrency]
    if args.json:
        setup = {"workers": args.workers, "threads": args.threads, "body_bytes": BODY_BYTES}
        print(json.dumps({"system": "django-pyas2", "setup": setup, "loads": [asdict(load) for load in loads]}))
        return 0
    for load in loads:
        memory = f"{load.memory_a_mib:.0f} + {load.memory_b_mib:.0f} MiB"
        times = f"{load.per_second:6.1f} msg/s, p50 {load.p50_ms:.0f} ms, p99 {load.p99_ms:.0f} ms"
        print(f"django-pyas2 at {load.concurrency:>3}: {times}, {load.failed} failed, memory {memory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
