"""The server of `deploy/patroni` as its files say it: three members with Patroni, PostgreSQL and etcd, and HAProxy.

The addresses of the files are those of the hosts in the network of the test. Only paths are others than in the files,
since the members share one machine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from support.authority import Authority
from support.house import ROOT
from support.namespaces import Lan
from support.nodeproc import eventually
from support.shared import lacking

EXAMPLE = ROOT / "deploy" / "patroni"
MEMBERS = {"db1": "10.0.0.11", "db2": "10.0.0.12", "db3": "10.0.0.13"}
ENTRY = "10.0.0.10"
"""Where HAProxy is, with the names of workers and peers behind it too."""
PROGRAMS = Path("/usr/lib/postgresql/17/bin")
PASSWORD = "of-the-account"
LONG = 120
"""Seconds within which a busy machine does what the members do in a few."""
ACCOUNT = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")


def require_patroni() -> None:
    """Skip or fail, as `lacking` says, where a program is missing."""
    for program in (
        "patroni",
        "patronictl",
        "etcd",
        "etcdctl",
        "haproxy",
        "setpriv",
        "curl",
        str(PROGRAMS / "postgres"),
    ):
        if shutil.which(program) is None:
            lacking(f"{program} is not on this machine")


class PatroniServer:
    """Three members and what leads to the one that is primary; to be used by `patroni_server`."""

    def __init__(self, hosts: Lan, folder: Path) -> None:
        self.hosts, self.folder = hosts, folder
        self.ca, self.password_file = folder / "ca.crt", folder / "password"
        self.url = f"postgresql://trm@{ENTRY}:5432/trm"

    def begin(self) -> None:
        """Write what each machine gets, start all, and make the database of the node."""
        authority = Authority()
        authority.write(self.ca)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(PASSWORD + "\n")
        for member in MEMBERS:
            self._equip(member, authority)
            self._start_etcd(member)
        for member in MEMBERS:
            self.start(member)
        self._start_front()
        eventually(self.whole, f"a primary, and a standby that is waited for: {self.log()}", LONG)
        primary = self.primary()
        self._administer(primary, f"create role trm login password '{PASSWORD}'")
        self._administer(primary, "create database trm owner trm encoding 'UTF8' template template0")
        eventually(self._reached, "the database is reached through HAProxy", LONG)

    def start(self, member: str) -> None:
        """Start Patroni on a member, and with it PostgreSQL."""
        home = self.folder / member
        words = (*ACCOUNT, *_clean(HOME=home), "patroni", str(home / "patroni.yml"))
        self.hosts.serve(member, *words, log=home / "patroni.log")

    def kill(self, member: str) -> None:
        """Kill Patroni and PostgreSQL of a member at once, as when its machine is lost; etcd has its own."""
        for process in self.hosts.processes(member):
            with suppress(OSError):
                if b"etcd\0" not in Path(f"/proc/{process}/cmdline").read_bytes()[:5]:
                    os.kill(process, signal.SIGKILL)

    def primary(self) -> str:
        """The member that takes writes, empty while none does."""
        found = [member for member in MEMBERS if self._administer(member, "select pg_is_in_recovery()") == "f"]
        return found[0] if len(found) == 1 else ""

    def whole(self) -> bool:
        """Whether Patroni knows a primary and both standbys, one of which is waited for. Only that one takes over:
        what PostgreSQL itself calls synchronous may be so a moment before Patroni has written it down.
        """
        primary = self.primary()
        if not primary:
            return False
        asked = ["curl", "-sS", "--cacert", str(self.ca), f"https://{MEMBERS[primary]}:8008/cluster"]
        wanted = [("leader", "running"), ("replica", "streaming"), ("sync_standby", "streaming")]
        with suppress(AssertionError):
            members = json.loads(self.hosts.run("front", *asked))["members"]
            return sorted((member["role"], member["state"]) for member in members) == wanted
        return False

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """What the database of the node says, through HAProxy."""
        return [tuple(line.split("|")) for line in self._ask(query).splitlines()]

    def _ask(self, query: str) -> str:
        told = f"{self.url}?sslmode=verify-full&sslrootcert={self.ca}"
        command = [f"PGPASSWORD={PASSWORD}", str(PROGRAMS / "psql"), "-XqtA", "-c", query, told]
        return self.hosts.run("front", "env", *command).strip()

    def _reached(self) -> bool:
        with suppress(AssertionError):
            return self._ask("select 1") == "1"
        return False

    def _administer(self, member: str, statement: str) -> str:
        """What a member says to its administrator; nothing while it does not run."""
        socket = str(self.folder / member)
        command = [str(PROGRAMS / "psql"), "-XqtA", "-h", socket, "-U", "postgres", "-c", statement, "postgres"]
        done = subprocess.run([*ACCOUNT, *command], capture_output=True, text=True, check=False, cwd="/")
        return done.stdout.strip()

    def _equip(self, member: str, authority: Authority) -> None:
        home, address = self.folder / member, MEMBERS[member]
        home.mkdir(mode=0o755)
        shutil.chown(home, "postgres")
        authority.vouch(home / "tls", member, [address, ENTRY], owner="postgres")
        text = (EXAMPLE / "patroni.yml").read_text(encoding="utf-8")
        for before, after in {
            "name: db1": f"name: {member}",
            "10.0.0.11:8008": f"{address}:8008",
            "10.0.0.11:5432": f"{address}:5432",
            "/etc/patroni/tls": str(home / "tls"),
            "/var/lib/postgresql/17/trm": str(home / "data"),
            "/run/postgresql": str(home),
        }.items():
            assert before in text, before
            text = text.replace(before, after)
        (home / "patroni.yml").write_text(text, encoding="utf-8")

    def _start_etcd(self, member: str) -> None:
        home = self.folder / member
        self.hosts.serve(member, *_clean(HOME=home, **self._etcd_settings(member)), "etcd", log=home / "etcd.log")

    def _etcd_settings(self, member: str) -> dict[str, str]:
        """The file of a member, by names of the environment."""
        home, said = self.folder / member, dict[str, str]()
        for line in (EXAMPLE / "etcd.env").read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                name, _, value = line.partition("=")
                if name not in ("ETCD_INITIAL_CLUSTER", "ETCDCTL_ENDPOINTS"):
                    value = value.replace(MEMBERS["db1"], MEMBERS[member]).replace("db1", member)
                value = value.replace("/etc/etcd/tls", str(home / "tls"))
                said[name] = value.replace("/var/lib/etcd", str(home / "etcd"))
        return said

    def lose_majority(self) -> None:
        """Kill etcd on two members: nobody is primary any more."""
        for member in list(MEMBERS)[:2]:
            for process in self.hosts.processes(member):
                if b"etcd\0" in Path(f"/proc/{process}/cmdline").read_bytes()[:5]:
                    os.kill(process, signal.SIGKILL)

    def mend_majority(self) -> None:
        """Start them again."""
        for member in list(MEMBERS)[:2]:
            self._start_etcd(member)

    def control(self, member: str, *words: str) -> str:
        """What `patronictl` says on a member."""
        return self.hosts.run(member, "patronictl", "-c", str(self.folder / member / "patroni.yml"), *words)

    def examine_etcd(self, member: str) -> str:
        """What `etcdctl endpoint health` says on a member."""
        settings = {name: value for name, value in self._etcd_settings(member).items() if name.startswith("ETCDCTL_")}
        return self.hosts.run(member, *_clean(**settings), "etcdctl", "endpoint", "health")

    def _start_front(self) -> None:
        text = (EXAMPLE / "haproxy.cfg").read_text(encoding="utf-8")
        config = self.folder / "haproxy.cfg"
        config.write_text(text.replace("/etc/haproxy/patroni-ca.crt", str(self.ca)), encoding="utf-8")
        self.hosts.serve("front", "haproxy", "-q", "-db", "-f", str(config), log=self.folder / "haproxy.log")

    def log(self) -> str:
        """What the members said last, for a failed assertion."""
        return "\n".join((self.folder / member / "patroni.log").read_text()[-1_500:] for member in MEMBERS)


@contextmanager
def patroni_server(hosts: Lan) -> Iterator[PatroniServer]:
    """The server, whole, in a network with the hosts of `MEMBERS` and a host `front` at `ENTRY`."""
    with tempfile.TemporaryDirectory(prefix="trm-pg-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as folder:
        Path(folder).chmod(0o755)  # members run as an account of their own
        made = PatroniServer(hosts, Path(folder))
        try:
            made.begin()
            yield made
        finally:
            hosts.end(MEMBERS)


def _clean(**more: object) -> Sequence[str]:
    """Words that give a program of the system its own environment."""
    return ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", *(f"{k}={v}" for k, v in more.items()))
