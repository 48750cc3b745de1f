"""A man who goes home against advice. Both countries say do not return; he goes all the same. So he is told the risks,
signs that he was, is announced and met, and looked for when he does not come (domain 9.27).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.nodeproc import UNIT
from support.pair import example
from support.story_countries import DAY, World, countries, say
from support.story_talk import assess, begin

from gateway.console.states import CLOCKS, GATES

PURPOSES = ("referral", "risk_assessment", "return")
MET_BY = {"unit": UNIT, "staff_ref": "al-09", "phone": "+355690000000"}


def journey(world: World) -> dict[str, Any]:
    """Home in three days, alone."""
    there, plain = world.clock.now() + 3 * DAY, example("return.proposal/1", "AL")["content"]
    leg = plain["legs"][0] | {"depart_at": there - 7_200, "arrive_at": there}
    return {
        "travellers": [{"pseudonym": "Mali", "age_group": "adult"}],
        "legs": [leg],
        "handover": plain["handover"] | {"at": there},
    }


async def test_a_man_who_goes_against_advice(tmp_path: Path) -> None:
    """No help to go, and no statement from before the warning; then Albania awaits him, and France looks for him."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]
        talk = await begin(world, fr.worker, al, "F-41", purposes=PURPOSES)
        await talk.refer(fr.worker, legal_status="irregular")
        await talk.accept(al.lead)

        # Both look at the risks and say: do not return.
        await assess(talk, "do_not_return")

        # Nobody helps him to go.
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **journey(world))
        assert (no.code, no.places) == ("gate_g4", {"/content"})
        assert "look for protection alternatives" in no.hint
        page = await talk.preview(fr.worker, "return.proposal", "return", language="fr", **journey(world))
        assert say(GATES["G4"][1], "fr") in page

        # He will go alone. What he signed before he heard of the assessment does not count.
        alone = journey(world) | {"return_kind": "independent_voluntary"}
        statement = {"signed_on": world.day(-1), "statement_sha256": "0f" * 32, "warnings_told": True}
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **alone, against_advice=statement)
        assert (no.code, no.places) == ("gate_g4", {"/content"})
        assert "newer than the statement" in no.hint
        unwarned = statement | {"signed_on": world.day(), "warnings_told": False}
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **alone, against_advice=unwarned)
        assert "/content/against_advice/warnings_told" in no.places

        # He is told, and signs anew: he is announced, and Albania says who will be there.
        signed = statement | {"signed_on": world.day()}
        proposal = await talk.says(fr.worker, "return.proposal", "return", **alone, against_advice=signed)
        assert (await talk.told(al, proposal))["against_advice"] == signed
        yes = {"answer": "confirm", "met_by": MET_BY, "changes": None}
        await talk.says(al.worker, "return.response", "return", reply_to=proposal, **yes)
        for country in (fr, al):
            assert (await talk.stands(country))["state"] == "return_confirmed"

        # He was to arrive two days ago and nobody heard of him: France owes an alert.
        await world.pass_days(5)
        owed = {one["what"]: one for one in (await talk.stands(fr))["owed"]}
        assert (owed["alert_raise"]["owes"], owed["alert_raise"]["overdue"]) == ("us", True)
        page = await fr.reads(f"/conversations/{talk.conversation}", "fr")
        assert say(CLOCKS["alert_raise"], "fr") in page
        alert = await talk.says(fr.worker, "safety.alert", kind="missing_contact")
        assert (await talk.told(al, alert))["kind"] == "missing_contact"
        assert (await talk.stands(al))["overlays"] == ["alert"]
