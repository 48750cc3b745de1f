"""Members that the node knows, so that no form asks for them, and what has to be there before something can be chosen
(pure).

A value that is there is carried along unseen; one that is not is put in by the node, or chosen from what there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.console.forms.parts import Options, generalise_place
from gateway.console.words import N_, Words

REFERENCES = frozenset({"/header/case_ref_sender", "/header/case_ref_recipient"})
"""The references of a case between two countries: the node makes its own and remembers theirs."""
PROPOSAL = "return.proposal/1"
VERSIONED = frozenset({PROPOSAL, "return.response/1", "return.cancel/1", "departure.notice/1"})
"""Types that name the version of an arrangement; a new arrangement has the next one."""
VERSION, ITEM = "/content/version", "/content/answers/*/item_id"
KNOWN: Mapping[str, frozenset[str]] = {
    "referral.accept/1": frozenset({"/content/case_ref_recipient"}),
    "info.request/1": frozenset({"/content/items/*/item_id"}),
    **dict.fromkeys(sorted(VERSIONED), frozenset({VERSION})),
}
"""Places of one type, rows as `*`."""
COMES_FIRST: Mapping[tuple[str, str], Sequence[str]] = {
    ("referral.request/1", "/content/enquiry_id"): ("enquiry.reply/1",),
    ("bid.report/1", "/content/family_report_id"): ("family.report/1",),
    ("risk.assessment/1", "/content/based_on/*"): ("risk.assessment/1",),
    ("return.response/1", VERSION): (PROPOSAL,),
    ("return.cancel/1", VERSION): (PROPOSAL,),
    ("departure.notice/1", VERSION): (PROPOSAL,),
    ("info.reply/1", ITEM): ("info.request/1",),
}
"""The messages of which one has to be there before something of them can be chosen."""
OTHERWISE: Mapping[tuple[str, str], str] = {
    ("data.correction/1", "/content/path"): N_("Choose the message first."),
    ("enquiry.capacity/1", "/content/region_preferred"): N_("The offices of this country name no regions."),
    ("enquiry.capacity/1", "/content/region_excluded/*"): N_("The offices of this country name no regions."),
}
NO_MESSAGE = N_("There is no message to choose from yet.")


def is_known(body_type: str, place: str) -> bool:
    """Whether the node knows what belongs at a place, so that nobody is asked."""
    here = generalise_place(place)
    return here in REFERENCES or here in KNOWN.get(body_type, ())


def explain_nothing(body_type: str, offered: Mapping[str, Options], words: Words) -> dict[str, str]:
    """Say for each place of which nothing can be chosen what has to come first."""
    found = {}
    for place, options in offered.items():
        if not options and place.startswith("/content/"):
            first = [words.message(one) for one in COMES_FIRST.get((body_type, place), ())]
            text = words(OTHERWISE.get((body_type, place), NO_MESSAGE))
            found[place] = (
                words("This has to come first: %(messages)s.", messages=words.comma.join(first)) if first else text
            )
    return found
