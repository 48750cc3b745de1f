"""A Border Guard that refers. In Poland it finds the person and is the partner of the mechanism: the focal point
delegated to it, and the roots of the node signed that. In France nobody did (domain 6.16, 6.17).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.acting import id_of
from support.story_countries import countries, say
from support.story_nodes import BORDER_GUARD, DELEGATED, GUARD
from support.story_talk import Talk, begin

from gateway.console.states import GATES


async def test_a_border_guard_that_refers(tmp_path: Path) -> None:
    """It asks in its own name, refers only where it was given the task, and never on the consent alone."""
    async with countries(tmp_path, "PL", "AL", "FR") as world:
        pl, al, fr = world["PL"], world["AL"], world["FR"]

        # It asks Albania for a place, about nobody; Albania offers one.
        asks = Talk(
            world=world,
            host=pl,
            other=al,
            number=None,
            consent=None,
            conversation=id_of("a question of the border guard"),
            host_unit=GUARD,
            host_role=BORDER_GUARD,
        )
        question = await asks.says(pl.guard, "enquiry.capacity")
        offer = {"answer": "yes", "services_available": ["safe_accommodation"], "decline_reason": None}
        await asks.says(al.lead, "enquiry.reply", reply_to=question, **offer, offer_valid_until=world.day(10))
        assert (await asks.stands(pl))["state"] == "offered"

        # As a border guard it has no part in a referral.
        told = {"transfer_risks_told": True}
        talk = await begin(world, pl.guard, al, "P-61", consent=told, host_unit=GUARD, host_role=DELEGATED)
        no = await replace(talk, host_role=BORDER_GUARD).is_refused(pl.guard, "referral.request", "referral")
        assert (no.code, no.places) == ("gate_g14", {"/header/sender_role"})
        assert "this role has no part in this message" in no.hint

        # It is an authority: her consent is asked for, and is no basis of the transfer.
        header = {"transfer_basis": "consent_49_1_a", "transfer_instrument": None}
        no = await talk.is_refused(pl.guard, "referral.request", "referral", header=header)
        assert (no.code, no.places) == ("gate_g6", {"/header/transfer_basis"})
        page = await talk.preview(pl.guard, "referral.request", "referral", language="pl", header=header)
        assert say(GATES["G6"][0], "pl") in page

        # The Border Guard of France says that it has the task as well; the signed descriptor does not.
        other = await begin(world, fr.guard, al, "F-61", host_unit=GUARD, host_role=DELEGATED)
        no = await other.is_refused(fr.guard, "referral.request", "referral")
        assert (no.code, no.places) == ("gate_g14", {"/header/sender_role"})
        assert "the signed descriptor does not give the unit this role" in no.hint

        # The one of Poland refers; a focal point reads what leaves, and releases it at the console.
        waits = await pl.guard.does("message.submit", **talk.letter(pl.guard, "referral.request", "referral"))
        assert waits["state"] == "waiting_second"
        draft = f"/drafts/{waits['id']}"
        await pl.presses(f"{draft}/preview", f"{draft}/release", "pl")
        said = (await pl.guard.does("conversation.show", id=talk.conversation))["messages"]
        (request,) = [one["id"] for one in said if one["type"] == "referral.request/1"]
        await world.arrives(pl, request)

        # Albania knows who refers, and takes the case.
        talk.request = request
        came = (await al.worker.does("message.show", id=request))["header"]
        assert (came["sender_unit"], came["sender_role"]) == (GUARD, DELEGATED)
        await talk.accept(al.lead)
        for country in (pl, al):
            assert (await talk.stands(country))["state"] == "accepted"

        # The national focal point of Poland sees what went through its node.
        page = await pl.reads(f"/conversations/{talk.conversation}", "pl")
        assert say("accepted", "pl") in page
