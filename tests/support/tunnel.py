"""A real sshd at the far end and a real ssh at the node, by the files of `deploy/`: what operators install runs."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.house import ROOT
from support.patience import PATIENCE
from support.shared import lacking

DEPLOY = ROOT / "deploy"
ACCOUNT = "nobody"
"""Stands for trm-tunnel: an account without a shell that every system has."""

SSHD = """
ListenAddress {host}:{port}
HostKey {folder}/host
AuthorizedKeysFile none
AuthorizedKeysCommand /usr/bin/cat {folder}/tunnel.pub
AuthorizedKeysCommandUser root
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
{account}
"""


def require_tools(*names: str) -> None:
    """Skip the test where one of these programs is not installed, or it can not be run by this user."""
    for name in names:
        if shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin") is None:
            lacking(f"no {name}")
    if subprocess.run(["id", "-u"], capture_output=True, text=True, check=True).stdout.strip() != "0":
        lacking("sshd lets others in only where root runs it")


@dataclass
class Tunnel:
    """The two ends in `folder`: sshd at `host`:`port`, which gives the account one port, `far_end` of its loopback,
    and ssh, which leads what comes there to the port `node`. `near` and `far` are words before their commands, as for a
    network namespace.
    """

    folder: Path
    host: str
    port: int
    far_end: int
    node: int
    near: Sequence[str] = ()
    far: Sequence[str] = ()
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def open(self) -> None:
        """Start both, and wait until the far end listens."""
        for name in ("host", "tunnel", "other"):
            key = self.folder / name
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = (self.folder / "host.pub").read_text().split()[:2]
        (self.folder / "known_hosts").write_text(f"[{self.host}]:{self.port} {' '.join(public)}\n")
        account = (DEPLOY / "tunnel" / "sshd_config.conf").read_text()
        account = account.replace("User trm-tunnel", f"User {ACCOUNT}").replace(":18443", f":{self.far_end}")
        config = self.folder / "sshd_config"
        config.write_text(SSHD.format(host=self.host, port=self.port, folder=self.folder, account=account))
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd puts away its rights
        self._start(*self.far, "/usr/sbin/sshd", "-D", "-e", "-f", str(config))
        self._await(self.port, self.host)
        self._start(*self.near, *self.command())
        self._await(self.far_end, "127.0.0.1")

    def command(self, *instead: str) -> list[str]:
        """The command of the unit; or the same without its forwarding and with other words."""
        unit = (DEPLOY / "systemd" / "trm-tunnel@.service").read_text().replace("\\\n", " ")
        found = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        assert found is not None
        line = found[1].replace("${CREDENTIALS_DIRECTORY}/key", str(self.folder / "tunnel"))
        for name, value in {
            "CREDENTIALS_DIRECTORY": str(self.folder),
            "PORT": str(self.port),
            "FAR_END": f"127.0.0.1:{self.far_end}",
            "NODE": f"127.0.0.1:{self.node}",
            "TO": f"{ACCOUNT}@{self.host}",
        }.items():
            line = line.replace("${" + name + "}", value)
        words = shlex.split(line)
        if not instead:
            return words
        forward = words.index("-R")
        return [word for word in words[:forward] if word not in ("-N", "-T")] + [*instead]

    def ssh(self, *instead: str) -> tuple[int, str]:
        """Try something else by the same key; the exit code, and what was said."""
        ran = subprocess.run([*self.near, *self.command(*instead)], capture_output=True, timeout=PATIENCE, check=False)
        return ran.returncode, (ran.stdout + ran.stderr).decode()

    def close(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, *words: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self.processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _await(self, port: int, host: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self._listens(port, host):
            assert all(one.poll() is None for one in self.processes), (self.folder / "log").read_text()
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _listens(self, port: int, host: str) -> bool:
        if self.far:
            said = subprocess.run([*self.far, "ss", "-Hltn", f"sport = :{port}"], capture_output=True, check=True)
            return bool(said.stdout.strip())
        with socket.socket() as tried:
            return tried.connect_ex((host, port)) == 0
