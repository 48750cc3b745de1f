"""docs/connecting.md does what it says: its commands are run as they stand there, and with what they made a node takes
the sample of each kind to its peer.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sqlite3
import subprocess
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncssh
from support.desks import run
from support.house import ROOT
from support.pair import Party, Two, two_nodes
from support.shared import lacking

from adapters.kit.kind import find
from adapters.rest.bench import TOKEN, RestBench
from adapters.sftp.adapter import FOLDERS
from adapters.sheet.bench import sheet_cells

PAGE = ROOT / "docs" / "connecting.md"
SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USER = "trmdrop"


def commands(section: str) -> list[str]:
    """The commands of one section of the page, line by line."""
    text = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))[section]
    return [line for block in BLOCK.findall(text) for line in block.splitlines()]


def received_lines(results: Path) -> int:
    """How many lines the third page of the results has below its heading, whatever its name is in the language."""
    return len([*sheet_cells(results).values()][2][1:])


def received_rows(file: Path) -> int:
    """How many messages lie in the inbox of a database."""
    with closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT count(*) FROM trm_inbox WHERE kind = 'message'").fetchone()[0])


def typed(line: str, words: Mapping[str, str]) -> None:
    """Type one command of the page: `trm` in this process, the shell of SQLite by its library, others in a shell."""
    for name, value in words.items():
        line = line.replace(f"${name}", value)
    match shlex.split(line):
        case ["trm", *arguments]:
            ran = run(*arguments)
            assert ran.exit_code == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"
        case ["sqlite3", "-bail", file, "<", script]:
            with closing(sqlite3.connect(file)) as database:
                database.executescript(Path(script).read_text(encoding="utf-8"))
        case _:
            subprocess.run(line, shell=True, check=True, timeout=60)


async def type_all(section: str, words: Mapping[str, str]) -> None:
    """Type the commands of a section in their order, in a thread: a server may run in this loop."""
    for line in commands(section):
        await asyncio.to_thread(typed, line, words)


async def begin_with(party: Party, section_file: Path) -> None:
    """Give the lines that were prepared to the node, and start it again."""
    await party.stop()
    settings = tomllib.loads(section_file.read_text(encoding="utf-8"))["adapter"]
    toml = party.folder / "node.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**settings, "poll_seconds": 1}.items()]
    text = toml.read_text(encoding="utf-8").partition("[adapter]")[0]
    toml.write_text("\n".join([text + "[adapter]", *lines, ""]), encoding="utf-8")
    party.own = True
    await party.start()


async def comes(two: Two, arrived: Callable[[], bool]) -> None:
    """A message of the peer is in the case system."""
    assert not arrived()
    await two.al.submit("an answer")
    await two.until(arrived, seconds=60, what="the message of the peer is not in the case system")


async def goes(two: Two) -> None:
    """The sample becomes a draft, a person releases it, and it arrives at the peer."""
    found: list[dict[str, Any]] = []
    before = len(two.al.deliveries())

    async def drafted() -> bool:
        found[:] = (await two.fr.call("draft.list"))["drafts"]
        return bool(found)

    await two.until(drafted, seconds=30, what="no draft was made of the sample")
    await two.fr.call("draft.release", id=found[0]["id"], by="w-1")
    await two.until(lambda: len(two.al.deliveries()) > before, seconds=60, what="the sample did not arrive")
    assert two.al.deliveries()[-1].type == "enquiry.capacity/1"


@asynccontextmanager
async def sftp_server(folder: Path, public: Path) -> AsyncIterator[tuple[int, str]]:
    """A server with the account that the page asks for, shut into its folder; its port and the line of its key."""
    host = asyncssh.generate_private_key("ssh-ed25519")

    class Accounts(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == USER and key == asyncssh.read_public_key(public)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Accounts,
        server_host_keys=[host],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(folder)),
    )
    async with server:
        yield server.get_port(), host.export_public_key().decode().strip()


async def test_each_kind_is_connected_by_the_page_alone(tmp_path: Path) -> None:
    """From an empty folder to a message at the peer: a drop folder, a workbook, a database, a drop folder elsewhere."""
    here = tmp_path / "here"
    here.mkdir()
    words = {"HERE": str(here)}
    async with two_nodes(tmp_path) as two:
        arrivals = {
            "folder": lambda: any((here / "folder" / "drop" / "incoming").iterdir()),
            "sheet": lambda: received_lines(here / "sheet" / "trm-results.xlsx") > 0,
            "sql": lambda: received_rows(here / "office.db") > 0,
        }
        for section, name in (("A drop folder", "folder"), ("A workbook", "sheet"), ("A database", "sql")):
            await type_all(section, words)
            await begin_with(two.fr, here / name / "adapter.toml")
            await goes(two)
            await comes(two, arrivals[name])
        async with sftp_server(tmp_path / "server", here / "sftp" / "sftp.key.pub") as (port, host_key):
            for name in FOLDERS:
                (tmp_path / "server" / "drop" / name).mkdir(parents=True)
            more = {"SERVER": "127.0.0.1", "PORT": str(port), "HOST_KEY": host_key}
            await type_all("A drop folder on an SFTP server", words | more)
            await begin_with(two.fr, here / "sftp" / "adapter.toml")
            await goes(two)
            await comes(two, lambda: any((tmp_path / "server" / "drop" / "incoming").iterdir()))
            await two.fr.stop()


async def test_a_json_api_is_connected(tmp_path: Path) -> None:
    """What stays open is named by the check; once its paths are filled in, an item goes and a message comes."""
    into = tmp_path / "rest"
    async with find("rest").stand_in(tmp_path) as new, two_nodes(tmp_path) as two:
        bench = new()
        assert isinstance(bench, RestBench)
        ran = await asyncio.to_thread(
            run, "adapter", "prepare", "rest", "--into", str(into), "--set", f"url={bench.url}"
        )
        assert ran.exit_code == 0, ran.stderr
        (into / "secret").touch(0o600)
        (into / "secret").write_text(TOKEN, encoding="utf-8")
        check = ("adapter", "check", "--settings", str(into / "adapter.toml"))
        ran = await asyncio.to_thread(run, *check)
        assert (ran.exit_code, "MISSING  adapter.list_path" in ran.stdout) == (1, True)
        with (into / "adapter.toml").open("a", encoding="utf-8") as file:
            file.write('list_path = "/ready"\nitems = "/data"\ncreate_path = "/inbox"\n')
            file.write('paging = "page"\nsize_param = "size"\n')
        ran = await asyncio.to_thread(run, *check)
        assert (ran.exit_code, "untried  post to /inbox" in ran.stdout) == (0, True), ran.stdout
        bench.office.ready.append(json.loads((into / "sample.json").read_bytes()))
        await begin_with(two.fr, into / "adapter.toml")
        await goes(two)
        await comes(two, lambda: bool(bench.received()))
        await two.fr.stop()


def test_the_parts_for_the_server_are_what_the_shell_and_sshd_take(tmp_path: Path) -> None:
    """The script is one that a shell reads, it has the seven folders, and sshd finds no fault in its part."""
    into = tmp_path / "sftp"
    ran = run(
        "adapter", "prepare", "sftp", "--into", str(into), "--set", "host=files.example.org", "--set", f"user={USER}"
    )
    assert ran.exit_code == 0, ran.stderr
    assert (into / "sftp.key").stat().st_mode & 0o777 == 0o600
    subprocess.run(["sh", "-n", str(into / "server-setup.sh")], check=True)
    script = (into / "server-setup.sh").read_text(encoding="utf-8")
    assert [name for name in FOLDERS if f"/drop/{name}" not in script] == []
    assert (into / "sftp.key.pub").read_text(encoding="utf-8").strip() in script
    sshd = Path("/usr/sbin/sshd")
    if not sshd.exists():
        lacking("no sshd on this machine (Debian: openssh-server)")
    key = tmp_path / "host"
    key.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    key.chmod(0o600)
    whole = tmp_path / "sshd_config"
    whole.write_text(f"HostKey {key}\n{(into / 'sshd.conf').read_text(encoding='utf-8')}", encoding="utf-8")
    told = subprocess.run(
        [sshd, "-T", "-f", whole, "-C", f"user={USER},host=h,addr=127.0.0.1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"chrootdirectory /srv/drop-chroot/{USER}\n" in told.stdout
    assert "forcecommand internal-sftp\n" in told.stdout
    assert "allowtcpforwarding no\n" in told.stdout
