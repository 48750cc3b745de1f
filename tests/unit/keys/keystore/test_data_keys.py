"""Keys of rows: a wrapped one opens for its row and epoch, and for no other."""

from __future__ import annotations

from support.nodes import Seeds

from gateway.errors import Code, RefusedError
from keys.keystore.data_keys import unwrap_data_key, wrap_data_key
from keys.keystore.keyring import HeldEpoch

RAND = Seeds("rows")
FIRST, SECOND = (HeldEpoch(n=n, key=RAND(32), made=n) for n in (1, 2))
DK = RAND(32)


def test_a_data_key_opens_for_its_row_and_epoch_only() -> None:
    """Another row, another epoch, the key of another epoch under the same number, and a changed byte do not open it."""
    wrapped = wrap_data_key(FIRST, b"row", DK, RAND)
    assert unwrap_data_key(FIRST, b"row", wrapped) == DK
    renamed = HeldEpoch(n=1, key=SECOND.key, made=1)
    for epoch, row, data in (
        (FIRST, b"other", wrapped),
        (SECOND, b"row", wrapped),
        (renamed, b"row", wrapped),
        (HeldEpoch(n=2, key=FIRST.key, made=1), b"row", wrapped),
        (FIRST, b"row", wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
        (FIRST, b"row", b""),
    ):
        try:
            unwrap_data_key(epoch, row, data)
        except RefusedError as error:
            assert error.code is Code.UNDECRYPTABLE
        else:
            raise AssertionError((epoch.n, row))


def test_one_key_is_wrapped_differently_each_time() -> None:
    """Equal data keys of two rows cannot be told to be equal."""
    assert wrap_data_key(FIRST, b"row", DK, RAND) != wrap_data_key(FIRST, b"row", DK, RAND)
