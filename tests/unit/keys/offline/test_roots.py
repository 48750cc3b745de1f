"""keys.roots: root keys in files of their own (nrm1 2.23)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.nodes import NOW

from gateway.errors import Code, RefusedError
from keys.documents.fingerprint import node_id
from keys.documents.key_records import Use
from keys.keystore.keystore import Cost, system_rand
from keys.offline.roots import KIND, create_root, load_root
from keys.primitives.encoding import DAY
from keys.primitives.sealed_file import SealedFile

CHEAP = Cost(t=1, m=8192)


def test_root_round_trip(tmp_path: Path) -> None:
    """A root comes back with its record, so the node id is the same; the file is private."""
    made = create_root(tmp_path / "root-1", "pass", now=NOW, cost=CHEAP)
    again = load_root(tmp_path / "root-1", "pass", at_least=CHEAP)
    assert again.record == made.record
    assert node_id([again.record], 1) == node_id([made.record], 1)
    assert (made.record.use, made.record.until) == (Use.ROOT, NOW + 8 * 365 * DAY)
    assert made.record.public.mldsa65 is not None
    assert (tmp_path / "root-1").stat().st_mode & 0o777 == 0o600
    assert "<redacted>" in repr(made)


def test_three_roots_are_three_keys(tmp_path: Path) -> None:
    """Each file holds a key of its own."""
    roots = [create_root(tmp_path / f"root-{i}", "pass", now=NOW, cost=CHEAP) for i in range(3)]
    assert len({root.record.kid for root in roots}) == 3


def test_root_file_is_guarded(tmp_path: Path) -> None:
    """Never overwritten, never without a passphrase, never opened with a wrong one or a weaker derivation."""
    path = tmp_path / "root-1"
    with pytest.raises(RefusedError, match="passphrase is empty"):
        create_root(path, "", now=NOW, cost=CHEAP)
    create_root(path, "pass", now=NOW, cost=CHEAP)
    with pytest.raises(RefusedError, match="exists already"):
        create_root(path, "pass", now=NOW, cost=CHEAP)
    for passphrase, floor, code in [("other", CHEAP, Code.WRONG_PASSPHRASE), ("pass", Cost.default(), Code.INVALID)]:
        with pytest.raises(RefusedError) as caught:
            load_root(path, passphrase, at_least=floor)
        assert caught.value.code is code


def test_other_content_is_refused(tmp_path: Path) -> None:
    """A sealed file of the right kind with another content is no root."""
    SealedFile.create(tmp_path / "root", KIND, "pass", b"{}", cost=CHEAP, rand=system_rand)
    with pytest.raises(RefusedError, match="another content"):
        load_root(tmp_path / "root", "pass", at_least=CHEAP)
