"""Files of a stopped node go to a bucket and back; a move that was cut off is repeated, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.attached import NOTE, added, stored
from support.buckets import ask, fresh_bucket, objects_of, section_of
from support.pair import Party, closed_node

from gateway.administration import move_attachments as moving
from gateway.administration.doctor.attachments import check_attachments
from gateway.administration.doctor.folder import Check, State
from gateway.administration.move_attachments import IN_THE_FOLDER, LEFT, move_attachments
from gateway.attachments.folder import FileFolder
from gateway.attachments.library import waiting_in
from gateway.attachments.store import every
from gateway.cli.root import trm
from gateway.errors import Code, RefusedError, TransientError
from gateway.foundation.config import AttachmentsSection, load

LONG = b"%PDF-1.7\n" + bytes(range(256)) * 10_000 + b"\n%%EOF\n"
"""Three pieces."""


def quiet(_done: int, _of: int) -> None:
    """Nobody is told."""


class Cut(BaseException):
    """The process ends here."""


@pytest.fixture
async def fr(tmp_path: Path) -> Party:
    """A node that has two files in its folder, and is stopped."""
    party = await closed_node(tmp_path)
    await party.open()
    await added(party, NOTE, await added(party, LONG))
    await party.stop()
    return party


def pieces_of(bucket: str) -> list[str]:
    """The objects of files in a bucket."""
    return [name for name in objects_of(bucket) if not name.endswith("/owner")]


async def move(party: Party, to: AttachmentsSection) -> moving.MovedFiles:
    """Move them, as the verb does."""
    return await move_attachments(party.folder, to, quiet, clock=party.clock)


async def read_back(party: Party) -> list[bytes]:
    """The files that wait at a node, which is opened for it."""
    await party.open()
    node = party.running
    rows = await node.store.read(every)
    parts = await node.store.read(lambda c: waiting_in(node.sealer, c, rows[0].id))
    found = [
        b"".join([chunk async for chunk in node.attachments.read(row, part)])
        for row, part in zip(rows, parts, strict=True)
    ]
    await party.stop()
    return found


async def examine(party: Party) -> list[Check]:
    """What `trm doctor` says of the place."""
    return await asyncio.to_thread(lambda: list(check_attachments(party.folder, load(party.folder), now=1)))


async def test_there_and_back(fr: Party, tmp_path: Path) -> None:
    """Nothing is left where they were, node.toml says where they are, and they open there."""
    before = {path.name: path.read_bytes() for path in stored(fr)}
    bucket = fresh_bucket()
    moved = await move(fr, section_of(bucket, tmp_path))
    assert (moved.files, moved.size, moved.missing) == (2, sum(map(len, before.values())), 0)
    assert (stored(fr), (fr.folder / LEFT).exists()) == ([], False)
    assert load(fr.folder).attachments == section_of(bucket, tmp_path)
    assert await read_back(fr) == [LONG, NOTE]
    assert {check.state for check in await examine(fr)} == {State.OK}
    assert await move(fr, IN_THE_FOLDER) == moved
    assert {path.name: path.read_bytes() for path in stored(fr)} == before
    assert pieces_of(bucket) == []
    assert await read_back(fr) == [LONG, NOTE]


@pytest.mark.parametrize("step", ["second file", "settings", "leaving"])
async def test_a_kill_at_each_step(fr: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """All files are whole at the place that node.toml names, and the same verb once more makes an end of it."""
    bucket = fresh_bucket()
    to = section_of(bucket, tmp_path)

    def cut(*_: object, **__: object) -> None:
        raise Cut

    def cut_at_second(done: int, _of: int) -> None:
        if done == 1:
            raise Cut

    with monkeypatch.context() as killed, pytest.raises(Cut):
        match step:
            case "settings":
                killed.setattr(moving, "write_section", cut)
            case "leaving":
                killed.setattr(FileFolder, "erase", cut)
        tell = cut_at_second if step == "second file" else quiet
        await move_attachments(fr.folder, to, tell, clock=fr.clock)
    settled = step == "leaving"
    assert load(fr.folder).attachments == (to if settled else IN_THE_FOLDER)
    assert len(stored(fr)) == 2
    told = await examine(fr)
    assert any("cut off" in check.found for check in told) is (step != "second file")
    assert await read_back(fr) == [LONG, NOTE]
    assert (await move(fr, to)).files == 2
    assert (stored(fr), (fr.folder / LEFT).exists()) == ([], False)
    assert await read_back(fr) == [LONG, NOTE]


async def test_what_differs_at_the_new_place_moves_nothing(fr: Party, tmp_path: Path) -> None:
    """A bucket in which other bytes lie is told, and the node stays where it was."""
    bucket = fresh_bucket()
    to = section_of(bucket, tmp_path)
    with pytest.raises(Cut):
        await move_attachments(fr.folder, to, _cut, clock=fr.clock)
    ask("PUT", f"{bucket}/{pieces_of(bucket)[0]}", b"other bytes")
    with pytest.raises(TransientError, match="other bytes"):
        await move(fr, to)
    assert load(fr.folder).attachments == IN_THE_FOLDER and len(stored(fr)) == 2


def _cut(_done: int, _of: int) -> None:
    raise Cut


async def test_a_prefix_of_another_node_is_refused(fr: Party, tmp_path: Path) -> None:
    """Before anything is written there."""
    bucket = fresh_bucket()
    ask("PUT", f"{bucket}/fr/owner", b"another-node")
    with pytest.raises(TransientError, match="another node's"):
        await move(fr, section_of(bucket, tmp_path))
    assert pieces_of(bucket) == [] and len(stored(fr)) == 2


async def test_they_are_there_already(fr: Party, tmp_path: Path) -> None:
    """Also where the bucket is named in another way: what is there would be taken away as left over."""
    bucket = fresh_bucket()
    to = section_of(bucket, tmp_path)
    await move(fr, to)
    for again in (to, to.model_copy(update={"url": f"{to.url}/", "region": "eu-west-3"})):
        with pytest.raises(RefusedError) as caught:
            await move(fr, again)
        assert caught.value.code is Code.CONFLICT
    assert len(pieces_of(bucket)) > 2


async def test_a_file_that_was_not_there(fr: Party, tmp_path: Path) -> None:
    """Is counted; the others are moved."""
    stored(fr)[0].unlink()
    moved = await move(fr, section_of(fresh_bucket(), tmp_path))
    assert (moved.files, moved.missing) == (1, 1)


async def test_by_the_verb(fr: Party, tmp_path: Path) -> None:
    """`trm attachment move` says what it did, as people and programs read it."""
    to = section_of(fresh_bucket(), tmp_path)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(
            CliRunner().invoke, trm, ["attachment", "move", *words, "--node", str(fr.folder)]
        )

    named = ["--to", str(to.url), "--endpoint", str(to.endpoint), "--credentials-file", str(to.credentials_file)]
    there = await run(*named, "--json")
    assert there.exit_code == 0 and json.loads(there.stdout)["files"] == 2, there.output
    back = await run("--to-folder")
    assert back.exit_code == 0 and "start the node" in back.stderr, back.output
    assert (await run()).exit_code == 2
    unnamed = await run("--to", "s3://bucket/fr")
    assert unnamed.exit_code == 1 and "--credentials-file" in unnamed.stderr
