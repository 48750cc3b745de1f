"""Content at rest opens in its own row, under its own epoch, in its own node, and nowhere else (nrm1 13.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.nodes import NOW

from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.errors import Code, GatewayError
from keys.keystore.key_changes import BeginEpoch, FinishEpoch
from keys.keystore.keystore import Cost, Keystore, system_rand

PLAIN = "what nobody may read at rest: Žofja".encode()


def unreadable() -> pytest.RaisesExc[GatewayError]:
    """Expect the one code for content that does not open, whose text says nothing of it."""
    return pytest.RaisesExc(
        GatewayError, check=lambda error: error.code is Code.UNDECRYPTABLE and "Žofja" not in str(error)
    )


def test_what_was_sealed_opens(vault: ContentSealer):
    """The same bytes come back, and none of them is in the row."""
    row = vault.seal(7, PLAIN)
    assert vault.open(row) == PLAIN
    assert PLAIN not in row.data + row.wrapped


def test_content_is_sealed_smaller(vault: ContentSealer):
    """The same bytes come back of a row that has fewer, of a length which tells less than theirs."""
    rows = [vault.seal(7, PLAIN * times) for times in (60, 61)]
    assert [vault.open(row) for row in rows] == [PLAIN * 60, PLAIN * 61]
    assert {(row.form, len(row.data)) for row in rows} == {(1, len(rows[0].data))}
    assert len(rows[0].data) < len(PLAIN) * 6


def test_a_row_is_of_the_form_in_which_it_was_sealed(vault: ContentSealer):
    """Nobody makes one form of the other, or a third one."""
    large, small = vault.seal(7, PLAIN * 60), vault.seal(8, PLAIN)
    for row in (replace(large, form=0), replace(small, form=1), replace(large, form=2), replace(small, form=-1)):
        with unreadable():
            vault.open(row)


def test_nothing_is_sealed_alike_twice(vault: ContentSealer):
    """Each row has a key and a nonce of its own."""
    one, other = vault.seal(7, PLAIN), vault.seal(7, PLAIN)
    assert one.data != other.data
    assert one.wrapped != other.wrapped


FAULTS: dict[str, Callable[[SealedRow, SealedRow], SealedRow]] = {
    "another row id": lambda row, _: replace(row, ref=row.ref + 1),
    "another epoch": lambda row, _: replace(row, epoch=row.epoch + 1),
    "the key of another row": lambda row, other: replace(row, wrapped=other.wrapped),
    "the bytes of another row": lambda row, other: replace(row, data=other.data),
    "key and bytes moved to another row": lambda row, other: replace(other, ref=row.ref),
    "a flipped bit in the bytes": lambda row, _: replace(row, data=row.data[:-1] + bytes([row.data[-1] ^ 1])),
    "a flipped bit in the nonce": lambda row, _: replace(row, data=bytes([row.data[0] ^ 1]) + row.data[1:]),
    "a flipped bit in the key": lambda row, _: replace(row, wrapped=row.wrapped[:-1] + bytes([row.wrapped[-1] ^ 1])),
    "cut bytes": lambda row, _: replace(row, data=row.data[:-1]),
    "no bytes": lambda row, _: replace(row, data=b""),
    "no key": lambda row, _: replace(row, wrapped=b""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_altered_row_is_refused(vault: ContentSealer, fault: str):
    """One fault at a time, one code for all."""
    row, other = vault.seal(7, PLAIN), vault.seal(8, PLAIN)
    with unreadable():
        vault.open(FAULTS[fault](row, other))


def test_another_node_opens_nothing(vault: ContentSealer, tmp_path: Path, cost: Cost):
    """A row copied to another node is noise there."""
    stranger = Keystore.create(tmp_path / "other", "pw", node="n1" + "b" * 32, now=NOW, cost=cost)
    with unreadable():
        ContentSealer(stranger, system_rand).open(vault.seal(7, PLAIN))


def test_a_row_left_in_a_destroyed_epoch_is_lost(vault: ContentSealer, keys: Keystore):
    """What was not wrapped anew before the epoch ended can never be opened again: so backups are erased too."""
    row = vault.seal(7, PLAIN)
    old = keys.epoch
    keys.change(BeginEpoch(NOW + 1))
    assert vault.open(row) == PLAIN
    keys.change(FinishEpoch(old))
    with unreadable():
        vault.open(row)


def test_indexes_tell_kinds_and_nodes_apart(vault: ContentSealer, keys: Keystore, tmp_path: Path, cost: Cost):
    """The same text as another kind of name, or in another node, has another index; the same one is found again."""
    kinds = [
        vault.conversation_index,
        vault.consent_index,
        lambda n: vault.submissions([(n, b"")])[0].index,
        lambda n: vault.origin_indexes("k", [n])[0],
    ]
    found = [kind("same name") for kind in kinds]
    assert found == [kind("same name") for kind in kinds]
    assert len(set(found)) == len(kinds)
    assert {16} == {len(index) for index in found}
    stranger = Keystore.create(tmp_path / "other", "pw", node="n1" + "b" * 32, now=NOW, cost=cost)
    assert ContentSealer(stranger, system_rand).conversation_index("same name") != found[0]
