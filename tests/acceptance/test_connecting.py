"""docs/connecting.md does what it says: its commands are run as they stand there, and with what they made a node takes
a record of the office to its peer and brings the answer back, for each kind of case system.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sqlite3
import subprocess
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from support.connected import OFFICES, REPLY, SFTP_ACCOUNT, Office, begin_with
from support.desks import run
from support.house import ROOT
from support.pair import Two, example, two_nodes
from support.patience import PATIENCE
from support.shared import lacking

from adapters.sftp.adapter import FOLDERS
from gateway.ports import Delivery

PAGE = ROOT / "docs" / "connecting.md"
SECTION = re.compile(r"^##+ (.*?)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"(?P<command>.*?)(?:  # type (?P<answer>.*?),? (?P<how>twice|then Ctrl-D))?")


def commands(section: str) -> list[str]:
    """The commands of one section of the page, line by line; one that goes on in the next line is whole."""
    text = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))[section]
    return [line for block in BLOCK.findall(text) for line in block.replace("\\\n", "").splitlines()]


def typed(line: str, office: Office, here: Path) -> None:
    """Type one command of the page, and what it waits for: `trm` in this process, the shell of SQLite by its library,
    others in a shell.
    """
    for name, value in {"HERE": str(here), **office.names}.items():
        line = line.replace(f"${name}", value)
    match = LINE.fullmatch(line)
    assert match is not None
    command, answer = match["command"], match["answer"]
    said = "" if answer is None else f"{answer.replace('SECRET', office.secret)}\n"
    match shlex.split(command):
        case ["trm", *arguments]:
            ran = run(*arguments)
            assert ran.exit_code == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"
        case ["sqlite3", "-bail", file, "<", script]:  # not every machine has this program
            with closing(sqlite3.connect(file)) as database:
                database.executescript(Path(script).read_text(encoding="utf-8"))
        case _:
            subprocess.run(
                command,
                shell=True,
                check=True,
                timeout=PATIENCE,
                input=said * (2 if match["how"] == "twice" else 1),
                text=True,
                env={**os.environ, **office.shell},
                start_new_session=True,  # without a terminal, or the question for a password would go there
            )


async def goes(two: Two) -> Delivery:
    """The record becomes a draft, a person releases it, and it is in the case system of the peer."""
    found: list[dict[str, Any]] = []

    async def drafted() -> bool:
        found[:] = (await two.fr.call("draft.list"))["drafts"]
        return bool(found)

    await two.until(drafted, seconds=30, what="no draft was made of the record")
    await two.fr.call("draft.release", id=found[0]["id"], by="w-1")
    await two.until(lambda: bool(two.al.deliveries()), seconds=60, what="the record did not arrive")
    (asked,) = two.al.deliveries()
    assert asked.type == "enquiry.capacity/1"
    return asked


async def comes(two: Two, asked: Delivery, answers: Callable[[], int]) -> None:
    """The peer answers what it was asked, and the answer is in the case system of the office."""
    assert answers() == 0
    await two.al.call(
        "message.submit",
        **example(REPLY, "FR") | {"conversation": asked.conversation, "in_reply_to": asked.message_id},
    )
    await two.until(lambda: answers() == 1, seconds=60, what="the answer of the peer is not in the case system")


@pytest.mark.parametrize("kind", OFFICES)
async def test_a_kind_is_connected_by_the_page_alone(kind: str, tmp_path: Path) -> None:
    """From an empty folder to a message at the peer, and back to an answer in the case system of the office."""
    here = tmp_path / "here"
    async with OFFICES[kind](tmp_path, here) as office, two_nodes(tmp_path) as two:
        for section in ("A folder for all of it", office.section):
            for line in commands(section):
                await asyncio.to_thread(typed, line, office, here)  # a server may run in this loop
        (settings,) = here.glob("*/adapter.toml")
        await begin_with(two.fr, tomllib.loads(settings.read_text(encoding="utf-8"))["adapter"])
        office.offer()
        await comes(two, await goes(two), office.answers)
        await two.fr.stop()


def test_the_parts_for_the_server_are_what_the_shell_and_sshd_take(tmp_path: Path) -> None:
    """The script is one that a shell reads, it has the seven folders, and sshd finds no fault in its part."""
    into = tmp_path / "sftp"
    ran = run(
        "adapter",
        "prepare",
        "sftp",
        "--into",
        str(into),
        "--set",
        "host=files.example.org",
        "--set",
        f"user={SFTP_ACCOUNT}",
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
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it puts away its rights: there once it has run
    told = subprocess.run(
        [sshd, "-T", "-f", whole, "-C", f"user={SFTP_ACCOUNT},host=h,addr=127.0.0.1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"chrootdirectory /srv/drop-chroot/{SFTP_ACCOUNT}\n" in told.stdout
    assert "forcecommand internal-sftp\n" in told.stdout
    assert "allowtcpforwarding no\n" in told.stdout
