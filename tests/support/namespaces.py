"""Networks of the kernel's own for a test: each host sees the lines that it has, and no other way leads anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from support.shared import lacking

OFFICE, FAR_OFFICE, FAR_PEER, PEER, STRANGER = "10.77.1.1", "10.77.1.2", "10.77.2.2", "10.77.2.1", "10.77.2.9"


class Hosts:
    """Hosts by their short names, each a network of its own."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._names = {host: f"trm{os.getpid()}{host}" for host in hosts}

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

    def processes(self, host: str) -> list[int]:
        """What runs there."""
        listed = subprocess.run(["ip", "netns", "pids", self._names[host]], capture_output=True, text=True, check=False)
        return [int(word) for word in listed.stdout.split()]

    def remove(self) -> None:
        """Take them away, with their lines."""
        for name in self._names.values():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


class Namespaces(Hosts):
    """Three hosts: `fr` at `OFFICE`, `al` at `PEER` and `STRANGER`, and between them `far`, which forwards nothing."""

    def __init__(self) -> None:
        super().__init__(("fr", "far", "al"))

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


class Lan(Hosts):
    """Hosts on one network, each at its address of it."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        super().__init__(("lan", *addresses))
        self.addresses = addresses
        self._serving: list[subprocess.Popen[bytes]] = []

    def serve(self, host: str, *words: str, log: Path) -> None:
        """Start a program there that ends with the network or before; what it says is added to `log`."""
        with log.open("ab") as said:
            command = [*self.inside(host), *words]
            self._serving.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said))

    def end(self, hosts: Iterable[str]) -> None:
        """Kill what runs on these hosts."""
        for host in hosts:
            for process in self.processes(host):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def make(self) -> None:
        """Make the network and its hosts."""
        for name in self._names.values():
            _ip("netns", "add", name)
        self.run("lan", "ip", "link", "add", "name", "lan", "type", "bridge")
        self.run("lan", "ip", "link", "set", "lan", "up")
        for host, address in self.addresses.items():
            there = ("peer", "name", "eth0", "netns", self._names[host])
            self.run("lan", "ip", "link", "add", "name", f"to-{host}", "type", "veth", *there)
            self.run("lan", "ip", "link", "set", "dev", f"to-{host}", "master", "lan", "up")
            self.run(host, "ip", "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                self.run(host, "ip", "link", "set", device, "up")

    def cut(self, host: str) -> None:
        """Take the line of a host away; nobody is told."""
        self.run(host, "ip", "link", "set", "eth0", "down")

    def mend(self, host: str) -> None:
        """Give it back."""
        self.run(host, "ip", "link", "set", "eth0", "up")

    def remove(self) -> None:
        """End what runs on the hosts, then take them away."""
        self.end(self.addresses)
        for program in self._serving:
            program.wait()
        super().remove()


@contextmanager
def three_hosts() -> Iterator[Namespaces]:
    """The three hosts; skips the test where the kernel does not let this user make any."""
    _require_namespaces()
    made = Namespaces()
    try:
        made.make()
        yield made
    finally:
        made.remove()


@contextmanager
def one_network(addresses: Mapping[str, str]) -> Iterator[Lan]:
    """Hosts by name and address on one network; skips the test where the kernel does not let this user make any."""
    _require_namespaces()
    made = Lan(addresses)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def _require_namespaces() -> None:
    try:
        tried = subprocess.run(["unshare", "-n", "ip", "link"], capture_output=True, check=False).returncode
    except OSError:
        tried = 1
    if tried or os.geteuid():
        lacking("no network namespaces for this user")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
