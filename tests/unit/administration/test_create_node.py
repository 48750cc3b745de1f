"""Making a node: whole or not at all, private from the first moment, never over something that is there."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.ceremony import CARDS
from support.dropfolder import drop_folder

from gateway.administration.create_node import Made, Plan, make_node
from gateway.database import journal
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, RefusedError
from gateway.foundation import config
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import AdapterSection, Unit
from gateway.foundation.ids import UnitKind
from gateway.foundation.node_folder import DATABASE, KEYSTORE, TOKEN
from gateway.identity import store as identity_store
from keys.keystore.keystore import Cost, Keystore, system_rand
from keys.offline.roots import load_root

UNIT = Unit(
    id="focal-point",
    name='The "focal" \\ point, Žižkov',
    kind=UnitKind.PUBLIC_AUTHORITY,
    roles=("national_focal_point",),
)


def planned(base: Path, **changes: object) -> Plan:
    """A plan for a node in `base`."""
    plan = Plan(
        folder=base / "node",
        roots=base / "roots",
        name="FR",
        country="FR",
        endpoint="https://127.0.0.1:8443",
        listen="127.0.0.1:8443",
        contact="duty desk",
        units=[UNIT],
        demo=True,
        admins=CARDS,
    )
    return replace(plan, **changes)


async def made(plan: Plan, cost: Cost, *, passphrase: str = "pw", roots: str = "root pw", rand=system_rand) -> Made:
    """Make it."""
    return await make_node(plan, passphrase, roots, clock=SystemClock(), cost=cost, rand=rand)


def refused(code: Code) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, check=lambda error: error.code is code)


def tree(base: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, every folder."""
    return {str(p.relative_to(base)): p.read_bytes() if p.is_file() else None for p in sorted(base.rglob("*"))}


async def test_a_node_is_whole(tmp_path: Path, cost: Cost):
    """Keys that open, settings that load, a database with the first descriptor and the first leaves, no keyset yet."""
    result = await made(planned(tmp_path, adapter=drop_folder(tmp_path / "cases", seconds=9)), cost)
    folder = tmp_path / "node"
    settings = config.load(folder)
    assert (settings.node.name, settings.node.demo, settings.units) == ("FR", True, (UNIT,))
    assert settings.adapter is not None
    assert (settings.adapter.own, settings.adapter.poll_seconds) == ({"path": str(tmp_path / "cases")}, 9)
    assert Keystore.open(folder / KEYSTORE, "pw", at_least=cost).node == result.node
    store = Store(SqliteFile(folder / DATABASE))
    assert len(await store.read(identity_store.own_chain)) == 1
    events = [orjson.loads(leaf)["ev"] for _, leaf in await store.read(journal.leaves)]
    assert events == ["node.made", "change.completed", "change.completed", "policy.adopted"]
    store.close()
    assert len(result.fingerprint.split()) == 6


async def test_everything_is_private(tmp_path: Path, cost: Cost):
    """Folders 0700 and files 0600, whatever the mask of the caller."""
    await made(planned(tmp_path), cost)
    for path in [tmp_path / "node", tmp_path / "roots", *tmp_path.rglob("*/*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


@pytest.mark.parametrize(("demo", "count"), [(True, 1), (False, 3)])
async def test_roots_lie_outside(tmp_path: Path, cost: Cost, demo: bool, count: int):
    """One root for a demonstration, else three; none of them in the node folder, each under its own passphrase."""
    result = await made(planned(tmp_path, demo=demo), cost)
    assert count == len(result.root_files) == len(list((tmp_path / "roots").iterdir()))
    for path in result.root_files:
        load_root(path, "root pw", at_least=cost)
        assert not path.is_relative_to(tmp_path / "node")
        assert path.read_bytes() not in tree(tmp_path / "node").values()


async def test_two_nodes_share_nothing(tmp_path: Path, cost: Cost):
    """Ids, tokens and keys are random."""
    first = await made(planned(tmp_path / "a"), cost)
    second = await made(planned(tmp_path / "b"), cost)
    assert first.node != second.node
    for name in (TOKEN, KEYSTORE):
        assert (tmp_path / "a/node" / name).read_bytes() != (tmp_path / "b/node" / name).read_bytes()


@pytest.mark.parametrize("there", ["node", "roots/FR-root-1.key", ".node.new"])
async def test_nothing_is_overwritten(tmp_path: Path, cost: Cost, there: str):
    """A folder, a root file or the rest of an attempt that is there stays byte for byte, and nothing is added."""
    (tmp_path / there).parent.mkdir(exist_ok=True)
    if there.endswith(".key"):
        (tmp_path / there).write_text("a key")
    else:
        (tmp_path / there).mkdir()
        (tmp_path / there / "precious").write_text("precious")
    before = tree(tmp_path)
    with refused(Code.EXISTS):
        await made(planned(tmp_path), cost)
    assert before == tree(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"country": "France"},
        {"country": "fr"},
        {"name": "a/b"},
        {"name": ""},
        {"name": "../../x"},
        {"endpoint": "http://127.0.0.1:8443"},
        {"endpoint": "https://127.0.0.1:8443/path"},
        {"listen": "8443"},
        {"contact": "x" * 5_000},
        {"units": []},
        {"adapter": AdapterSection(kind="floppy")},
    ],
    ids=lambda changes: str(changes)[:40],
)
async def test_a_wrong_plan_leaves_nothing(tmp_path: Path, cost: Cost, changes: dict[str, object]):
    """What can not be a node is refused before or while it is made, and no file or folder of it stays."""
    with pytest.raises(RefusedError):
        await made(planned(tmp_path, **changes), cost)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("call", [3, 12, 20, 26])
async def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, cost: Cost, call: int):
    """The world may fail at any step: then there is no half node and no key that belongs to none."""
    calls = iter(range(1, 1_000))

    def rand(size: int) -> bytes:
        if next(calls) == call:
            raise OSError("no randomness")
        return system_rand(size)

    with pytest.raises(OSError, match="no randomness"):
        await made(planned(tmp_path, demo=False), cost, rand=rand)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(("passphrase", "roots"), [("", "x"), ("x", "")])
async def test_an_empty_passphrase_is_refused(tmp_path: Path, cost: Cost, passphrase: str, roots: str):
    """It would protect nothing."""
    with refused(Code.INVALID):
        await made(planned(tmp_path), cost, passphrase=passphrase, roots=roots)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("roots", ["node", "node/roots", "node/../node/roots", "link/roots"])
async def test_roots_inside_the_node_folder_are_refused(tmp_path: Path, cost: Cost, roots: str):
    """Also by a detour or a link."""
    (tmp_path / "link").symlink_to(tmp_path / "node")
    with refused(Code.INVALID):
        await made(planned(tmp_path, roots=tmp_path / roots), cost)
    assert not (tmp_path / "node").exists()


async def test_a_case_system_inside_the_node_folder_is_refused(tmp_path: Path, cost: Cost):
    """Its files hold plain text."""
    with refused(Code.INVALID):
        await made(planned(tmp_path, adapter=drop_folder(tmp_path / "node" / "cases")), cost)
    assert tree(tmp_path) == {}


async def test_the_secrets_are_nowhere_in_the_clear(tmp_path: Path, cost: Cost):
    """Neither passphrase is in any file that was made."""
    await made(planned(tmp_path), cost, passphrase="orchid-passphrase", roots="lily-passphrase")
    for data in tree(tmp_path).values():
        assert b"-passphrase" not in (data or b"")
