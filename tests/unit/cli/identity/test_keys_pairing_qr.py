"""Pairing by QR codes: added by what one node shows, verified by what the pair shows (nrm1 2.10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ceremony import key_files
from support.desks import Desk, make, served

from keys.documents.fingerprint import node_text


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """Two nodes that serve and do not know each other."""
    fr, al = make(tmp_path, "FR"), make(tmp_path, "AL")
    with served(fr, al):
        yield fr, al


def scanned(printed: str) -> str:
    """The text below the drawn code."""
    *drawn, text = printed.rstrip("\n").splitlines()
    assert len(drawn) > 10 and text.startswith("NRM1:")
    return text


def test_two_nodes_pair_by_their_codes(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    """A scanned node is fetched and compared; a scanned pair stands for the digits; another pair's code is refused."""
    fr, al = desks
    shown = scanned(al.trm("node", "pairing", "--qr").stdout)
    forged = node_text(bytes(32), 1, shown.split(":", 4)[4])
    refused = fr.trm("peer", "add", "--scanned", forged)
    assert (refused.exit_code, "is not the one that was scanned" in refused.stderr) == (1, True)
    assert fr.ask("peer.list") == {"peers": []}
    added = fr.trm("peer", "add", "--scanned", shown)
    assert (added.exit_code, added.stdout.splitlines()[0]) == (
        0,
        f"proposed: AL (AL), node {al.ask('node.show')['node']}",
    )
    al.trm("peer", "add", "--scanned", scanned(fr.trm("node", "pairing", "--qr").stdout))
    pairs = [
        scanned("\n".join(ran.splitlines()[1:]))
        for ran in (fr.trm("peer", "code", "AL", "--qr").stdout, al.trm("peer", "code", "FR", "--qr").stdout)
    ]
    assert pairs[0] == pairs[1]
    people = key_files(tmp_path / "keys")
    words = ("peer", "verify", "AL", "--channel", "in_person", "--emergency", *people.signed(0))
    wrong = fr.trm(*words, "--scanned", pairs[0][:-66] + "A" * 64 + ":1")
    assert (wrong.exit_code, "digits are not those of this pair" in wrong.stderr) == (1, True)
    verified = fr.trm(*words, "--scanned", pairs[0])
    assert (verified.exit_code, verified.stdout.splitlines()[-1]) == (0, "AL is verified"), verified.stderr


def test_one_way_at_a_time(desks: tuple[Desk, Desk]) -> None:
    """A file and a code, digits and a code: wrong usage."""
    fr, _ = desks
    assert fr.trm("peer", "add", "--scanned", "x", "--url", "https://a:1").exit_code == 2
    assert fr.trm("node", "pairing", "--qr", "-o", "x").exit_code == 2
