"""`trm attachment` on two nodes that run: add, send, list, save; with the words that people see."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from support import desks
from support.ceremony import ADMINS, change, play
from support.desks import Desk, consent, header, served
from support.patience import PATIENCE
from support.policies import open_on

from schemas.region_pack.policies import canonical_bytes

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 10_000 + b"\n%%EOF\n"


def referral(consent_id: str, *named: int) -> dict[str, Any]:
    """A draft that names these files."""
    basis = {
        "legal_basis": ["6_1_e", "9_2_a"],
        "transfer_basis": "admin_arrangement_46_3_b",
        "transfer_instrument": "Arrangement 2025/4",
        "consent_ref": consent_id,
        "case_ref_sender": "fr-7f3a",
    }
    content = {
        "referral_kind": "service",
        "person": {
            "pseudonym": "Mali",
            "age_group": "adult",
            "unknown": {"languages": "not_yet", "safe_contact_rule": "not_yet"},
        },
        "thb_status": "presumed",
        "services_requested": [{"service": "food"}],
        "legal_status": "irregular",
        "expected_next_step": "service_start",
        "unknown": {"immediate_risk": "not_yet"},
        "attachments": [{"part": n, "doc_kind": "other"} for n in named],
    }
    return {
        "type": "referral.request/1",
        "to": "AL",
        "purpose": "referral",
        "header": header(**basis),
        "content": content,
    }


def said(desk: Desk, *words: str) -> Any:
    """The answer of a verb as JSON."""
    result = desk.trm(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(desk: Desk, *words: str) -> str:
    """The error lines of a verb that has to fail."""
    result = desk.trm(*words)
    assert result.exit_code == 1, result.stdout
    return str(result.stderr)


def test_files_from_desk_to_desk(tmp_path: Path) -> None:
    """What goes in at one desk comes out at the other; nothing is written over, nothing by halves."""
    one, two, program = tmp_path / "a.pdf", tmp_path / "b.txt", tmp_path / "c.pdf"
    for path, data in ((one, PDF), (two, b"a note"), (program, b"MZ\x90\x00" + bytes(99))):
        path.write_bytes(data)
    fr, al = desks.make(tmp_path, "FR"), desks.make(tmp_path, "AL")
    with served(fr), served(al):
        desks.pair(fr, al)
        play(change(ADMINS, "policy.widen", "node", policy=canonical_bytes(open_on(("FR", "AL"))).decode()), fr.ask)
        assert "no type that is taken" in refused(fr, "attachment", "add", str(program))
        assert "no such file" in refused(fr, "attachment", "add", str(tmp_path / "none"))
        kept = said(fr, "attachment", "add", str(two))
        assert said(fr, "attachment", "list")["moving"][0]["state"] == "waiting"
        assert said(fr, "attachment", "discard", kept["message"]) == {"message": kept["message"], "files": 1}
        given = fr.ask("consent.record", by="adm", number="fr-7f3a", content=consent("AL"))
        draft = tmp_path / "draft.json"
        draft.write_text(json.dumps(referral(given["id"], 0)))
        assert "fault" in refused(fr, "send", str(draft), "--attach", str(one), "--attach", str(two))
        assert said(fr, "attachment", "list")["moving"] == []  # what nothing took is forgotten
        draft.write_text(json.dumps(referral(given["id"], 0, 1)))
        first = said(fr, "send", str(draft), "--attach", str(one), "--attach", str(two))
        sent = fr.release_second(first["id"])
        end = time.monotonic() + PATIENCE
        while not (files := _files(al, sent["id"])):
            assert time.monotonic() < end, "the files did not come"
            time.sleep(0.1)
        assert [(item["part"], item["size"], item["stored"]) for item in files] == [(0, len(PDF), True), (1, 6, True)]
        saved = tmp_path / "saved.pdf"
        result = al.trm("attachment", "save", sent["id"], "0", str(saved))
        assert result.exit_code == 0, result.stderr
        assert saved.read_bytes() == PDF
        assert saved.stat().st_mode & 0o777 == 0o600
        assert "exists already" in refused(al, "attachment", "save", sent["id"], "1", str(saved))
        assert saved.read_bytes() == PDF
        assert "no such file" in refused(al, "attachment", "save", sent["id"], "5", str(tmp_path / "five"))
        assert not (tmp_path / "five").exists()
        assert [path.name for path in tmp_path.glob(".*part")] == []


def _files(desk: Desk, id: str) -> list[Any]:
    result = desk.trm("attachment", "list", id, "--json")
    return list(json.loads(result.stdout)["attachments"]) if result.exit_code == 0 else []
