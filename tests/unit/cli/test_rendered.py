"""`trm message show --language`: what one node wrote and the other reads are the same bytes in every language."""

from __future__ import annotations

import json
import time

import pytest
from support.ceremony import ADMINS, change, play
from support.desks import Desk, consent
from support.pair import example
from support.patience import PATIENCE
from support.policies import open_on, text_of

from schemas.labels import load_labels, load_languages

RIGHT_TO_LEFT_MARK = "\u200f"
SUMMARY = "Καλεί μόνο το πρωί.\nПише українською.\nتقرأ العربية. Dzwonić po 10:00."
"""Free text in the scripts of the corridors, over two lines."""


@pytest.fixture(scope="module")
def referral(federation, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A referral of France that Albania has; its id."""
    wide = text_of(open_on(("FR", "AL")))  # a summary leaves after the acceptance else
    play(change(ADMINS, "policy.widen", "node", policy=wide), federation.fr.ask)
    record = federation.fr.ask("consent.record", number="fr-7f3a", content=consent("AL"), by="Ana B.")
    draft = example("referral.request/1", "AL", consent_ref=record["id"]) | {"purpose": "referral"}
    draft["content"] |= {"summary": SUMMARY, "health_flags": ["medication"], "exploitation": ["ForcedLabour"]}
    path = tmp_path_factory.mktemp("draft") / "referral.json"
    path.write_text(json.dumps(draft), encoding="utf-8")
    id = federation.fr.send(path)
    give_up = time.monotonic() + PATIENCE
    while federation.fr.ask("message.show", id=id)["state"] != "awaiting_opening":
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return id


def page(desk: Desk, id: str, lang: str) -> bytes:
    """The document as a desk prints it, without what that desk knows of the message besides."""
    ran = desk.trm("message", "show", id, "--language", lang)
    assert ran.exit_code == 0, ran.stderr
    title = load_labels(lang).message("referral.request/1").text
    lines = ran.stdout_bytes.splitlines(keepends=True)
    (start,) = [n for n, line in enumerate(lines) if line.decode().strip(f"{RIGHT_TO_LEFT_MARK}\n") == title]
    return b"".join(lines[start:])


@pytest.mark.parametrize("lang", load_languages())
def test_both_desks_print_the_same_bytes(federation, referral: str, lang: str) -> None:
    """Title, every label and every value, to the last mark of direction."""
    written, read = page(federation.fr, referral, lang), page(federation.al, referral, lang)
    assert written == read
    assert len(read.splitlines()) > 40
    for line in SUMMARY.split("\n"):
        assert line.encode() in read
    unmarked = load_labels(lang).language
    assert f"[{unmarked.no_label}]".encode() not in read
    assert f"[{unmarked.unknown_code}]".encode() not in read


def test_arabic_runs_from_right_to_left(federation, referral: str) -> None:
    """Each line begins with the mark, and programs are told the direction; no other language has it."""
    assert all(
        line.startswith(RIGHT_TO_LEFT_MARK.encode()) for line in page(federation.al, referral, "ar").splitlines()
    )
    told = {
        lang: json.loads(federation.al.trm("message", "show", referral, "--language", lang, "--json").stdout)[
            "rendered"
        ]
        for lang in load_languages()
    }
    assert {lang for lang, shown in told.items() if shown["direction"] == "rtl"} == {"ar"}
    assert RIGHT_TO_LEFT_MARK.encode() not in page(federation.al, referral, "fr")


def test_programs_get_the_same_on_both_sides(federation, referral: str) -> None:
    """The lines of `--json` are those of the other desk too, and differ from language to language."""
    shown = [
        [
            json.loads(desk.trm("message", "show", referral, "--language", lang, "--json").stdout)["rendered"]["lines"]
            for lang in ("uk", "el")
        ]
        for desk in (federation.fr, federation.al)
    ]
    assert shown[0] == shown[1]
    assert shown[0][0] != shown[0][1]
