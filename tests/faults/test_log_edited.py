"""The database edited by hand. Each edit is named by `trm audit verify` or refused at the
start, and the stranger's verifier names the same place (nrm1 11.1; threat 49).
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.logs import (
    EARLY,
    LATE,
    Witnessed,
    copied,
    edit,
    exported,
    leaf_of,
    our_verdict,
    party,
    rows,
    stranger,
    witnessed,
)
from support.nodechild import CHEAP
from support.pair import PASSPHRASE, START

from gateway.errors import Code, RefusedError
from keys.documents.descriptor_chain import accept_chain
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.keystore.keystore import Keystore
from keys.primitives.domains import DESCRIPTOR
from keys.primitives.encoding import canon
from keys.primitives.merkle_tree import Tiles, leaf_hash
from keys.primitives.sign import SignedDocument

Edit = Callable[[Path, Witnessed], None]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    """The log that every test spoils a copy of."""
    yield asyncio.run(witnessed(tmp_path_factory.mktemp("log")))


# --- what a hand can do to a database ------------------------------------------------------------------------------


def put_leaf(folder: Path, seq: int, **changes: Any) -> None:
    """Another content of one entry, well formed."""
    edit(folder, ("update audit set leaf = ? where seq = ?", (canon(leaf_of(folder, seq) | changes), seq)))


def leaf_changed(folder: Path, log: Witnessed) -> None:
    """One entry says something else, well formed, under a full tile."""
    put_leaf(folder, 17, at=START - 1)


def last_leaf_changed(folder: Path, log: Witnessed) -> None:
    """The same behind the last full tile."""
    put_leaf(folder, LATE, at=START - 1)


def leaf_deleted(folder: Path, log: Witnessed) -> None:
    """A hole."""
    edit(folder, ("delete from audit where seq = 17", ()))


def deleted_and_closed(folder: Path, log: Witnessed) -> None:
    """The hole is closed: every later entry gets the number before, also inside."""
    edit(folder, ("delete from audit where seq = 17", ()))
    for seq in range(18, LATE + 1):
        changed = canon(leaf_of(folder, seq) | {"seq": seq - 1})
        edit(folder, ("update audit set seq = ?, leaf = ? where seq = ?", (seq - 1, changed, seq)))


def two_swapped(folder: Path, log: Witnessed) -> None:
    """Two entries trade places."""
    (a, first), (b, second) = rows(folder, "select seq, leaf from audit where seq in (17, 18)")
    put = "update audit set leaf = ? where seq = ?"
    edit(folder, (put, (second, a)), (put, (first, b)))


def tail_cut(folder: Path, log: Witnessed) -> None:
    """The newest entries are gone."""
    edit(folder, ("delete from audit where seq > ?", (LATE - 5,)))


def leaf_inserted(folder: Path, log: Witnessed) -> None:
    """One more entry in the middle, all later ones renumbered, also inside."""
    extra = canon(leaf_of(folder, 17) | {"at": START - 1})
    for seq in range(LATE, 16, -1):
        changed = canon(leaf_of(folder, seq) | {"seq": seq + 1})
        edit(folder, ("update audit set seq = ?, leaf = ? where seq = ?", (seq + 1, changed, seq)))
    edit(folder, ("insert into audit (seq, leaf) values (17, ?)", (extra,)))


def leaf_and_tile_changed(folder: Path, log: Witnessed) -> None:
    """The tile is made to fit the changed entry."""
    put_leaf(folder, 17, at=START - 1)
    for level, index, data in rebuilt(folder).full(0):
        edit(folder, ("update audit_tile set hashes = ? where level = ? and idx = ?", (data, level, index)))


def checkpoint_altered(folder: Path, log: Witnessed) -> None:
    """Another root, under the signature of the old one."""
    ((note,),) = rows(folder, f"select note from checkpoint where size = {LATE}")
    found = SignedNote.decode(note)
    head = Checkpoint.parse(found.text)
    other = Checkpoint(origin=head.origin, size=head.size, root=leaf_hash(b"other"))
    forged = SignedNote(text=other.text, signatures=found.signatures).encode()
    edit(folder, ("update checkpoint set note = ? where size = ?", (forged, LATE)))


def all_rewritten(folder: Path, log: Witnessed) -> None:
    """Root on the host with the node's own keys: entry, tiles and both checkpoints made anew and signed again."""
    leaf_and_tile_changed(folder, log)
    tail = b"".join(rebuilt(folder).tile(0, LATE // 256))
    edit(folder, ("update audit_tile set hashes = ? where level = 0 and idx = 1", (tail,)))
    keys = Keystore.open(folder / "keystore", PASSPHRASE, at_least=CHEAP)
    documents = [
        SignedDocument.decode(data, DESCRIPTOR) for (data,) in rows(folder, "select document from own_descriptor")
    ]
    own = accept_chain(documents, START)[-1]
    keys.activate((own,), START)
    for (size,) in rows(folder, "select size from checkpoint where size > 16"):
        text = Checkpoint(origin=own.log, size=size, root=rebuilt(folder, size).root()).text
        note = SignedNote(text=text, signatures=read_signatures(keys.sign_log(text)))
        edit(folder, ("update checkpoint set note = ? where size = ?", (note.encode(), size)))


def rebuilt(folder: Path, size: int = LATE) -> Tiles:
    """The tree of the entries as they are now."""
    hashes = [leaf_hash(leaf) for (leaf,) in rows(folder, "select leaf from audit order by seq")]
    return Tiles(size, lambda level, index: None, lambda first, last: hashes[first:last])


def checkpoint_deleted(folder: Path, log: Witnessed) -> None:
    """The newest checkpoint is gone."""
    edit(folder, ("delete from checkpoint where size = ?", (LATE,)))


def tile_changed(folder: Path, log: Witnessed) -> None:
    """One recorded hash is another."""
    ((data,),) = rows(folder, "select hashes from audit_tile where level = 0 and idx = 0")
    edit(folder, ("update audit_tile set hashes = ? where idx = 0", (data[:64] + leaf_hash(b"") + data[96:],)))


def leaf_typed(folder: Path, log: Witnessed) -> None:
    """What a person types into sqlite3 is text, not bytes."""
    edit(folder, ("update audit set leaf = replace(cast(leaf as text), 'alarm.', 'Alarm.') where seq = 200", ()))


def last_leaf_a_number(folder: Path, log: Witnessed) -> None:
    """Not even text."""
    edit(folder, ("update audit set leaf = 5 where seq = ?", (LATE,)))


def checkpoint_typed(folder: Path, log: Witnessed) -> None:
    """A word where a note was."""
    edit(folder, ("update checkpoint set note = 'word', at = 'noon' where size = ?", (LATE,)))


def tile_typed(folder: Path, log: Witnessed) -> None:
    """A word where hashes were."""
    edit(folder, ("update audit_tile set hashes = 'word' where level = 0 and idx = 0", ()))


def cosignature_typed(folder: Path, log: Witnessed) -> None:
    """A word where a signature was."""
    edit(folder, ("update cosignature set line = 'word', first = 7, at = 'noon' where size = ?", (LATE,)))


def tile_deleted(folder: Path, log: Witnessed) -> None:
    """A recorded tile is gone."""
    edit(folder, ("delete from audit_tile where idx = 0", ()))


def cosignature_altered(folder: Path, log: Witnessed) -> None:
    """One bit of what the witness said."""
    ((line,),) = rows(folder, f"select line from cosignature where size = {LATE}")
    *others, found = read_signatures(line)
    forged = replace(found, value=found.value[:-1] + bytes([found.value[-1] ^ 1]))
    data = b"".join(signature.line for signature in (*others, forged))
    edit(folder, ("update cosignature set line = ? where size = ?", (data, LATE)))


def rolled_back(folder: Path, log: Witnessed) -> None:
    """Yesterday's database; the checkpoint kept beside it is today's."""
    for name in ("node.db-wal", "node.db-shm"):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    shutil.copy(log.yesterday / "node.db", folder / "node.db")


def kept_deleted(folder: Path, log: Witnessed) -> None:
    """The checkpoint beside the database is gone."""
    (folder / "checkpoint").unlink()


def kept_altered(folder: Path, log: Witnessed) -> None:
    """The checkpoint beside the database claims another size."""
    note = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint").write_bytes(note.replace(f"\n{LATE}\n".encode(), f"\n{LATE + 1}\n".encode()))


REFUSED, RUNS = True, False
EDITS: list[tuple[Edit, str, bool]] = [
    (leaf_changed, "leaf 17", RUNS),  # under a full tile: not looked at when the node starts
    (last_leaf_changed, f"leaf {LATE}", REFUSED),
    (leaf_deleted, "leaf 17", RUNS),
    (deleted_and_closed, "leaf 17", REFUSED),
    (two_swapped, "leaf 17", RUNS),
    (tail_cut, f"leaf {LATE - 4}", REFUSED),
    (leaf_inserted, "leaf 17", REFUSED),
    (leaf_and_tile_changed, f"checkpoint {EARLY}", REFUSED),
    (checkpoint_altered, f"checkpoint {LATE}", REFUSED),
    (all_rewritten, f"cosignature of AL on {EARLY}", REFUSED),
    (checkpoint_deleted, f"checkpoint {LATE}", REFUSED),
    (tile_changed, "tile 0/0", REFUSED),
    (tile_deleted, "tile 0/0", RUNS),
    (leaf_typed, "leaf 200", RUNS),
    (last_leaf_a_number, f"leaf {LATE}", REFUSED),
    (checkpoint_typed, f"checkpoint {LATE}", REFUSED),
    (tile_typed, "tile 0/0", RUNS),
    (cosignature_typed, f"cosignature of AL on {LATE}", RUNS),
    (cosignature_altered, f"cosignature of AL on {LATE}", RUNS),
    (rolled_back, f"leaf {EARLY + 1}", REFUSED),
    (kept_deleted, "kept checkpoint", RUNS),
    (kept_altered, "kept checkpoint", REFUSED),
]
NAMES = [change.__name__ for change, _, _ in EDITS]


def test_the_log_holds(log: Witnessed, tmp_path: Path) -> None:
    """Unspoilt it is whole and witnessed, for us and for the stranger."""
    folder = log.copy(tmp_path)
    ours = asyncio.run(our_verdict(folder))
    assert (ours["ok"], ours["entries"], ours["newest"]) == (True, LATE, LATE)
    assert [item["node"] for item in ours["witnessed"]["by"]] == [log.al]
    code, lines = stranger(asyncio.run(exported(folder, tmp_path / "log.jsonl")), *log.fingerprints)
    assert (code, lines[0]) == (0, f"{LATE} entries: the log holds")
    assert lines[1] == f"witnessed up to entry {LATE} by" and log.al in lines[2]


@pytest.mark.parametrize(("change", "place", "refused"), EDITS, ids=NAMES)
def test_an_edit_is_named(log: Witnessed, tmp_path: Path, change: Edit, place: str, refused: bool) -> None:
    """`trm audit verify` names the first bad entry; where the node looks at the start, it refuses, writing nothing."""
    folder = log.copy(tmp_path)
    change(folder, log)
    verdict = asyncio.run(our_verdict(folder))
    places = [item["place"].replace(log.al, "AL") for item in verdict["findings"]]
    assert not verdict["ok"]
    assert places[0] == place
    before = rows(folder, "select count(*) from audit")
    starts = asyncio.run(start(folder))
    assert (starts is not None) == refused, starts
    if starts is not None:
        assert starts.code is Code.LOG_ROLLED_BACK
        assert place in starts.what.replace(log.al, "AL") and "nothing was started" in starts.what
        assert rows(folder, "select count(*) from audit") == before


@pytest.mark.parametrize(("change", "place"), [(change, place) for change, place, _ in EDITS], ids=NAMES)
def test_the_stranger_agrees(log: Witnessed, tmp_path: Path, change: Edit, place: str) -> None:
    """On the export of the spoilt log the stranger's verifier finds the same places in the same order."""
    folder = log.copy(tmp_path)
    change(folder, log)
    verdict = asyncio.run(our_verdict(folder))
    code, lines = stranger(asyncio.run(exported(folder, tmp_path / "log.jsonl")), *log.fingerprints)
    findings = lines[: next(i for i, line in enumerate(lines) if " entries: " in line)]
    assert code == 1
    assert len(findings) == len(verdict["findings"])
    assert [told["place"] for told in verdict["findings"]] == [
        found[: len(told["place"])] for found, told in zip(findings, verdict["findings"], strict=True)
    ]


async def start(folder: Path) -> RefusedError | None:
    """How the start of the node was refused, None for a node that runs."""
    node = party(folder, "FR", START)
    try:
        await node.start()
    except RefusedError as error:
        node.serving = None
        return error
    finally:
        with suppress(RefusedError):
            await node.stop()
    return None


# --- the whole folder put back, while a peer remembers --------------------------------------------------------------


@pytest.mark.parametrize("kept", ["yesterdays", "none"])
def test_rolled_back_with_its_checkpoint(log: Witnessed, tmp_path: Path, kept: str) -> None:
    """Database and kept checkpoint of yesterday hold for themselves. The peer that cosigned more proves the rest:
    nothing departs, a person is told, and the node does not start on this database again.
    """
    folder = log.copy(tmp_path)
    rolled_back(folder, log)
    for beside in ("checkpoint", "position"):
        (folder / beside).unlink()
    if kept == "yesterdays":
        shutil.copy(log.yesterday / "checkpoint", folder / "checkpoint")
        assert asyncio.run(our_verdict(folder))["ok"]
    copied(log.base / "AL", tmp_path / "AL")
    asyncio.run(told_by_the_peer(tmp_path, folder))
    again = asyncio.run(start(folder))
    assert again is not None and again.code is Code.LOG_ROLLED_BACK
    assert f"was signed over {LATE} leaves" in again.what


async def told_by_the_peer(base: Path, folder: Path) -> None:
    """Both nodes run until FR has learnt what AL holds."""
    fr, al = party(folder, "FR", START), party(base / "AL", "AL", START)
    al.clock = fr.clock  # further apart than their clocks may be they hear nothing of each other
    await al.start()
    await fr.start()
    try:
        for _ in range(20_000):
            if "log.rolled_back" in await fr.alarms():
                break
            fr.clock.advance(1)
            await asyncio.sleep(0.01)
        assert "log.rolled_back" in await fr.alarms()
        assert fr.running.log.halted is Code.LOG_ROLLED_BACK
        shown = await fr.call("audit.show")
        assert shown["halted"] == "log_rolled_back"
    finally:
        await fr.stop()
        await al.stop()


def test_a_kept_checkpoint_may_be_the_one_before(log: Witnessed, tmp_path: Path) -> None:
    """The file is written after the database: a crash between the two leaves an older one, and that is no fault."""
    folder = log.copy(tmp_path)
    shutil.copy(log.yesterday / "checkpoint", folder / "checkpoint")
    assert asyncio.run(our_verdict(folder))["ok"]
    assert asyncio.run(start(folder)) is None


def test_a_new_file_of_the_export_is_cut(log: Witnessed, tmp_path: Path) -> None:
    """A file that ends early, a line of another kind, a missing or a foreign fingerprint: the stranger refuses. One of
    two witnesses is told as that.
    """
    file = asyncio.run(exported(log.copy(tmp_path), tmp_path / "log.jsonl"))
    whole = file.read_text()
    foreign = log.fingerprints[::-1]
    assert stranger(file, *foreign)[1] == ["refused: the log is of another node than the first fingerprint"]
    assert stranger(file)[0] == 2
    lines = whole.splitlines(keepends=True)
    for spoilt in ("".join(lines[:-1]), whole + json.dumps({"x": 1}) + "\n", whole.replace('"seq":9}', '"seq":9.0}')):
        file.write_text(spoilt)
        code, said = stranger(file, *log.fingerprints)
        assert code == 1 and said[0].startswith("refused: ")
    file.write_text(whole)
    two = file.read_text().replace('"quorum":1', '"quorum":2', 1)
    file.write_text(two)
    code, said = stranger(file, *log.fingerprints)
    assert (code, said[1].partition(" up to ")[0]) == (0, "witnessed by 1 of 2 needed,")
    assert said[2].startswith(f"  {log.al} at ")
    file.write_text(whole)
    alone = stranger(file, log.fingerprints[0])
    assert alone[0] == 0 and alone[1][1].startswith("unwitnessed")


def test_entries_cut_from_the_export(log: Witnessed, tmp_path: Path) -> None:
    """Entries behind the newest checkpoint are in nobody's signature: the file says how many there are in all."""
    folder = log.copy(tmp_path)
    late = {"seq": LATE + 1, "at": START, "ev": "alarm.dismissed", "actor": "0"}
    edit(folder, ("insert into audit (seq, leaf) values (?, ?)", (LATE + 1, canon(late))))
    file = asyncio.run(exported(folder, tmp_path / "log.jsonl"))
    assert stranger(file, *log.fingerprints)[1][0] == f"{LATE + 1} entries: the log holds"
    lines = [line for line in file.read_text().splitlines(keepends=True) if not line.endswith(f'"seq":{LATE + 1}}}\n')]
    file.write_text("".join(lines))
    assert stranger(file, *log.fingerprints) == (1, ["refused: the file is cut short"])
    file.write_text("[]\n")
    assert stranger(file, *log.fingerprints) == (1, ["refused: not an audit export"])
