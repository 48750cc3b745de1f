"""Two people and three countries, told at the shell with `trm`: who agreed to what, what leaves, who is told what when
one of them takes everything back, and what is so after the disk of one country is lost.

France has person P, with a conversation with Albania and one with Morocco, and person Q, with one with Albania.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import stranger, warm
from support.acting import id_of, token_at
from support.ceremony import KeyFiles, key_files
from support.keycost import CHEAP
from support.nodeproc import UNIT, NodeProcess, eventually, introduce
from support.pair import example

import schemas
from gateway.cli.login_file import Login, write_login
from gateway.foundation.clock import SystemClock
from keys.offline.recovery_key import create_recovery, public_path

ANA, BEN = "Ana B.", "Ben C."
CARA, EMIL, FAYE = "Cara D.", "Emil F.", "Faye G."
"""Who signs in after a restore: no token survives it."""
SECRET = "secret of the recovery key"
CATEGORIES = [code.code for code in schemas.code_list("data_category").codes]
BACK = "consent.withdrawal/1"
HERE_AGAIN = "WITHOUT LEDGER: what was withdrawn or erased since the backup is here again"


@dataclass(kw_only=True)
class Country(NodeProcess):
    """A node and the people at its shell."""

    keys: KeyFiles

    def trm(self, *words: str, by: str | None = None, code: int = 0) -> str:
        """One verb of this person, or of the owner of the node; what it printed."""
        login = {} if by is None else {"TRM_LOGIN": str(self._login(by))}
        ran = warm.trm([*words, "--node", str(self.folder)], cwd=self.base, env={**os.environ, **login})
        assert ran.returncode == code, (words, ran.stdout, ran.stderr)
        return ran.stdout + ran.stderr

    def told(self, *words: str, by: str | None = None) -> Any:
        """The same as a program reads it."""
        return json.loads(self.trm(*words, "--json", by=by))

    def _login(self, name: str) -> Path:
        path = self.base / f"{self.name}.{id_of(name)}.login"
        token = token_at(self.folder, name, self.call)
        write_login(path, Login(node=self.node, folder=str(self.folder.resolve()), token=token, expires=2**40))
        return path

    def file(self, name: str, value: Any) -> str:
        """A file that a verb reads."""
        path = self.base / f"{name}.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        return str(path)

    def got(self) -> list[tuple[str, str]]:
        """The conversation and type of every message of a peer, oldest first."""
        listed = self.told("message", "list", "--in", "--limit", "500", by=ANA)["messages"]
        return [(one["conversation"], one["type"]) for one in listed[::-1]]

    def count_got(self) -> int:
        """How many messages of peers there are, asked without a program: it is asked until they are there."""
        return len(self.call("message.list", direction="in", limit=500, by=ANA)["messages"])

    def heard_erased(self, sent: Any) -> bool:
        """Whether whoever got it has signed that it is erased there; asked in the same way."""
        return "erased" in [one["status"] for one in self.call("message.show", id=sent["id"], by=ANA)["receipts"]]

    def receipts(self, sent: Any) -> list[str]:
        """What the peer has signed about a message."""
        shown = self.told("message", "show", sent["id"], by=ANA)["receipts"]
        return [str(one["status"]) for one in shown]

    def stands(self, conversation: str) -> str:
        """Where a conversation stands here."""
        (standing,) = self.told("conversation", "show", conversation, by=ANA)["standing"]
        return str(standing["state"])


@dataclass(frozen=True, kw_only=True)
class Story:
    """The three countries, and the cases of the two persons in France."""

    fr: Country
    al: Country
    ma: Country
    base: Path
    p: str
    q: str

    def consents(self, case: str, *to: str) -> list[str]:
        """The person of a case agrees, once for each country; the ids."""
        found = []
        for name in to:
            record = dict(example("consent.record/1", name)["content"])
            del record["consent_id"]
            units = [f"{country}/{UNIT}" for country in ("FR", name)]
            grant = {"purpose": "referral", "recipient_units": units, "data_categories": CATEGORIES}
            record["grants"] = [grant | {"until": "2030-11-30"}]
            path = self.fr.file("consent", record)
            found.append(str(self.fr.told("consent", "record", path, "--case", case, by=ANA)["id"]))
        return found

    def referral(self, case: str, consent: str, to: str, called: str) -> str:
        """The file of a referral."""
        request = example("referral.request/1", to, consent_ref=consent)
        del request["header"]["author_ref"], request["header"]["case_ref_sender"]
        request["header"]["handling"]["retain_until"] = "2030-11-30"
        request["content"]["person"]["pseudonym"] = called
        return self.fr.file("referral", request | {"purpose": "referral", "case": case})

    def refer(self, case: str, consent: str, to: str, called: str, *, by: tuple[str, str] = (ANA, BEN)) -> Any:
        """Two people release a referral; its id and conversation."""
        first = self.fr.told("send", self.referral(case, consent, to, called), by=by[0])
        assert first["state"] == "waiting_second"
        self.fr.trm("draft", "release", first["id"], by=by[0], code=1)
        read = self.fr.told("draft", "show", first["id"], by=by[1])
        return self.fr.told("draft", "release", first["id"], "--version", read["version"], by=by[1])

    def is_refused(self, case: str, consent: str, gate: str, *, by: str = ANA) -> None:
        """No referral of this case leaves on this consent."""
        assert gate in self.fr.trm("send", self.referral(case, consent, "AL", "Tulpe"), by=by, code=1)

    def readable(self, *sent: Any, by: str) -> list[bool]:
        """Whether each of these messages can be read in France."""
        return ["content" in self.fr.told("message", "show", one["id"], by=by) for one in sent]

    def in_force(self, *, by: str) -> set[str]:
        """The consents that France holds to be in force."""
        return {str(one["id"]) for one in self.fr.told("consent", "list", by=by)["consents"] if is_active(one)}

    def is_alone_in_force(self, consent: str, *, by: str) -> bool:
        """Whether this consent is the only one, asked without a program: it is asked until it is so."""
        listed = self.fr.call("consent.list", by=by)["consents"]
        return [one["id"] for one in listed if is_active(one)] == [consent]

    def restore(self, *ledger: str) -> None:
        """The disk of France is lost, and made again of the backup; a ledger has what was taken away until then."""
        if "--ledger" in ledger:
            eventually(self.is_in_ledger, "what was taken away is in the ledger")
        self.fr.kill()
        shutil.rmtree(self.fr.folder)
        files = [str(next((self.base / "backups").glob(f"*.{kind}"))) for kind in ("data", "keystore")]
        key = ["--key", "recovery.key", "--key-passphrase-file", "recovery.pass"]
        words = ["restore", *files, *key, "--to", "FR", "--passphrase-file", "FR.pass", *ledger]
        ran = warm.trm(words, cwd=self.base)
        assert ran.returncode == 0, ran.stderr
        assert (HERE_AGAIN in ran.stdout) == (ledger == ("--without-ledger",))
        self.fr.start()

    def is_in_ledger(self) -> bool:
        """Whether the file has a line for each entry of the database: it follows within a second."""
        ((entries,),) = self.fr.rows("select count(*) from ledger")
        return (self.base / "ledgers" / "fr").read_bytes().count(b"\n") >= entries

    def begin_anew(self, other: Country) -> None:
        """Two people here and one there begin the link anew."""
        self.fr.trm("peer", "reset-link", other.name, *self.fr.keys.signed(0))
        self.fr.trm("peer", "approve", other.name, *self.fr.keys.signed(1))
        eventually(lambda: "peer.link_reset" in other.alarms(), "they are asked")
        other.trm("peer", "accept-reset", "FR", *other.keys.signed(0))
        eventually(lambda: not self.fr.call("peer.show", id=other.name)["link"]["waits"], "the link is open")


def is_active(consent: Any) -> bool:
    """Whether a consent of a list is in force."""
    return bool(consent["state"] == "active")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Three nodes that run; France is paired with both others, and keeps a ledger beside its disk."""
    keys = key_files(tmp_path / "keys", cost=CHEAP)
    fr, al, ma = [Country(name=name, base=tmp_path, keys=keys) for name in ("FR", "AL", "MA")]
    create_recovery(tmp_path / "recovery.key", SECRET, now=0, cost=CHEAP)
    (tmp_path / "recovery.pass").write_text(SECRET)
    (tmp_path / "ledgers").mkdir()
    try:
        for country in (fr, al, ma):
            country.make(SystemClock())
        with (fr.folder / "node.toml").open("a") as settings:
            public, ledger = public_path(tmp_path / "recovery.key"), tmp_path / "ledgers" / "fr"
            settings.write(f'\n[backup]\nrecovery_key = "{public}"\nledger = "{ledger}"\n')
        for country in (fr, al, ma):
            country.start()
        introduce(fr, al)
        introduce(fr, ma)
        cases = [fr.told("case", "open", "--label", name, by=ANA)["id"] for name in ("Blue 7", "Green 2")]
        yield Story(fr=fr, al=al, ma=ma, base=tmp_path, p=cases[0], q=cases[1])
    finally:
        for country in (fr, al, ma):
            if country.running:
                country.kill()


