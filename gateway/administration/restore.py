"""Opening backups: `trm backup verify` and `trm restore` (nrm1 5.8, 13.4). A running node is not needed.

A restored node is made in a new folder and never over one that is there. It knows that it was restored: it numbers,
sends and accepts nothing from a peer before people on both sides have agreed (`gateway.peers.link_reset_state`).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.administration.backup import CHECKPOINT, SETTINGS, write_new
from gateway.administration.put_back import void_credentials
from gateway.administration.settings_file import forget_places
from gateway.consent import unconfirmed_store
from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.snapshot import check, counts
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation import config
from gateway.foundation.ids import NodeId
from gateway.foundation.node_folder import DATABASE, KEYSTORE, RUN
from gateway.ledger import store as ledger_store
from gateway.ledger.reading import Hasher, newer_than_stored, read_ledger
from gateway.ledger.rules import SLACK
from gateway.peers import store as peer_rows
from gateway.ports import Clock
from gateway.trust.link_reset.decisions import mark_restored
from keys.backups.backup import CHAIN, KEYRING, Opening, read_header
from keys.backups.backup_header import Header, Kind
from keys.documents.descriptor import Descriptor, parse_descriptor
from keys.documents.descriptor_chain import CHAIN_LIMIT, accept_chain, decode_chain
from keys.keystore.keyring import Keyring
from keys.keystore.keystore import DEFAULT_COST, Cost, Keystore
from keys.primitives.encoding import SKEW
from keys.primitives.seal import EncPrivateKey

SMALL: Final = 4 * 1024 * 1024
_DATA: Final = {SETTINGS, CHECKPOINT, DATABASE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a backup is, once it was opened wholly. `counts` are rows of a data backup, keys of a keystore backup."""

    header: Header
    newest: Descriptor
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was made. `closed` rows of content name a storage epoch that the keystore backup does not hold.

    `bucket` has its attachments. `ledger` is the time of its last line, None where none was given. Where it is not
    `whole`, since there is none or it ends before the loss, `unconfirmed` consents wait for the workers of their cases.
    """

    node: NodeId
    name: str
    folder: Path
    backup: int
    opened: int
    closed: int
    peers: tuple[str, ...]
    bucket: str | None
    ledger: int | None
    whole: bool
    unconfirmed: int


# --- verify ------------------------------------------------------------------------------------------------------


def header_of(path: Path) -> Header:
    """What stands in front of a backup file; believed only once it was opened. Raises RefusedError(invalid)."""
    with _reading(path), path.open("rb") as file:
        return read_header(file.read)[0]


def verify(path: Path, key: EncPrivateKey) -> Report:
    """Open a backup to its end, check its signature, and of a data backup the whole database; nothing is changed.

    The database is unpacked into a folder that is removed again: it holds ciphertext only. Keys stay in memory.

    Raises:
        RefusedError: not_found, invalid, undecryptable, bad_signature, unknown_recipient_key.
    """
    if header_of(path).kind is Kind.KEYSTORE:
        opened = _open_keystore(path, key)
        counted = {"keys": len(opened.ring.keys), "epochs": len(opened.ring.epochs)}
        return Report(header=opened.header, newest=opened.chain[-1], counts=counted)
    with TemporaryDirectory(prefix="trm-verify-") as apart:
        header, chain = _open_data(path, key, Path(apart))
        check(Path(apart) / DATABASE)
        return Report(header=header, newest=chain[-1], counts=counts(Path(apart) / DATABASE))


# --- restore -----------------------------------------------------------------------------------------------------


async def restore(
    data: Path,
    keystore: Path,
    key: EncPrivateKey,
    folder: Path,
    passphrase: str,
    *,
    ledger: Path | None,
    lost: int | None = None,
    clock: Clock,
    cost: Cost = DEFAULT_COST,
) -> Restored:
    """Make a node folder out of two backups, with a key store under a new passphrase. What `ledger` names is taken away
    again at the first start; without one, and with one that ends long before the disk was `lost` (Unix seconds, None
    for now), every consent waits to be confirmed.

    Raises:
        RefusedError: exists (the folder is there), wrong_node (the two are of different nodes), clock (earlier than the
            backup, the node's keys or the loss), as ``verify``, and as ``_read_ledger``; nothing is left behind.
    """
    if folder.exists():
        raise RefusedError(
            Code.EXISTS,
            f"{folder} exists already; nothing was changed",
            hint="a backup is never restored over a node: name a new folder",
        )
    draft = folder.with_name(f".{folder.name}.new")
    if draft.exists():
        raise RefusedError(Code.EXISTS, f"{draft} is left over from an interrupted attempt", hint=f"remove {draft}")
    try:
        draft.mkdir(mode=0o700, parents=True)
        made = await _fill(draft, folder, data, keystore, key, passphrase, ledger, lost, clock, cost)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return made


async def _fill(
    draft: Path,
    folder: Path,
    data: Path,
    keystore: Path,
    key: EncPrivateKey,
    passphrase: str,
    ledger: Path | None,
    lost: int | None,
    clock: Clock,
    cost: Cost,
) -> Restored:
    keys = await asyncio.to_thread(_open_keystore, keystore, key)
    header, chain = await asyncio.to_thread(_open_data, data, key, draft)
    await asyncio.to_thread(check, draft / DATABASE)
    if header.node != keys.header.node:
        raise RefusedError(Code.WRONG_NODE, "the two backups are of different nodes; nothing was made")
    now = clock.now()
    if now + SKEW < max(header.at, keys.header.at, chain[-1].signs_from, lost or 0):
        raise RefusedError(
            Code.CLOCK,
            "the clock is earlier than the backup, the node's keys or the loss; nothing was made",
            hint="set the clock of this machine",
        )
    bucket = forget_places(draft)
    store = Store(SqliteFile(draft / DATABASE))
    try:
        recorded = await store.read(lambda c: meta.get_meta(c, "keystore_gen"))
        gen = 1 + max(int(recorded or b"1"), header.gen, keys.header.gen)
        held_keys = await asyncio.to_thread(Keystore.restore, draft / KEYSTORE, passphrase, keys.ring, gen, cost=cost)
        until = None if ledger is None else await _read_ledger(ledger, store, held_keys, made=header.at)
        await store.move(lambda c: void_credentials(c, at=now))
        await store.move(lambda c: mark_restored(c, made=header.at, sha256=header.sha256, gen=gen, at=now))
        whole = until is not None and until + SLACK >= (now if lost is None else lost)
        unconfirmed = 0 if whole else await store.move(lambda c: unconfirmed_store.doubt_all(c, at=now))
        held = {epoch.n for epoch in keys.ring.epochs}
        rows = await store.read(
            lambda c: [tuple(r) for r in c.exec_driver_sql("select epoch, count(*) from datakey group by epoch")]
        )
        peers = await store.read(lambda c: tuple(row.name for row in peer_rows.load(c)))
        await store.checkpoint(truncate=True)
    finally:
        store.close()
    (draft / RUN).mkdir(mode=0o700)
    return Restored(
        node=header.node,
        name=config.load(draft).node.name,
        folder=folder,
        backup=header.at,
        opened=sum(count for epoch, count in rows if epoch in held),
        closed=sum(count for epoch, count in rows if epoch not in held),
        peers=peers,
        bucket=bucket,
        ledger=until,
        whole=whole,
        unconfirmed=unconfirmed,
    )


async def _read_ledger(path: Path, store: Store, keys: Hasher, *, made: int) -> int:
    """Take in what the ledger knows and the backup does not; the time of its last line.

    Raises:
        RefusedError: as what reads it, and invalid where it does not go from before the backup to after it.
    """
    lines = await asyncio.to_thread(read_ledger, keys, path)
    newest = await store.read(ledger_store.last)
    if not lines or lines[-1].entry.at < made or (newest is None and lines[0].entry.at > made):
        raise RefusedError(
            Code.INVALID,
            f"{path.name} does not go from the backup to the loss; nothing was made",
            hint="take the newest copy of the ledger; where there is none say --without-ledger",
        )
    entries = await store.read(lambda c: newer_than_stored(keys, c, lines))
    await store.move(lambda c: ledger_store.add_read(c, entries))
    return lines[-1].entry.at


# --- opening -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    header: Header
    chain: tuple[Descriptor, ...]
    ring: Keyring

    def __repr__(self) -> str:
        return "<redacted>"


def _open_keystore(path: Path, key: EncPrivateKey) -> _Keys:
    """A keystore backup, in memory only."""
    with _reading(path), path.open("rb") as file:
        opening = Opening(file.read, key)
        _require(opening, Kind.KEYSTORE)
        chain = _chain(opening)
        named = opening.member()
        if named is None or named[0] != KEYRING:
            raise RemoteError(Code.MALFORMED, "the backup holds no keyring")
        ring = Keyring.parse(opening.whole(named[1], SMALL))
        if opening.member() is not None or ring.node != chain[-1].node or ring.enc:
            raise RemoteError(Code.MALFORMED, "the backup holds something other than a keyring of its node")
        return _Keys(header=opening.finish(chain), chain=chain, ring=ring)


def _open_data(path: Path, key: EncPrivateKey, into: Path) -> tuple[Header, tuple[Descriptor, ...]]:
    """A data backup, its files written into a folder that is thrown away unless this returns."""
    with _reading(path), path.open("rb") as file:
        opening = Opening(file.read, key)
        _require(opening, Kind.DATA)
        chain = _chain(opening)
        found = set()
        while (named := opening.member()) is not None:
            name, size = named
            if name not in _DATA or name in found or (name != DATABASE and size > SMALL):
                raise RemoteError(Code.MALFORMED, "the backup holds a file that is not part of a node")
            found.add(name)
            write_new(into / name, opening.chunks(size))
        if not {SETTINGS, DATABASE} <= found:
            raise RemoteError(Code.MALFORMED, "the backup does not hold a whole node")
        return opening.finish(chain), chain


def _require(opening: Opening, kind: Kind) -> None:
    if opening.header.kind is not kind:
        raise RefusedError(
            Code.INVALID,
            f"this is a {opening.header.kind} backup, and a {kind} backup is needed; nothing was made",
            hint="first the .data file, then the .keystore file",
        )


def _chain(opening: Opening) -> tuple[Descriptor, ...]:
    named = opening.member()
    if named is None or named[0] != CHAIN:
        raise RemoteError(Code.MALFORMED, "the backup does not begin with the chain of its node")
    documents = decode_chain(opening.whole(named[1], CHAIN_LIMIT))
    # Each was accepted when it came; the clock by which the backup was made may have been set back since.
    return accept_chain(documents, max((parse_descriptor(one).issued for one in documents), default=0))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """The one place where what is wrong with a file becomes a refusal that names it."""
    try:
        yield
    except RemoteError as exc:
        another = exc.code is Code.UNKNOWN_RECIPIENT_KEY
        hint = "take the other recovery key" if another else "the file is damaged, or this node did not make it"
        raise RefusedError(exc.code, f"{path.name}: {exc.what}; nothing was changed", hint=hint) from exc
    except FileNotFoundError as exc:
        raise RefusedError(Code.NOT_FOUND, f"there is no {path}") from exc
