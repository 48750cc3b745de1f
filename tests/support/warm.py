"""`trm` as a process of its own, begun in milliseconds: it is forked off a process that has imported it already.

    warm.trm(["node", "show"], cwd=base)     one verb, as `subprocess.run` would have it

What is forked has its own arguments, folder, environment, standard streams and end. Its keys cost little (`keycost`),
unless `dear` is said. `trm serve` is begun cold: its loop (uvloop) does not live on in a fork, and it starts a key
service that knows of no cheap keys.

Run as a program with the number of a socket, this is the process that everything is forked off: each line of JSON that
comes with three descriptors makes one process, and is answered by how that ended. It ends with the socket.
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
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 65_536
"""Bytes of one request, at most."""


def trm(
    words: Sequence[str | Path],
    *,
    cwd: Path,
    given: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
    dear: bool = False,
) -> subprocess.CompletedProcess[str]:
    """One verb as a process: its exit code, and what it printed."""
    command, env = ["trm", *map(str, words)], dict(os.environ if env is None else env)
    if command[1] == "serve":
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli", *command[1:]],
            cwd=cwd,
            input=given,
            timeout=timeout,
            env={**env, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    request = {"argv": command, "cwd": str(cwd), "env": env, "dear": dear}
    with tempfile.TemporaryFile("w+") as taken, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        taken.write(given)
        taken.seek(0)
        code = _warm().run(request, [taken.fileno(), out.fileno(), err.fileno()], timeout)
        printed = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
    return subprocess.CompletedProcess(command, code, *printed)


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

    def run(self, request: Mapping[str, Any], streams: Sequence[int], timeout: float) -> int:
        """Run one command to its end; its exit code, negative for a signal. Raises TimeoutError: all of it is gone."""
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


def _serve(line: socket.socket) -> None:
    """Fork for each request; only what was forked returns from here, with its request done up to the verb itself."""
    while True:
        asked, streams, _, _ = socket.recv_fds(line, ENOUGH, 3)
        if not asked:
            os._exit(0)
        child = os.fork()
        if child == 0:
            line.close()
            return _become(json.loads(asked), streams)
        for stream in streams:
            os.close(stream)
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
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


if __name__ == "__main__":
    sys.path[:] = [str(ROOT), str(ROOT / "tests"), *sys.path[1:]]
    import importlib

    from support import keycost

    import gateway.app  # noqa: F401 (what most verbs import when they are used)
    from gateway.cli import main
    from gateway.cli.root import VERBS

    for _, (place, _) in sorted(VERBS.items()):
        importlib.import_module(place.partition(":")[0])
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    main()
