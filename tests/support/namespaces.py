"""Networks of the kernel's own for a test: each host sees the lines that it has, and no other way leads anywhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from support.shared import lacking

OFFICE, FAR_OFFICE, FAR_PEER, PEER, STRANGER = "10.77.1.1", "10.77.1.2", "10.77.2.2", "10.77.2.1", "10.77.2.9"


class Namespaces:
    """Three hosts: `fr` at `OFFICE`, `al` at `PEER` and `STRANGER`, and between them `far`, which forwards nothing."""

    def __init__(self) -> None:
        self._names = {host: f"trm{os.getpid()}{host}" for host in ("fr", "far", "al")}

    def inside(self, host: str) -> tuple[str, ...]:
        """The words before a command that is run on this host."""
        return ("ip", "netns", "exec", self._names[host])

    def run(self, host: str, *words: str) -> str:
        """Run a command there to its end."""
        done = subprocess.run([*self.inside(host), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def start(self, host: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a program there."""
        return subprocess.Popen([*self.inside(host), *words], stdin=subprocess.DEVNULL)

    def make(self) -> None:
        """Make the hosts and their two lines."""
        for name in self._names.values():
            _ip("netns", "add", name)
        for host, near, far in (("fr", (OFFICE,), FAR_OFFICE), ("al", (PEER, STRANGER), FAR_PEER)):
            ends = (f"{host}{os.getpid()}"[:15], f"x{host}{os.getpid()}"[:15])
            _ip(
                "link",
                "add",
                ends[0],
                "netns",
                self._names[host],
                "type",
                "veth",
                "peer",
                ends[1],
                "netns",
                self._names["far"],
            )
            for place, end, addresses in ((host, ends[0], near), ("far", ends[1], (far,))):
                for address in addresses:
                    self.run(place, "ip", "address", "add", f"{address}/24", "dev", end)
                self.run(place, "ip", "link", "set", end, "up")
        for host in self._names:
            self.run(host, "ip", "link", "set", "lo", "up")
        self.run("far", "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")

    def remove(self) -> None:
        """Take them away, with their lines."""
        for name in self._names.values():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@contextmanager
def three_hosts() -> Iterator[Namespaces]:
    """The three hosts; skips the test where the kernel does not let this user make any."""
    try:
        tried = subprocess.run(["unshare", "-n", "ip", "link"], capture_output=True, check=False).returncode
    except OSError:
        tried = 1
    if tried or os.geteuid():
        lacking("no network namespaces for this user")
    made = Namespaces()
    try:
        made.make()
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
