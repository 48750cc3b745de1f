"""An administrator who offered a passkey at the console is enrolled at a shell, by two key files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support import desks
from support.authenticator import ORIGIN, Authenticator
from support.ceremony import key_files
from support.desks import CHEAP, PASSPHRASE, Desk

from gateway.app import open_node
from gateway.composition.doors import people_at


async def offered(desk: Desk) -> str:
    """Eva signs in and offers her passkey; the kid of it."""
    node, stack = await open_node(desk.folder, PASSPHRASE, at_least=CHEAP)
    async with stack:
        people, device = (
            people_at(node, ORIGIN),
            Authenticator(),
        )
        asked = {"name": "Eva M.", "roles": ["trust_admin"]}
        made = (await node.desk.call("person.add", asked)).value
        code = str(made["code"])  # type: ignore[index, call-overload]
        _, ceremony = await people.invited(code)
        session = await people.enrol(code, ceremony.id, device.create(ceremony.options))
        person = await people.admit(session)
        assert person is not None
        asking = await people.offer(person)
        await people.offered(person, asking.id, device.get(asking.options))
        listed = (await node.desk.call("admin.list", {})).value
        return str(listed["offered"][0]["kid"])  # type: ignore[index, call-overload]


def test_enrolled_from_the_list(tmp_path: Path):
    """The key stands in the list to be read out; the enrolment is one change of two people; a stranger is not there."""
    desk, keys = desks.make(tmp_path, "FR"), key_files(tmp_path / "keys")
    kid = asyncio.run(offered(desk))
    with desks.served(desk):
        assert f"key {kid}" in desk.trm("admin", "list").stdout
        nobody = desk.trm("admin", "enrol", "--offered", "Tom", *keys.signed(0))
        assert (nobody.exit_code, "nobody of this name" in nobody.stderr) == (1, True)
        assert desk.trm("admin", "enrol", *keys.signed(0)).exit_code == 2
        proposed = desk.trm("admin", "enrol", "--offered", "Eva M.", *keys.signed(0))
        assert proposed.exit_code == 0, proposed.stderr
        assert "trm:   administrator: Eva M., pseudonym" in proposed.stderr
        assert f"with a passkey at {ORIGIN}" in proposed.stderr
        approved = desk.trm("admin", "approve", *keys.signed(1))
        assert (approved.exit_code, approved.stdout) == (0, "done: admin.enrol\n")
        listed = desk.trm("admin", "list").stdout
        assert ("passkey" in listed, "offers" in listed) == (True, False)