def test_what_one_person_takes_back_is_told_where_it_was_told(story: Story) -> None:
    """From two consents to the day after the disk is lost: nothing of P goes on anywhere, and nothing of Q changes."""
    fr, al, ma = story.fr, story.al, story.ma

    # each agreed for each country; a consent carries nothing of the other person
    to_al, to_ma = story.consents(story.p, "AL", "MA")
    (hers,) = story.consents(story.q, "AL")
    for case, consent in ((story.p, hers), (story.q, to_al)):
        story.is_refused(case, consent, "gate_g2")
    assert fr.told("message", "list", by=ANA)["messages"] == []

    # two people release each referral; the country is told the consent, and then of the person
    first, second = story.refer(story.p, to_al, "AL", "Tulpe"), story.refer(story.p, to_ma, "MA", "Tulpe")
    other = story.refer(story.q, hers, "AL", "Erle")
    of_p, of_p_there, of_q = (one["conversation"] for one in (first, second, other))
    eventually(lambda: (al.count_got(), ma.count_got()) == (4, 2), "the referrals arrive")
    opened = ("consent.record/1", "referral.request/1")
    assert al.got() == [(of_p, one) for one in opened] + [(of_q, one) for one in opened]
    assert ma.got() == [(of_p_there, one) for one in opened]
    assert sorted(one["name"] for one in al.told("case", "list", by=ANA)["cases"]) == ["Erle", "Tulpe"]
    assert [one["name"] for one in ma.told("case", "list", by=ANA)["cases"]] == ["Tulpe"]

    # a backup; then P takes everything back in one step, and wants it erased
    fr.trm("backup", "backups")
    stood = [country.stands(of_q) for country in (fr, al)]
    assert sorted(fr.told("case", "consents", story.p, by=ANA)["tells"]) == ["AL", "MA"]
    back = fr.told("case", "withdraw", story.p, "--erase", by=ANA)
    assert sorted(one["peer"] for one in back["told"]) == ["AL", "MA"]
    eventually(lambda: (al.count_got(), ma.count_got()) == (5, 3), "both are told")
    assert (al.got()[-1], ma.got()[-1]) == ((of_p, BACK), (of_p_there, BACK))
    ends = [country.stands(of_p) for country in (fr, al)] + [country.stands(of_p_there) for country in (fr, ma)]
    assert ends == ["withdrawn"] * 4
    assert [country.stands(of_q) for country in (fr, al)] == stood
    story.is_refused(story.p, to_al, "gate_g7")

    # who was told follows, and signs that it is gone; then France erases, and anybody can verify it
    for country, sent in ((al, first), (ma, second)):
        (wanted,) = country.told("erasure", "list", by=ANA)["requests"]
        country.trm("erasure", "follow", wanted["id"], by=ANA)
        eventually(partial(fr.heard_erased, sent), "it is signed")
    fr.trm("case", "erase", story.p, "--reason", "consent_withdrawn", by=ANA)
    assert story.readable(first, second, by=ANA) == [False, False]
    fr.trm("evidence", "export", "--conversation", of_p, "-o", str(story.base / "p.json"), by=ANA)
    fingerprints = {str(country.call("node.show")["fingerprint"]) for country in (fr, al)}
    proven = stranger.told((story.base / "p.json").read_bytes(), fingerprints)
    assert proven is not None and any("erased" in line for line in proven)
    assert "erased" not in fr.receipts(other) and "content" in al.told("message", "show", other["id"], by=ANA)

    # the disk is lost; with the ledger what was taken away since the backup is taken away again
    story.restore("--ledger", str(story.base / "ledgers" / "fr"))
    assert story.in_force(by=CARA) == {hers}
    assert story.readable(first, second, other, by=CARA) == [False, False, True]
    assert fr.told("consent", "unconfirmed", by=CARA)["cases"] == []

    # and lost again, without it: people are told that what was erased can be read, and nothing goes before the links
    # begin anew and a worker has looked at each case
    (story.base / "ledgers" / "fr").unlink()
    story.restore("--without-ledger")
    doubted = {one["of_case"]["name"]: one["consents"] for one in fr.told("consent", "unconfirmed", by=EMIL)["cases"]}
    assert doubted == {"Blue 7": 2, "Green 2": 1}
    assert "consent.unconfirmed" in fr.trm("alarm", "list", by=EMIL)
    assert story.readable(first, second, other, by=EMIL) == [True] * 3
    story.is_refused(story.q, hers, "gate_g2", by=EMIL)
    for country in (al, ma):
        story.begin_anew(country)
    eventually(lambda: story.is_alone_in_force(hers, by=EMIL), "the countries tell what was taken back")
    # no country can say what France had erased of its own: alarms name the case of P, whose messages can be read
    again = fr.told("alarm", "list", "--kind", "consent.withdrawn_again", by=EMIL)["alarms"]
    assert [one["of_case"]["name"] for one in again] == ["Blue 7"] * 2
    assert story.readable(first, second, by=EMIL) == [True, True]
    fr.trm("consent", "confirm", story.q, by=EMIL)
    story.refer(story.q, hers, "AL", "Erle", by=(EMIL, FAYE))
    eventually(lambda: al.count_got() == 6, "the referral of Q arrives")
    story.is_refused(story.p, to_al, "gate_g7", by=EMIL)
    assert (len(ma.got()), al.got()[-1][1]) == (3, "referral.request/1")

    # then a person erases it again
    fr.trm("case", "erase", story.p, "--reason", "consent_withdrawn", by=EMIL)
    assert story.readable(first, second, other, by=EMIL) == [False, False, True]
