"""A stateless woman under a hold. France has referred her to Albania, where she lived; then she asks for asylum.

Nobody has said whom she fears, so every country may be the one: nothing goes anywhere until her worker has named it
(domain 9.10, 9.11). An alert about her goes all the same, in codes (domain 9.28).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.acting import id_of
from support.story_countries import countries, name_country, say
from support.story_talk import begin

from gateway.console.states import GATES

STATELESS = {"pseudonym": "Lira", "age_group": "adult", "nationalities": []}
BASICS = {"unknown": {"languages": "not_yet", "safe_contact_rule": "not_yet"}}
WORDS = "her brother waits outside the shelter"


async def test_a_stateless_woman_under_a_hold(tmp_path: Path) -> None:
    """No country hears of her until one is named; then that one does not, another does, and an alert has no words."""
    async with countries(tmp_path, "FR", "AL", "PL") as world:
        fr, al, pl = world["FR"], world["AL"], world["PL"]
        her = {"person": STATELESS | BASICS}

        # Her referral to Albania is under way when she asks for asylum, and her worker places a hold.
        talk = await begin(world, fr.worker, al, "F-1", also=["PL/focal-point"])
        await talk.refer(fr.worker, **her)
        held = await fr.worker.does("asylum.hold", id=talk.conversation)
        assert (held["held"], held["states"]) == (True, [])

        # Nobody knows whom she fears, so Poland may not be asked either.
        to_poland = replace(talk, other=pl, conversation=id_of("F-1 to PL"))
        no = await to_poland.is_refused(fr.worker, "referral.request", "referral", **her)
        assert (no.code, no.places) == ("gate_g5", {"/header/recipient_unit"})
        assert "nobody told which States the person fears" in no.hint
        page = await to_poland.preview(fr.worker, "referral.request", "referral", language="fr", **her)
        for words in GATES["G5"]:
            assert say(words, "fr") in page
        page = await fr.reads(f"/conversations/{talk.conversation}")
        assert say(GATES["G5"][0]) in page
        assert say("No State is named yet, so nothing goes to any country.") in page

        # Nor is Albania told why the referral is taken back.
        no = await talk.is_refused(fr.worker, "referral.withdraw", "referral", reason="asylum_claim")
        assert (no.code, no.places) == ("gate_g5", {"/content/reason"})

        # A State that there is not is not feared; the country where she lived is.
        no = await fr.worker.is_refused("asylum.hold", id=talk.conversation, states=["XX"])
        assert (no.code, no.places) == ("invalid", {"/states"})
        path = f"/conversations/{talk.conversation}"
        page = await fr.presses(path, f"{path}/asylum-hold", "fr", state="AL")
        assert say("Nothing goes to: %(states)s", "fr", states=name_country("AL", "fr")) in page

        # Now Poland is asked, and Albania is not.
        request = await to_poland.refer(fr.worker, **her)
        assert "nationalities" not in (await to_poland.told(pl, request))["person"]
        no = await talk.is_refused(fr.worker, "identification.certificate", "referral")
        assert (no.code, no.places) == ("gate_g5", {"/header/recipient_unit"})
        assert "nothing goes to a feared State" in no.hint

        # Her life is in danger there: the alert goes at once, without the words, and somebody looks at it.
        alert = await talk.says(fr.worker, "safety.alert", what_happened=WORDS)
        assert (await talk.told(al, alert))["what_happened"] == "See the codes."
        alarms = (await fr.lead.does("alarm.list", kind="feared_state.told"))["alarms"]
        assert [one["message"] for one in alarms] == [alert]

        # Albania knows of an alert, and of no claim.
        assert (await talk.stands(al))["overlays"] == ["alert"]
        assert (await talk.case(al))["asylum_holds"] == []
        page = await al.reads(f"/conversations/{talk.conversation}", "sq")
        assert say("a safety alert is open", "sq") in page
        assert say("Lift the asylum hold", "sq") not in page

        # One person alone does not lift the hold.
        assert (await fr.worker.does("asylum.lift", id=talk.conversation))["held"] is True
        no = await fr.worker.is_refused("asylum.lift", id=talk.conversation)
        assert (no.status, no.code) == (409, "conflict")
        assert (await fr.lead.does("asylum.list"))["holds"][0]["states"] == ["AL"]
