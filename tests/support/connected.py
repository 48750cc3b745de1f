"""The offices that docs/connecting.md leads to a first message, for the test that follows it: what is there before a
reader begins, and what people and programs of the office do themselves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncssh
from support.databases import MARIADB_ACCOUNT, administrators_shell, empty_office
from support.pair import Party

from adapters.kit.kind import find
from adapters.primero.bench import PASSWORD, PrimeroBench
from adapters.rest.bench import TOKEN, RestBench
from adapters.sftp.adapter import FOLDERS
from adapters.sheet.bench import sheet_cells

SFTP_ACCOUNT = "trmdrop"
REPLY = "enquiry.reply/1"


@dataclass(frozen=True, kw_only=True)
class Office:
    """What is there before a reader comes to a section of the page: the names in its commands, the environment of
    their shell, what is secret; and the office itself, which makes a record ready and counts the answers that it got.
    """

    section: str
    answers: Callable[[], int]
    names: Mapping[str, str] = field(default_factory=dict)
    shell: Mapping[str, str] = field(default_factory=dict)
    secret: str = "not that secret"
    offer: Callable[[], object] = lambda: None


async def begin_with(party: Party, settings: Mapping[str, object]) -> None:
    """Give the node these settings of an adapter, in place of those that it has, and start it again."""
    await party.stop()
    toml = party.folder / "node.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**settings, "poll_seconds": 1}.items()]
    text = toml.read_text(encoding="utf-8").partition("[adapter]")[0]
    toml.write_text("\n".join([text + "[adapter]", *lines, ""]), encoding="utf-8")
    party.own = True
    await party.start()


def messages_in(folder: Path) -> int:
    """How many answers lie in a drop folder, each a file that is named by its type."""
    return len([*folder.glob("enquiry.reply.1-*.json")])


@asynccontextmanager
async def drop_folder(base: Path, here: Path) -> AsyncIterator[Office]:
    """A program that writes and reads files."""
    yield Office(section="A drop folder", answers=lambda: messages_in(here / "folder" / "drop" / "incoming"))


@asynccontextmanager
async def workbook(base: Path, here: Path) -> AsyncIterator[Office]:
    """People with a workbook; what arrived stands below the heading of the third page of its results."""
    results = here / "sheet" / "trm-results.xlsx"
    yield Office(section="A workbook", answers=lambda: len([*sheet_cells(results).values()][2][1:]))


@asynccontextmanager
async def database_file(base: Path, here: Path) -> AsyncIterator[Office]:
    """A program with an SQLite database."""

    def answers() -> int:
        with closing(sqlite3.connect(here / "office.db")) as database:
            return int(database.execute("SELECT count(*) FROM trm_inbox WHERE type = ?", [REPLY]).fetchone()[0])

    yield Office(section="A database in a file", answers=answers)


@asynccontextmanager
async def database(kind: str, section: str, base: Path, here: Path) -> AsyncIterator[Office]:
    """A database on a server that really runs, whose administrator types what the section says. The account of the
    gateway has a password then; afterwards it is as other tests want it.
    """
    office = empty_office(kind, "cases")
    yield Office(
        section=section,
        answers=lambda: len(office.inbox("item_key", "type = :type", type=REPLY)),
        names={"DATABASE": office.address.url},
        shell=administrators_shell(office, base),
    )
    if kind == "mariadb":
        office.run(f"ALTER USER {MARIADB_ACCOUNT} IDENTIFIED BY ''")
    else:  # this server asks nobody for a password
        ((verifier,),) = office.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'trm_adapter'")
        assert str(verifier).startswith("SCRAM-SHA-256$")


@asynccontextmanager
async def sftp_server(base: Path, here: Path) -> AsyncIterator[Office]:
    """A server with the account and the folders that the page asks its administrator for."""
    host, public = asyncssh.generate_private_key("ssh-ed25519"), here / "sftp" / "sftp.key.pub"
    for name in FOLDERS:
        (base / "server" / "drop" / name).mkdir(parents=True)

    class Accounts(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == SFTP_ACCOUNT and key == asyncssh.read_public_key(public)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Accounts,
        server_host_keys=[host],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(base / "server")),
    )
    async with server:
        yield Office(
            section="A drop folder on an SFTP server",
            answers=lambda: messages_in(base / "server" / "drop" / "incoming"),
            names={
                "SERVER": "127.0.0.1",
                "PORT": str(server.get_port()),
                "HOST_KEY": host.export_public_key().decode().strip(),
            },
        )


@asynccontextmanager
async def json_api(base: Path, here: Path) -> AsyncIterator[Office]:
    """The strict stand-in of an API, in which a person makes an item like the sample ready."""
    async with find("rest").stand_in(base) as new:
        bench = new()
        assert isinstance(bench, RestBench)
        yield Office(
            section="A JSON API",
            answers=lambda: sum(each.get("type") == REPLY for each in bench.office.posted.values()),
            names={"API": bench.url},
            secret=TOKEN,
            offer=lambda: bench.office.ready.append(json.loads((here / "rest" / "sample.json").read_bytes())),
        )


@asynccontextmanager
async def primero(base: Path, here: Path) -> AsyncIterator[Office]:
    """The strict stand-in of a Primero, in which a worker refers an invented case with the word of a first try."""
    async with find("primero").stand_in(base) as new:
        bench = new()
        assert isinstance(bench, PrimeroBench)

        yield Office(
            section="A Primero",
            answers=lambda: sum(note["note_subject"].startswith(f"{REPLY} ") for note in bench.notes()),
            names={"PRIMERO": bench.url},
            secret=PASSWORD,
            offer=lambda: bench.case(notes="try", name_first="Mali"),
        )


OFFICES: Mapping[str, Callable[[Path, Path], AbstractAsyncContextManager[Office]]] = {
    "folder": drop_folder,
    "sheet": workbook,
    "sqlite": database_file,
    "postgresql": partial(database, "postgresql", "PostgreSQL"),
    "mariadb": partial(database, "mariadb", "MariaDB and MySQL"),
    "sftp": sftp_server,
    "rest": json_api,
    "primero": primero,
}
