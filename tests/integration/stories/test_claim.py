"""A claim that keeps a closed case. A man goes home to a job; his claim for wages is still open. The case is closed,
and nothing of it is erased before the day that the closure names, in either country (domain 10.17).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.story_countries import Country, World, countries, label, say
from support.story_talk import begin

PURPOSES = ("referral", "assistance")


def closing(world: World, **claims: Any) -> dict[str, Any]:
    """A closure of today with what the person said of claims."""
    days = {"closed_on": world.day(), "retain_until": world.day(365)}
    return days | {"claims": claims or None}


async def verdicts(country: Country) -> set[str]:
    """What a dry run of retention says of the messages that the rule about closed cases would erase."""
    report = (await country.party.call("retention.run", dry_run=True))["report"]
    return {line["verdict"] for line in report if line["rule"] == "closed"}


async def test_a_claim_keeps_a_closed_case(tmp_path: Path) -> None:
    """Asked of before it is closed, closed over no alert, kept until its day on both sides, and then erased."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]
        talk = await begin(world, fr.worker, al, "F-81", purposes=PURPOSES)
        await talk.refer(fr.worker)
        await talk.accept(al.lead)

        # He was not asked; or he was, and nobody says what becomes of his proof.
        refused = {
            "/content/claims": {},
            "/content/claims/care": {"asked": "open"},
            "/content/claims/kept_until": {"asked": "open", "care": "kept"},
        }
        for place, claims in refused.items():
            no = await talk.is_refused(fr.worker, "case.closure", "assistance", **closing(world, **claims))
            assert (no.code, no.places) == ("schema", {place})

        # Somebody threatens him: no case is closed over an open alert.
        kept = {"asked": "open", "care": "kept", "kept_until": world.day(400)}
        alert = await talk.says(al.worker, "safety.alert", kind="threat")
        no = await talk.is_refused(fr.worker, "case.closure", "assistance", **closing(world, **kept))
        assert (no.code, "alert" in no.hint) == ("out_of_order", True)
        await fr.lead.does("alert.acknowledge", id=alert, actions=["call_person"])
        await talk.says(fr.lead, "safety.alert.update", reply_to=alert, status="resolved_safe")

        # He is safe. Both close the case, and Albania reads until when it is kept.
        closure = await talk.says(fr.worker, "case.closure", "assistance", **closing(world, **kept))
        page = await al.reads(f"/messages/{closure}?way=in", "sq")
        assert label("claim_care", "kept", "sq") in page
        await talk.says(al.worker, "closure.response", "assistance", reply_to=closure, answer="agree", note=None)
        for country in (fr, al):
            assert (await talk.stands(country))["state"] == "closed"
        assert say("closed", "fr") in await fr.reads(f"/conversations/{talk.conversation}", "fr")

        # A year later the rule would erase it, and does not; when the day is over, it does.
        await world.pass_days(366)
        for country in (fr, al):
            assert await verdicts(country) == {"held"}
        await world.pass_days(36)
        for country in (fr, al):
            assert await verdicts(country) in ({"erase"}, {"under_way"})
