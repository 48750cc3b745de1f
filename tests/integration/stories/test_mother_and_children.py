"""A mother, her children, and the other parent abroad. She goes home with a daughter; the father there must not learn
of it. So it is said how it stands with his rights, nobody asks him, and her yes is no yes of the child's (domain 2.29,
4.18, 9.9).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.acting import id_of
from support.nodeproc import UNIT
from support.story_countries import countries, label, say
from support.story_talk import assess, begin

PURPOSES = ("referral", "risk_assessment", "return")
TOGETHER = {
    "travellers": [
        {"pseudonym": "Mali", "age_group": "adult"},
        {"pseudonym": "Nil", "age_group": "child", "relation": "child"},
    ]
}
MET_BY = {"unit": UNIT, "staff_ref": "al-09", "phone": "+355690000000"}


async def test_a_mother_her_children_and_the_other_parent_abroad(tmp_path: Path) -> None:
    """Not without a word about the father's rights, no question to his family, no message to him; then both travel."""
    async with countries(tmp_path, "FR", "AL") as world:
        fr, al = world["FR"], world["AL"]

        # She agrees to go home, and says no to any question to the family.
        no_family = {"denials": [{"purpose": "family_inquiry"}]}
        talk = await begin(world, fr.worker, al, "F-101", purposes=PURPOSES, consent=no_family)
        with_her = {"household": [{"relation": "child", "age_group": "child", "travels_with": True}]}
        await talk.refer(fr.worker, **with_her)
        await talk.accept(al.lead)
        await assess(talk, "proceed")

        # Nobody takes a child along without a word about the other parent.
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **TOGETHER)
        assert (no.code, no.places) == ("schema", {"/content/custody"})
        decided = TOGETHER | {"custody": {"other_parent": "court"}}
        no = await talk.is_refused(fr.worker, "return.proposal", "return", **decided)
        assert (no.code, no.places) == ("schema", {"/content/custody/decided_on"})

        # Nobody asks his family, and no message goes to a parent.
        no = await talk.is_refused(fr.worker, "family.inquiry", "family_inquiry")
        assert (no.code, no.places) == ("gate_g2", {"/header/consent_ref"})
        assert "the person said no to" in no.hint
        danger = TOGETHER | {"custody": {"other_parent": "danger"}}
        father = {"recipient_role": "parent"}
        no = await talk.is_refused(fr.worker, "return.proposal", "return", header=father, **danger)
        assert (no.code, no.places) == ("gate_g14", {"/header/recipient_role"})

        # The daughter has a case of her own, which her mother's yes does not open.
        daughter = replace(talk, number="F-102", conversation=id_of("F-102 to AL"))
        no = await daughter.is_refused(fr.worker, "referral.request", "referral")
        assert (no.code, no.places) == ("gate_g2", {"/header/consent_ref"})
        assert "of another case" in no.hint

        # To ask him would endanger them: that is said, and Albania awaits both.
        proposal = await talk.says(fr.worker, "return.proposal", "return", **danger)
        assert (await talk.told(al, proposal))["custody"] == {"other_parent": "danger"}
        page = await al.reads(f"/messages/{proposal}?way=in", "sq")
        assert label("other_parent", "danger", "sq") in page
        yes = {"answer": "confirm", "met_by": MET_BY, "changes": None}
        await talk.says(al.worker, "return.response", "return", reply_to=proposal, **yes)
        for country in (fr, al):
            assert (await talk.stands(country))["state"] == "return_confirmed"
        page = await fr.reads(f"/conversations/{talk.conversation}", "fr")
        assert say("return agreed", "fr") in page
