"""A transfer to another EU State in the reflection period. Poland examines her claim for asylum; in France she has time
to recover and decide. The transfer may be prepared, and is not carried out before that time is over (domain 9.30).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.nodeproc import UNIT
from support.pair import example
from support.story_countries import World, countries, say
from support.story_talk import assess, begin

from gateway.console.states import GATES

PURPOSES = ("referral", "risk_assessment", "return", "intra_eu_transfer")
PERSON = {
    "pseudonym": "Ada",
    "age_group": "adult",
    "nationalities": ["NG"],
    "unknown": {"languages": "not_yet", "safe_contact_rule": "not_yet"},
}
MET_BY = {"unit": UNIT, "staff_ref": "pl-09", "phone": "+48220000000"}


def transfer(world: World, **changes: Any) -> dict[str, Any]:
    """The journey to Poland, by a decision of a week ago of which she was told."""
    decided = {"decided_on": world.day(-7), "informed_on": world.day(-5), "appeal_over": True} | changes
    return {
        "return_kind": "eu_transfer",
        "transfer": {name: value for name, value in decided.items() if value is not None},
        "travellers": [{"pseudonym": "Ada", "age_group": "adult"}],
        "legs": example("return.proposal/1", "AL")["content"]["legs"],
    }


async def test_a_dublin_transfer_in_the_reflection_period(tmp_path: Path) -> None:
    """Not in her time, not as a return, not without a word to her; then Poland awaits her."""
    async with countries(tmp_path, "FR", "PL") as world:
        fr, pl = world["FR"], world["PL"]
        talk = await begin(world, fr.worker, pl, "F-51", purposes=PURPOSES)
        until = {"legal_status": "eu_transfer_pending", "reflection_period_until": world.day(20)}
        await talk.refer(fr.worker, person=PERSON, **until)
        await talk.accept(pl.lead)
        await assess(talk, "proceed")

        # While her time runs the transfer is not even proposed, as a colleague reads in Polish.
        no = await talk.is_refused(fr.worker, "return.proposal", "intra_eu_transfer", **transfer(world))
        assert (no.code, no.places) == ("gate_g8", {"/content"})
        assert "a transfer may be prepared, and is not carried out" in no.hint
        page = await talk.preview(fr.worker, "return.proposal", "intra_eu_transfer", language="pl", **transfer(world))
        for words in GATES["G8"]:
            assert say(words, "pl") in page

        # What she said of a return is no yes to it, and between EU States no policy opens one.
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **transfer(world))
        assert (no.code, no.places) == ("out_of_scope", {"/purpose"})

        # Poland knows of no journey.
        assert (await talk.stands(pl))["state"] == "planning"

        # Three weeks later her time is over. Nobody has told her in words that she understands.
        await world.pass_days(21)
        untold = transfer(world, informed_on=None)
        no = await talk.is_refused(fr.worker, "return.proposal", "intra_eu_transfer", **untold)
        assert "/content/transfer/informed_on" in no.places
        early = transfer(world, informed_on=world.day(3))
        no = await talk.is_refused(fr.worker, "return.proposal", "intra_eu_transfer", **early)
        assert (no.code, no.places) == ("gate_g8", {"/content"})

        # She is told; the transfer is proposed, and Poland says who will be there.
        proposal = await talk.says(fr.worker, "return.proposal", "intra_eu_transfer", **transfer(world))
        assert (await talk.told(pl, proposal))["transfer"]["appeal_over"] is True
        yes = {"answer": "confirm", "met_by": MET_BY, "changes": None}
        await talk.says(pl.worker, "return.response", "intra_eu_transfer", reply_to=proposal, **yes)
        for country in (fr, pl):
            assert (await talk.stands(country))["state"] == "return_confirmed"
        page = await pl.reads(f"/conversations/{talk.conversation}", "pl")
        assert say("return agreed", "pl") in page
