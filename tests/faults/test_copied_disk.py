"""A thief with a copy of the disk from before an erasure, the passphrase, the backups and the recorded wire
(nrm1 13.5; threats 190, 196).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.drill import PASSPHRASE, Drill, drills
from support.keystores import CHEAP
from support.pair import Spoiler
from support.tokens import SoftToken, SoftTpm, soft_token, soft_tpm

from gateway.administration.key_place import move_key_store
from gateway.administration.restore import restore
from gateway.database import content
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.errors import Code, GatewayError, RefusedError, RemoteError
from keys.documents.envelope import cek_info, parse_envelope
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.destructible.places import Places
from keys.keystore.destructible.secret import Place
from keys.keystore.keystore import Keystore
from keys.primitives.seal import EncPrivateKey

MARK = "the case that is erased"
KEPT = "the case that is kept"
EVERY_EPOCH = 1 << 30
HELD = [Place.TPM, Place.PKCS11]


@contextmanager
def machine(place: Place) -> Iterator[SoftTpm | SoftToken | None]:
    """The TPM or the token of the node, real but for its body."""
    with soft_tpm() if place is Place.TPM else soft_token() if place is Place.PKCS11 else nullcontext() as device:
        yield device


@dataclass
class Thief:
    """What was copied before the erasure, and what the machine of the node has now."""

    base: Path
    places: Places
    copy: Path
    wire: Sequence[bytes]
    number: int = 0

    def try_keys(self, keystore: Path, secret: Path | None = None, places: Places | None = None) -> Keystore | None:
        """Open a copy of a key store with the passphrase; None where it does not open, for whatever reason."""
        self.number += 1
        mine = self.base / f"try {self.number}"
        mine.mkdir()
        shutil.copy(keystore, mine / "keystore")
        if secret is not None and secret.exists():
            shutil.copy(secret, mine / "keystore.secret")
        try:
            return Keystore.open(mine / "keystore", PASSPHRASE, places=places or self.places, at_least=CHEAP)
        except GatewayError:
            return None

    def open_wire(self, keys: Keystore) -> int:
        """How many of the recorded envelopes these keys open."""
        opened = 0
        for data in self.wire:
            envelope = parse_envelope(data)
            for recipient in envelope.rcp:
                try:
                    opened += (
                        len(keys.open_cek(recipient.kid, recipient.enc, cek_info(recipient.kid, envelope.hdr))) == 32
                    )
                except RemoteError:
                    continue
        return opened

    async def open_rows(self, folder: Path, keys: Keystore) -> set[int]:
        """The rows of a copied database whose content these keys open."""
        self.number += 1
        mine = self.base / f"rows {self.number}"
        mine.mkdir()
        for file in folder.glob("node.db*"):
            shutil.copy(file, mine / file.name)
        store = Store(SqliteFile(mine / "node.db"))
        try:
            rows = await store.read(lambda c: content.keys_not_of(c, EVERY_EPOCH, 100_000))
        finally:
            store.close()
        return {ref for ref, epoch, wrapped in rows if _unwraps(keys, ref, epoch, wrapped)}


def _unwraps(keys: Keystore, ref: int, epoch: int, wrapped: bytes) -> bool:
    try:
        return len(keys.unwrap(ref.to_bytes(8, "big"), epoch, wrapped)) == 32
    except RefusedError:
        return False


async def moved(drill: Drill, place: Place, device: SoftTpm | SoftToken | None) -> Places:
    """FR has its secret in this place, and goes on."""
    fr, places = drill.two.fr, Places() if device is None else device.places
    if place is Place.FILE:
        return places
    await fr.stop()
    settings = fr.folder / "node.toml"
    section = [] if places.tpm is None else ["[keys]", f'tpm = "{places.tpm}"']
    if places.token is not None:
        token = places.token
        section = ["[keys.pkcs11]", f'module = "{token.module}"', f'token = "{token.label}"']
        section += [f'pin_file = "{token.pin_file}"']
    settings.write_text("\n".join([settings.read_text(), *section, ""]))
    assert (await move_key_store(fr.folder, PASSPHRASE, place, at_least=CHEAP)).place is place
    await fr.start()
    return places


async def robbed(drill: Drill, places: Places) -> tuple[Thief, str, tuple[Path, Path]]:
    """A message came to FR; then its disk was copied as it runs, with the write-ahead log, and a backup was made."""
    two, base = drill.two, drill.base
    wire = Spoiler(two.al)
    await two.al.submit(KEPT)
    id = await two.al.submit(MARK)
    await two.until(lambda: {MARK, KEPT} <= set(two.fr.notes()), seconds=60)
    backup = await drill.backup()
    copy = base / "copied"
    shutil.copytree(two.fr.folder, copy, ignore=shutil.ignore_patterns("*.sock"))
    recorded = [data for request in wire.envelopes() for data in request]
    assert recorded
    return Thief(base, places, copy, recorded), id, backup


async def erased(drill: Drill, id: str) -> None:
    """FR erases the message and has told AL, signed, that it is gone."""
    two = drill.two
    two.clock.advance(1)
    await two.fr.call("message.erase", id=id, direction="in", reason="not_needed")

    async def told() -> bool:
        return "erased" in {receipt["status"] for receipt in (await two.al.show(id))["receipts"]}

    await two.until(told, seconds=60)


@pytest.mark.parametrize("place", Place)
async def test_a_copied_disk_with_the_wire_and_the_passphrase(place: Place, tmp_path: Path) -> None:
    """Before the erasure the copy opens on the machine. After it, with a TPM or a token, nothing of it opens anywhere:
    not the key store, not a row of the database or its log, not the wire. With the secret in a file, the copied key
    store needs the secret of its day; who copied that too opens what was there that day, as docs/keys.md says.
    """
    with machine(place) as device:
        async with drills(tmp_path) as drill:
            places = await moved(drill, place, device)
            thief, id, _ = await robbed(drill, places)
            old, secret = thief.copy / "keystore", secret_file_of(thief.copy / "keystore")
            live = drill.two.fr.folder
            if place is Place.FILE:
                before = thief.try_keys(old, secret)
                assert before is not None
                assert thief.open_wire(before) == len(thief.wire)
                assert len(await thief.open_rows(thief.copy, before)) > 0
            else:
                # It is this copy that the secret in the machine opens; opening it again would only read it.
                assert (
                    drill.two.fr.running.keys.gen == Keystore.open(old, PASSPHRASE, places=places, at_least=CHEAP).gen
                )
                assert thief.try_keys(old, secret, Places()) is None

            await erased(drill, id)

            assert thief.try_keys(old, secret_file_of(live / "keystore")) is None
            assert thief.try_keys(old) is None
            taken = thief.try_keys(old, secret)
            if place is Place.FILE:
                assert taken is not None
                assert thief.open_wire(taken) == len(thief.wire)
            else:
                assert taken is None
            await drill.two.fr.stop()
            newest = Keystore.open(live / "keystore", PASSPHRASE, places=places, at_least=CHEAP)
            assert thief.open_wire(newest) == 0
            assert await thief.open_rows(thief.copy, newest) == set()
            assert len(await thief.open_rows(live, newest)) > 0  # what was not erased does open: the attempts are real
            assert found(thief.copy, MARK) == []


@pytest.mark.parametrize("place", Place)
async def test_the_backups_of_before(place: Place, tmp_path: Path) -> None:
    """A backup opens with the recovery key alone, on another machine, and gives what was there when it was made: until
    it is destroyed, as a confirmation says. It holds no key that opens the wire, and nothing in the clear.
    """
    with machine(place) as device:
        async with drills(tmp_path) as drill:
            places = await moved(drill, place, device)
            thief, id, (data, keystore) = await robbed(drill, places)
            await erased(drill, id)
            if device is not None:
                device.stop()
            try:
                with pytest.raises(RefusedError) as caught:
                    await restored(drill, data, keystore, EncPrivateKey(bytes(32)))
                assert caught.value.code is Code.UNKNOWN_RECIPIENT_KEY
                folder = await restored(drill, data, keystore, drill.key)
                again = Keystore.open(folder / "keystore", PASSPHRASE, at_least=CHEAP)
                assert again.place is Place.FILE
                assert len(await thief.open_rows(folder, again)) > 0
                assert thief.open_wire(again) == 0
                assert [name for where in (data.parent, folder) for name in found(where, MARK)] == []
            finally:
                if device is not None:
                    device.start()


@pytest.mark.parametrize("place", HELD)
async def test_a_machine_without_its_token_serves_nothing(place: Place, tmp_path: Path) -> None:
    """Threat 194: without it the node does not open and loses nothing; another one in its place is refused with the way
    out.
    """
    with machine(place) as device:
        assert device is not None
        async with drills(tmp_path) as drill:
            await moved(drill, place, device)
            fr = drill.two.fr
            await fr.stop()
            before = (fr.folder / "keystore").read_bytes()
            device.stop()
            with pytest.raises(RefusedError, match="nothing was lost") as caught:
                await fr.open()
            assert (caught.value.code, "docs/keys.md" in caught.value.hint) == (Code.UNREACHABLE, True)
            device.start()
            await fr.start()
            await fr.stop()
            device.exchange()
            with pytest.raises(RefusedError, match="does not hold the secret") as caught:
                await fr.open()
            assert (caught.value.code, "recovery key" in caught.value.hint) == (Code.UNDECRYPTABLE, True)
            assert (fr.folder / "keystore").read_bytes() == before


async def restored(drill: Drill, data: Path, keystore: Path, key: EncPrivateKey) -> Path:
    """A folder out of two backup files, on a machine that knows no TPM and no token."""
    folder = drill.base / "restored"
    await restore(data, keystore, key, folder, PASSPHRASE, ledger=None, clock=drill.two.clock, cost=CHEAP)
    return folder


def found(folder: Path, mark: str) -> list[str]:
    """The files of a folder that hold these words in the clear."""
    return [path.name for path in folder.rglob("*") if path.is_file() and mark.encode() in path.read_bytes()]
