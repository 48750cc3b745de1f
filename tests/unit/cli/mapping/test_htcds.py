"""`trm htcds`: records in files become drafts without a node, referrals of a node become records."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import ADMINS, change, play
from support.desks import consent, run
from support.htcds_tables import table_of
from support.pair import example
from support.patience import PATIENCE
from support.policies import open_on, text_of

NAMES = "prs_FirstName,prs_SecondName,con_Consent,prs_MailingCity,prs_MailingCountry,vic_TypeOfExploitation"
LABELS = "First Name,Second Name,Consent,Mailing Street,Mailing City,Type of Exploitation"
ROW = "Zamira,Kodra,Yes,Rruga 12,Tirana,Forced labour;Servitude"


def imported(tmp_path: Path, name: str, text: str, *words: str) -> Any:
    """The draft and the report of a file."""
    path, out = tmp_path / name, tmp_path / "draft.json"
    path.write_text(text, encoding="utf-8")
    ran = run("htcds", "import", str(path), "--out", str(out), "--json", *words)
    assert ran.exit_code == 0, ran.stderr
    return json.loads(out.read_bytes()), ran, {i["field"]: i for i in json.loads(ran.stdout)["report"] if i["field"]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_the_labels_count_and_not_the_names_above_them(tmp_path: Path, delimiter: str):
    """In a table of the template a street stands under the name of a city; what people saw is the label."""
    row = ROW.replace("labour;Servitude", 'labour;Servitude"').replace("Forced", '"Forced')
    text = "\n".join(line.replace(",", delimiter) for line in (NAMES, LABELS, row))
    draft, ran, report = imported(tmp_path, "case.csv", text)
    assert draft["content"] == {
        "person": {"name_given": "Zamira", "name_family": "Kodra"},
        "exploitation": ["ForcedLabour", "Servitude"],
    }
    assert (report["Mailing Street"]["fate"], report["Consent"]["fate"]) == ("lost", "person")
    assert not any(word in ran.stdout + ran.stderr for word in ("Zamira", "Kodra", "Rruga", "Tirana"))


def test_the_draft_is_private_and_overwrites_nothing(tmp_path: Path):
    """The file is readable to its owner only; a second run leaves it as it is."""
    imported(tmp_path, "case.json", '{"prs_FirstName": "Zamira"}')
    out = tmp_path / "draft.json"
    before = out.read_bytes()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    ran = run("htcds", "import", str(tmp_path / "case.json"), "--out", str(out))
    assert (ran.exit_code, out.read_bytes()) == (1, before) and "exists already" in ran.stderr


def test_people_see_three_tables(tmp_path: Path):
    """What was carried over, what needs a person, what is lost; and what to do next."""
    path = tmp_path / "case.csv"
    path.write_text(f"{LABELS}\n{ROW}\n", encoding="utf-8")
    ran = run("htcds", "import", str(path), "--out", str(tmp_path / "draft.json"))
    assert [line.split(":")[0] for line in ran.stdout.splitlines() if ": " in line and line[0] != " "][:1]
    assert all(title in ran.stdout for title in ("carried over: 3", "needs a person: ", "lost: 2"))
    assert "trm schema check" in ran.stderr


def test_one_of_several_records(tmp_path: Path):
    """Which one has to be said."""
    several = '[{"prs_FirstName": "One"}, {"prs_FirstName": "Two"}]'
    draft, _, _ = imported(tmp_path, "cases.json", several, "--record", "2")
    assert draft["content"]["person"]["name_given"] == "Two"
    ran = run("htcds", "import", str(tmp_path / "cases.json"), "--out", str(tmp_path / "other.json"), "--record", "3")
    assert ran.exit_code == 1 and "the file has 2 record(s)" in ran.stderr
    assert not (tmp_path / "other.json").exists()


def test_twenty_rows_give_twenty_drafts_and_one_short_list(tmp_path: Path):
    """In a new folder, private; what a person has to add is told once for all rows, with the cells, without a value."""
    path, out = tmp_path / "cases.csv", tmp_path / "drafts"
    path.write_bytes(table_of("uk", "csv code page"))
    ran = run("htcds", "import", str(path), "--out", str(out), "--json")
    assert ran.exit_code == 0, ran.stderr
    value = json.loads(ran.stdout)
    assert value["drafts"] == [str(out / f"draft-{number:02d}.json") for number in range(1, 21)]
    assert {stat.S_IMODE(Path(draft).stat().st_mode) for draft in value["drafts"]} == {0o600}
    asked = {item["field"]: item for item in value["report"] if item["fate"] == "person" and item["field"]}
    assert (asked["Gender"]["records"], asked["Gender"]["cells"]) == ([5], ["row 6, column E"])
    assert asked["Birthdate"]["why"].startswith("date_two_ways") and asked["Consent"]["records"] == list(range(1, 21))
    assert "cp1251" in ran.stderr and not any(text in ran.stdout + ran.stderr for text in ("Їванка", "03/04/1994"))
    shown = run("htcds", "import", str(path), "--out", str(tmp_path / "asked"))
    assert "--dates day_first" in shown.stderr
    (line,) = [line for line in shown.stdout.splitlines() if "date_two_ways" in line]
    assert line.split()[:2] == ["Birthdate", "/content/person/birth_date"] and "row 13, column D" in line
    shown = run("htcds", "import", str(path), "--out", str(tmp_path / "again"), "--dates", "day_first")
    assert "--dates" not in shown.stderr
    assert "drafts: 20" in shown.stdout and "1-20" in shown.stdout and "date_two_ways" not in shown.stdout
    assert shown.stdout.count("\n") < 35
    again = run("htcds", "import", str(path), "--out", str(out))
    assert again.exit_code == 1 and "nothing was written" in again.stderr


@pytest.mark.parametrize("works", [0, 3])
def test_where_the_disk_is_full_no_draft_is_left(tmp_path: Path, works: int, monkeypatch: pytest.MonkeyPatch):
    """Neither some of them nor the folder, so that the same command can be given again."""
    path, out, fsync, left = tmp_path / "cases.csv", tmp_path / "drafts", os.fsync, [None] * works
    path.write_bytes(table_of("fr", "csv utf-8"))

    def full(handle: int) -> None:
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left.pop()
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        ran = run("htcds", "import", str(path), "--out", str(out))
    assert (ran.exit_code, out.exists()) == (1, False)
    assert "no draft was kept" in ran.stderr and "no space left" in ran.stderr
    assert run("htcds", "import", str(path), "--out", str(out)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("case.json", "3"),
        ("case.json", "{"),
        ("case.json", "[]"),
        ("case.csv", "a,b\n1,2\n"),
        ("case.csv", 'First Name,Second Name\n"open,1\n'),
    ],
    ids=["a number", "no json", "none", "unknown labels", "open quotation"],
)
def test_a_file_without_a_record_is_refused(tmp_path: Path, name: str, text: str):
    """Nothing is written."""
    path, out = tmp_path / name, tmp_path / "draft.json"
    path.write_text(text, encoding="utf-8")
    ran = run("htcds", "import", str(path), "--out", str(out))
    assert (ran.exit_code, ran.stdout, out.exists()) == (1, "", False)
    assert ran.stderr.startswith("trm: error: ") and "--record" not in ran.stderr


def test_a_referral_becomes_a_record_on_both_sides(federation, tmp_path: Path):
    """As JSON and as a table; the sender's and the receiver's fields differ; an enquiry is refused."""
    wide = text_of(open_on(("FR", "AL"), name="table"))  # a summary leaves after the acceptance else
    play(change(ADMINS, "policy.widen", "node", policy=wide), federation.fr.ask)
    given = tmp_path / "consent.json"
    given.write_text(json.dumps(consent("AL")), encoding="utf-8")
    kept = json.loads(
        federation.fr.trm("consent", "record", str(given), "--number", "fr-7f3a", "--json", by="w-1").stdout
    )
    request = example("referral.request/1", "AL", consent_ref=kept["id"]) | {"purpose": "referral"}
    request["content"]["summary"] = "=a wish"
    path = tmp_path / "referral.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    id = federation.fr.send(path)
    give_up = time.monotonic() + PATIENCE
    while federation.fr.ask("message.show", id=id)["state"] != "awaiting_opening":
        assert time.monotonic() < give_up
        time.sleep(0.05)
    sent, came = tmp_path / "sent.json", tmp_path / "came.csv"
    ran = federation.fr.trm("htcds", "export", id, "--out", str(sent), "--json")
    assert ran.exit_code == 0, ran.stderr
    record = json.loads(sent.read_bytes())
    assert (record["cas_OutgoingReferralDetails"], record["cas_Status"]) == ("=a wish", "Active")
    assert record["cas_ReferredOrganisation"] == "AL/focal-point" and "=a wish" not in ran.stdout
    assert record["cas_ReferringOrganisation"] == "FR/focal-point"
    assert federation.al.trm("htcds", "export", id, "--out", str(came)).exit_code == 0
    names, values = (line.split(",") for line in came.read_text(encoding="utf-8").splitlines())
    assert dict(zip(names, values, strict=True))["cas_IncomingReferralDetails"] == "'=a wish"
    again = federation.al.trm("htcds", "export", id, "--out", str(came))
    assert again.exit_code == 1 and "exists already" in again.stderr
