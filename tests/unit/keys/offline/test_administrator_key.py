"""keys.offline.administrator_key: the key file of an administrator, private and slow to open."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from keys.offline.administrator_key import create_admin, load_admin
from keys.primitives.sealed_file import Cost

CHEAP = Cost(t=1, m=8 * 1024 * 1024)


def test_a_key_file_opens_for_its_holder_only(tmp_path: Path):
    """The file is private, holds what was made, and needs its passphrase; it is never written over."""
    path = tmp_path / "ana.key"
    made = create_admin(path, "secret", label="Ana B.", now=5, cost=CHEAP)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = load_admin(path, "secret", at_least=CHEAP)
    assert (loaded.card, loaded.key.public) == (made.card, made.key.public)
    with pytest.raises(RefusedError) as wrong:
        load_admin(path, "other", at_least=CHEAP)
    assert wrong.value.code is Code.WRONG_PASSPHRASE
    with pytest.raises(RefusedError) as again:
        create_admin(path, "secret", label="Ana B.", now=5, cost=CHEAP)
    assert again.value.code is Code.EXISTS
    assert repr(made) == "<redacted>"


def test_a_cheap_key_file_is_refused(tmp_path: Path):
    """A file whose key derivation was weakened does not open (threat 46)."""
    create_admin(tmp_path / "ana.key", "secret", label="Ana B.", now=5, cost=CHEAP)
    with pytest.raises(RefusedError, match="weaker key derivation"):
        load_admin(tmp_path / "ana.key", "secret")
