"""`trm` as a process of its own, begun in milliseconds: it is forked off a process that has imported it already.

    warm.trm(["node", "show"], cwd=base)     one verb, as `subprocess.run` would have it
    warm.node(errors)                        a node under test (`nodechild`), as `subprocess.Popen` would have it

What is forked has its own arguments, folder, environment, standard streams and end. Its keys cost little (`keycost`),
unless `dear` is said. `trm serve` is begun cold: its loop (uvloop) does not live on in a fork.

Run as a program with the number of a socket, this is the process that everything is forked off: each line of JSON that
comes with three descriptors makes one process, and is answered by how that ended, or by its number if it is a node; how
a node ended is asked for by that number. It ends with the socket.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

from support import keycost
from support.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 65_536
"""Bytes of one request, at most."""


def trm(
    words: Sequence[str | Path],
    *,
    cwd: Path,
    given: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
    dear: bool = False,
    at: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """One verb as a process: its exit code, and what it printed. Its clock stands still at `at`, if that is given."""
    command, env = ["trm", *map(str, words)], dict(os.environ if env is None else env)
    if command[1] == "serve":
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli", *command[1:]],
            cwd=cwd,
            input=given,
            timeout=timeout,
            env={**env, "PYTHONPATH": keycost.environment(dear=dear)["PYTHONPATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
    request = {"argv": command, "cwd": str(cwd), "env": env, "dear": dear, "at": at}
    with tempfile.TemporaryFile("w+") as taken, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        taken.write(given)
        taken.seek(0)
        code = _warm().ask(request, [taken.fileno(), out.fileno(), err.fileno()], timeout)
        printed = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
    return subprocess.CompletedProcess(command, code, *printed)


@dataclass(frozen=True)
class Forked:
    """A node that was begun; the part of `subprocess.Popen` that `nodeproc` uses."""

    pid: int
    stdin: IO[str]
    stdout: IO[str]

    def send_signal(self, number: int) -> None:
        """Its number is its own until somebody waits for it."""
        os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait for its end; its exit code, negative for a signal. Once only."""
        return _warm().ask({"wait": self.pid}, [], timeout)


def node(errors: TextIO) -> Forked:
    """`nodechild` as a process."""
    taken, given = os.pipe()
    heard, said = os.pipe()
    request = {"argv": ["node"], "cwd": str(ROOT), "env": dict(os.environ), "dear": True, "stays": True}
    try:
        pid = _warm().ask(request, [taken, said, errors.fileno()], PATIENCE)
    finally:
        os.close(taken)
        os.close(said)
    return Forked(pid, os.fdopen(given, "w"), os.fdopen(heard))


class _Warm:
    """The process that everything is forked off, and the line to it."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True
            )
        atexit.register(self.close)

    def ask(self, request: Mapping[str, Any], streams: Sequence[int], timeout: float) -> int:
        """The answer to a request. Raises TimeoutError: all of it is gone, with every node."""
        self._line.settimeout(timeout)
        socket.send_fds(self._line, [json.dumps(request).encode()], streams)
        try:
            return int(self._line.recv(ENOUGH))
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            _warm.cache_clear()
            raise

    def close(self) -> None:
        """End it."""
        self._line.close()
        self._process.wait()


_warm = cache(_Warm)


def _serve(line: socket.socket) -> str:
    """Fork for each request; only what was forked returns from here, as what it is to be: `trm` or `node`."""
    while True:
        asked, streams, _, _ = socket.recv_fds(line, ENOUGH, 3)
        if not asked:
            os._exit(0)
        request = json.loads(asked)
        child = request["wait"] if "wait" in request else os.fork()
        if child == 0:
            line.close()
            return _become(request, streams)
        for stream in streams:
            os.close(stream)
        stays = request.get("stays")
        line.send(str(child if stays else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> str:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv[:] = request["argv"]
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not request["dear"]:
        keycost.make(keycost.CHEAP)
    if (at := request.get("at")) is not None:
        time.time = lambda: at  # type: ignore[assignment]
    return str(request["argv"][0])


def _live(work: Callable[[], object]) -> NoReturn:
    """Do this work and end as Python ends, but that the interpreter is not taken apart: that touches everything that
    was imported, and what a fork touches is copied.
    """
    code: object = 0
    try:
        work()
    except SystemExit as end:
        code = end.code or 0
    atexit._run_exitfuncs()
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    sys.path[:] = [str(ROOT), str(ROOT / "tests"), *sys.path[1:]]
    import importlib

    from support import nodechild

    from gateway.cli import main
    from gateway.cli.root import VERBS

    for _, (place, _) in sorted(VERBS.items()):
        importlib.import_module(place.partition(":")[0])
    gc.freeze()
    become: dict[str, Callable[[], object]] = {"trm": main, "node": lambda: nodechild.start(nodechild.main)}
    _live(become[_serve(socket.socket(fileno=int(sys.argv[1])))])
