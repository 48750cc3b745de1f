"""keys.offline.recovery_key: the file of the key that opens backups, and its public half."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError, RemoteError
from keys.backups.backup_header import RecoveryPublic
from keys.offline.recovery_key import create_recovery, load_recovery, public_path
from keys.primitives.seal import EncPrivateKey
from keys.primitives.sealed_file import Cost

CHEAP = Cost(t=1, m=8 * 1024 * 1024)
KEY = EncPrivateKey(bytes(range(32)))
PUBLIC = RecoveryPublic(kid=KEY.kid, public=KEY.public, made=7)


def test_recovery_key_files(tmp_path: Path) -> None:
    """The secret half under its passphrase, mode 0600; the public half beside it; both name the same key."""
    file = tmp_path / "recovery.key"
    made = create_recovery(file, "word", now=9, cost=CHEAP)
    assert load_recovery(file, "word", at_least=CHEAP).kid == made.kid
    assert RecoveryPublic.parse(public_path(file).read_bytes()) == made
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(RefusedError) as refused:
        load_recovery(file, "another", at_least=CHEAP)
    assert refused.value.code is Code.WRONG_PASSPHRASE
    with pytest.raises(RefusedError) as refused:
        create_recovery(file, "word", now=9, cost=CHEAP)
    assert refused.value.code is Code.EXISTS


def test_a_public_half_that_was_changed_is_refused() -> None:
    """Another key under the old name, a broken key, another shape."""
    other = EncPrivateKey(bytes(32))
    for data in (
        RecoveryPublic(kid=KEY.kid, public=other.public, made=1).encode(),
        RecoveryPublic(kid=KEY.kid, public=b"\xff" * len(KEY.public), made=1).encode(),
        b"{}\n",
        PUBLIC.encode() + b"x",
    ):
        with pytest.raises(RemoteError):
            RecoveryPublic.parse(data)
