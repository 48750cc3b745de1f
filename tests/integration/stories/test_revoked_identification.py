"""A revoked identification. The police of France identified a victim and take it back later; an NGO in Albania still
presumes one. Both decisions stand with their days, and nothing overwrites the other country's (domain 2.14, 4.19).
"""

from __future__ import annotations

from pathlib import Path

from support.story_countries import countries, name_country, say
from support.story_talk import Talk, begin

from gateway.console.case_words import STATUSES


async def statuses(talk: Talk) -> list[tuple[str, str, str, bool]]:
    """What Albania has noted of the person: country, status, its day, and whether it is the latest of that country."""
    found = (await talk.case(talk.other))["statuses"]
    return sorted((one["country"], one["status"], one["on"], one["now"]) for one in found)


async def test_a_revoked_identification(tmp_path: Path) -> None:
    """Each country decides for itself, each change has its day and its message, and what was decided is still read."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]
        talk = await begin(world, fr.worker, al, "F-91", purposes=("referral", "assistance"))
        await talk.refer(fr.worker, thb_status="presumed", thb_decision_body="Police")
        await talk.accept(al.lead)
        case, presumed = (await talk.case(al))["id"], world.day()

        # What the person says is no decision of an authority.
        await world.pass_days(5)
        decided = world.day()
        made = {"decision": "identified", "level": "conclusive", "decision_body": "Police", "decided_on": decided}
        own = made | {"decision": "self_reported"}
        no = await talk.is_refused(fr.worker, "identification.certificate", "referral", **own)
        assert no.places == {"/content/decision"}

        # The police of France have decided; an NGO in Albania presumes a victim.
        first = await talk.says(fr.worker, "identification.certificate", "referral", **made)
        ngo = {"status": "presumed", "country": "AL", "body": "NGO", "on": decided}
        await al.worker.does("case.note_status", id=case, **ngo)
        before = [
            ("AL", "presumed", decided, True),
            ("FR", "identified", decided, True),
            ("FR", "presumed", presumed, False),
        ]
        assert await statuses(talk) == before

        # Nothing is revoked that was not decided, and not without its day.
        no = await al.worker.is_refused("case.note_status", id=case, **ngo | {"status": "revoked", "country": "PL"})
        assert (no.status, no.code) == (409, "conflict")
        await world.pass_days(5)
        undone = world.day()
        gone = made | {"since_then": {"event": "revoked"}}
        no = await talk.is_refused(fr.worker, "identification.certificate", "referral", **gone)
        assert (no.code, no.places) == ("schema", {"/content/since_then/event_on"})

        # The police take it back. In Albania that is noted of that day, and its own view stands.
        gone["since_then"] = {"event": "revoked", "event_on": undone}
        second = await talk.says(fr.worker, "identification.certificate", "referral", **gone)
        assert await statuses(talk) == [
            ("AL", "presumed", decided, True),
            ("FR", "identified", decided, False),
            ("FR", "presumed", presumed, False),
            ("FR", "revoked", undone, True),
        ]

        # Both decisions are still read, and a page says in words what stands.
        assert "since_then" not in await talk.told(al, first)
        assert (await talk.told(al, second))["since_then"]["event"] == "revoked"
        page = await al.reads(f"/cases/{case}", "sq")
        for country, status in (("FR", "revoked"), ("FR", "identified"), ("AL", "presumed")):
            assert f"{name_country(country, 'sq')}: {say(STATUSES[status], 'sq')}" in page
