"""Siblings of whom one withdraws. Each has a case and a consent of their own, and a family is no consent (domain 4.18,
7.18): his yes carries nothing of hers, and his no stops nothing of hers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.story_countries import countries, name_country, say
from support.story_talk import begin

PURPOSES = ("referral", "assistance")


async def test_siblings_of_whom_one_withdraws(tmp_path: Path) -> None:
    """What he takes back stops on both sides at once; what his sister agreed to goes on."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]

        # Both agree, each for themselves; their cases belong together and stay two.
        hers = await begin(world, fr.worker, al, "F-21", purposes=PURPOSES)
        his = await begin(world, fr.worker, al, "F-22", purposes=PURPOSES)
        case = {
            talk.number: (await fr.worker.does("consent.show", id=talk.consent))["of_case"]["id"]
            for talk in (hers, his)
        }
        await fr.worker.does("case.relate", id=case["F-21"], other=case["F-22"], relation="sibling")

        # Her consent carries nothing of him.
        on_hers = replace(his, consent=hers.consent)
        no = await on_hers.is_refused(fr.worker, "referral.request", "referral")
        assert (no.code, no.places) == ("gate_g2", {"/header/consent_ref"})
        assert "of another case" in no.hint

        # Both are referred, and Albania takes both.
        for talk in (hers, his):
            await talk.refer(fr.worker)
            await talk.accept(al.lead)

        # He takes his consent back: before, a page says what stops; then Albania is told.
        page = await fr.reads(f"/consents/{his.consent}/withdraw", "fr")
        assert say("What relies on it and stops", "fr") in page
        assert name_country("AL", "fr") in page
        done = await fr.worker.does("consent.withdraw", id=his.consent)
        assert (done["state"], [one["peer"] for one in done["told"]]) == ("withdrawn", ["AL"])
        await world.arrives(fr, done["told"][0]["message"])

        # From now on neither side says anything about him, and Albania owes the answer that it stopped.
        for person in (fr.worker, al.worker):
            no = await his.is_refused(person, "assistance.plan", "assistance")
            assert (no.code, no.places) == ("gate_g7", {"/header/consent_ref"})
        stands = await his.stands(al)
        assert stands["overlays"] == ["consent_withdrawn"]
        assert ("withdrawal_ack", "us") in {(one["what"], one["owes"]) for one in stands["owed"]}
        page = await al.reads(f"/conversations/{his.conversation}", "sq")
        assert say("consent was withdrawn", "sq") in page

        # His sister's plan goes, and Albania sees nothing of his in hers.
        await hers.says(fr.worker, "assistance.plan", "assistance")
        for country in (fr, al):
            stands = await hers.stands(country)
            assert (stands["state"], stands["overlays"]) == ("planning", [])
        assert (await hers.case(al))["group"] == []

        # In France each case names the other one, and the pages tell them apart.
        found = await hers.case(fr)
        assert [(one["other"], one["relation"]) for one in found["group"]] == [(case["F-22"], "sibling")]
        assert [one["state"] for one in found["consents"]] == ["active"]
        page = await fr.reads(f"/cases/{case['F-22']}/consents", "fr")
        assert say("taken back", "fr") in page
