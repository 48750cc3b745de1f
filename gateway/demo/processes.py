"""The programs that run beside the demonstration, each a process of its own: nodes and case systems."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import Code, RefusedError

STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    process: subprocess.Popen[bytes]
    log: Path


class Processes:
    """Running programs, by names that may be shown. `alive` raises when one has ended that should run; the lock is
    because waits ask it from threads.
    """

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    @property
    def pids(self) -> Sequence[int]:
        """The process ids of the running programs."""
        return [each.process.pid for each in self._running.values()]

    def start(self, name: str, command: Sequence[str], log: Path, *, account: tuple[int, int] | None = None) -> None:
        """Start a program with its output in `log`. `account` is the user and group that it runs as, if others.

        It has a session of its own: an interrupt at the terminal is for the demonstration, which stops its programs.
        """
        user, group = account or (None, None)
        with log.open("ab") as said:
            process = subprocess.Popen(  # noqa: S603 - programs that we name, with words of our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=None if account is None else [],
            )
        with self._lock:
            self._running[name] = _Running(process=process, log=log)

    def alive(self) -> None:
        """Raise an error if a program has ended by itself.

        Raises:
            RefusedError: it names the program and its exit code.
        """
        with self._lock:
            for name, each in self._running.items():
                code = each.process.poll()
                if code is not None:
                    raise RefusedError(
                        Code.UNREACHABLE,
                        f"{name} ended by itself, exit {code}",
                        hint=f"its last output is in {each.log}",
                    )

    def kill(self, name: str, by: signal.Signals = signal.SIGKILL) -> None:
        """Kill a program as a power cut would, without a chance to finish anything, and wait for its end."""
        with self._lock:
            process = self._running.pop(name).process
        process.send_signal(by)
        process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Stop all running programs politely, the last one first; kill those that do not end in time."""
        with self._lock:
            running = [each.process for each in reversed(self._running.values())]
            self._running.clear()
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)

    def leave(self) -> None:
        """Leave the programs running after this process ends."""
        with self._lock:
            self._running.clear()
