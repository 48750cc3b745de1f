"""An NGO as delegated focal point. A refuge in France refers a woman to a refuge in Albania, from NGO to NGO, because
both countries delegated; the national focal points see what goes (domain 6.17).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.story_countries import countries, say
from support.story_nodes import DELEGATED, GUARD, REFUGE
from support.story_talk import agreement, begin

ENDS = {"host_unit": REFUGE, "host_role": DELEGATED, "other_unit": REFUGE, "other_role": DELEGATED}
ON_CONSENT = {"transfer_basis": "consent_49_1_a", "transfer_instrument": None}


async def test_an_ngo_as_delegated_focal_point(tmp_path: Path) -> None:
    """To an NGO with the task and to no other unit, on a consent that knows the risks, unseen by other offices."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]
        talk = await begin(world, fr.refuge, al, "F-71", also=["AL/border-guard"], **ENDS)

        # Nobody in Albania delegated to the Border Guard.
        astray = replace(talk, other_unit=GUARD)
        no = await astray.is_refused(fr.refuge, "referral.request", "referral")
        assert (no.code, no.places) == ("gate_g14", {"/header/recipient_role"})

        # An NGO may send on her consent, when she knows what that means.
        no = await talk.is_refused(fr.refuge, "referral.request", "referral", header=ON_CONSENT)
        assert (no.code, no.places) == ("gate_g2", {"/header/transfer_basis"})
        assert "not told of the risks of this transfer" in no.hint

        # It writes in its own name, and not in that of the national focal point.
        no = await replace(talk, host_unit="focal-point").is_refused(fr.refuge, "referral.request", "referral")
        assert (no.status, no.code) == (403, "forbidden")

        # She is told, and says yes: the refuge and the national focal point release it, and the refuge there takes her.
        content = agreement(world, ["FR/refuge", "AL/refuge"], transfer_risks_told=True)
        talk.consent = (await fr.refuge.does("consent.record", number="F-71", content=content))["id"]
        request = await talk.refer(fr.refuge, header=ON_CONSENT)
        came = (await al.refuge.does("message.show", id=request))["header"]
        assert (came["sender_role"], came["transfer_basis"]) == (DELEGATED, "consent_49_1_a")
        await talk.accept(al.refuge)
        for country in (fr, al):
            assert (await talk.stands(country))["state"] == "accepted"

        # Another office of the same country sees nothing of it; the national focal points do.
        for country in (fr, al):
            no = await country.guard.is_refused("conversation.show", id=talk.conversation)
            assert (no.status, no.code) == (404, "not_found")
        page = await fr.reads(f"/conversations/{talk.conversation}", "fr")
        assert say("accepted", "fr") in page
        page = await al.reads(f"/conversations/{talk.conversation}", "sq")
        assert say("accepted", "sq") in page
