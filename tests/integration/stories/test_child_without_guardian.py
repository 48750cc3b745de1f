"""A child without a guardian. The child protection authority consents for a time, so that help need not wait; it does
so with the child's assent, for 60 days, and a guardian follows (domain 7.17, 9.21, 9.22).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.story_countries import countries, say
from support.story_talk import Talk, agreement, begin

from gateway.console.states import GATES

PURPOSES = ("referral", "assistance", "return")
CHILD = {
    "person": {
        "pseudonym": "Nil",
        "age_group": "child",
        "unknown": {"languages": "not_yet", "safe_contact_rule": "not_yet"},
    },
    "child": {"guardian_pending": True, "situation": "unaccompanied"},
}
ALONE = {"travellers": [{"pseudonym": "Nil", "age_group": "child"}]}
UNITS = ("FR/focal-point", "AL/focal-point")


async def consents(talk: Talk, **members: Any) -> None:
    """Somebody consents for the child; what is written from now on rests on it."""
    content = agreement(talk.world, UNITS, PURPOSES, **members)
    talk.consent = (await talk.host.worker.does("consent.record", number=talk.number, content=content))["id"]


async def test_a_child_without_a_guardian_and_an_interim_authority(tmp_path: Path) -> None:
    """Not on the child's word alone, for no more than 60 days, not against the child's no, and not home."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]

        # The child alone does not consent, as a colleague reads in French.
        talk = await begin(world, fr.worker, al, "F-31", purposes=PURPOSES, consent={"given_by": "person"})
        no = await talk.is_refused(fr.worker, "referral.request", "referral", **CHILD)
        assert (no.code, no.places) == ("gate_g2", {"/header/consent_ref"})
        assert "a child does not consent alone" in no.hint
        page = await talk.preview(fr.worker, "referral.request", "referral", language="fr", **CHILD)
        assert say(GATES["G2"][1], "fr") in page

        # The authority says whether the child agrees.
        interim = agreement(world, UNITS, PURPOSES, given_by="child_authority_interim")
        no = await fr.worker.is_refused("consent.record", number="F-31", content=interim)
        assert (no.code, no.places) == ("schema", {"/content/child_assent"})

        # It consented 59 days ago: the child is referred, and Albania knows that a guardian is awaited.
        assent = {"given_by": "child_authority_interim", "child_assent": "given", "taken_on": world.day(-59)}
        await consents(talk, **assent)
        request = await talk.refer(fr.worker, **CHILD)
        assert (await talk.told(al, request))["child"] == CHILD["child"]
        await talk.accept(al.lead)

        # Nobody proposes a journey home for a child whom no guardian speaks for.
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **ALONE)
        assert (no.code, no.places) == ("gate_g3", {"/content"})
        assert "a child needs a guardian named by this side" in no.hint

        # Two days later the time of the authority is over, on both sides.
        await world.pass_days(2)
        for person in (fr.worker, al.worker):
            no = await talk.is_refused(person, "assistance.plan", "assistance")
            assert (no.code, no.places) == ("gate_g2", {"/header/consent_ref"})
            assert "60 days at most" in no.hint

        # A guardian consents; the child says no, and that is heard: the authority alone may decide otherwise.
        refused = {"child_assent": "refused", "taken_on": world.day()}
        await consents(talk, given_by="guardian", **refused)
        no = await talk.is_refused(fr.worker, "assistance.plan", "assistance")
        assert (no.code, "the child said no" in no.hint) == ("gate_g2", True)
        await consents(talk, given_by="child_authority_interim", **refused)
        plan = talk.letter(fr.worker, "assistance.plan", "assistance")
        assert (await fr.worker.does("message.preview", draft=plan))["goes"] is True

        # With the child's yes help goes on, and Albania learns who the guardian is.
        await consents(talk, given_by="guardian", child_assent="given", taken_on=world.day())
        await talk.says(fr.worker, "guardian.notice", "referral", **{"from": world.day()})
        await talk.says(fr.worker, "assistance.plan", "assistance")
        assert (await talk.stands(al))["state"] == "planning"
        found = await al.lead.does("consent.show", id=talk.consent)
        assert (found["record"]["given_by"], found["record"]["child_assent"]) == ("guardian", "given")
        page = await al.reads(f"/conversations/{talk.conversation}", "sq")
        assert say("being planned", "sq") in page
