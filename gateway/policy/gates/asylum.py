"""Gate G5: nothing goes to a State that the person fears while asylum is sought or granted."""

from __future__ import annotations

from gateway.cases.history import EVERY
from gateway.conversations.history import History, Side
from gateway.errors import Code
from gateway.foundation.ids import UnitKind
from gateway.policy.gates.facts import PERMIT, Decision, GateFacts, Refuse
from gateway.policy.gates.person import signed_request
from schemas.law.legal_status import is_protected

#: Messages that by their nature reach the State of origin or begin a return: they need a known legal status.
TOWARDS_ORIGIN: frozenset[str] = frozenset(
    {"nationality.request", "traveldoc.request", "family.inquiry", "return.proposal"}
)
#: Messages that only stop something. With a neutral reason they tell nothing, and a reception team need not wait.
STOPPING: frozenset[str] = frozenset({"return.cancel", "referral.withdraw"})

#: Codes of ISO 3166-1 under which people are registered whom another State governs, or whom no State counts as its
#: own: Western Sahara and Palestine. Such a nationality does not say which State is feared (domain 9.10).
NAMES_NO_STATE: frozenset[str] = frozenset({"EH", "PS"})


ASYLUM = "asylum_authority"
ENFORCES_RETURNS = "return_authority"
OF_A_RETURN: frozenset[str] = frozenset({"return", "consular"})
"""Purposes in which an authority for asylum has no part."""


def g5_asylum(facts: GateFacts) -> Decision:
    """G5: with an asylum claim pending or protection granted nothing goes to a feared State (Regulation 2024/1348
    Art. 7(2), domain 9.10): those of which nationality was told, and those that the hold names. While none is known,
    every recipient may be one.

    The exception is a partner NGO there, on the person's signed request and with a second person's approval. That a
    claim exists is itself not told: a reason or a correction that names it is refused, a neutral one may stop a return.
    What asks the State of origin something, or begins a return, needs a legal status that is known. While it is
    asked whether what a linked person fears is feared here too, it counts as feared (domain 9.31).
    """
    if not _tells_of_a_person(facts):
        return PERMIT
    if (apart := _keep_apart(facts)) is not None:
        return apart
    country = None if facts.recipient is None else facts.recipient.country
    history = facts.with_this
    if facts.name in TOWARDS_ORIGIN and (history.legal_status is None or country is None):
        return _g5(
            "/header/recipient_unit", "the legal status of the person and the State asked have to be known first"
        )
    asked = _is_asked_about(facts, country)
    if not asked and not (_protected(facts, history) and _may_be_feared(facts, history, country)):
        return PERMIT
    if facts.name in STOPPING and facts.content.get("reason") != "asylum_claim":
        return PERMIT
    if _ngo_on_request(facts):
        return PERMIT
    if facts.name in STOPPING:
        return _g5(
            "/content/reason",
            "choose another reason: nothing tells a feared State of an asylum claim (trm asylum hold)",
        )
    if asked:
        return _g5(
            "/header/recipient_unit",
            "an asylum hold lies on a linked case, or a message told of asylum there, and nobody has said whether this "
            "person fears that State too: place a hold here as well (trm asylum hold), or two people say that it does "
            "not concern this one (trm asylum apart)",
        )
    if not _feared(facts, history) - NAMES_NO_STATE:
        return _g5(
            "/header/recipient_unit",
            "nobody told which States the person fears, so every recipient may be one: name them (trm asylum hold "
            "--state), the former habitual residence of a stateless person too",
        )
    return _g5(
        "/header/recipient_unit",
        "nothing goes to a feared State while asylum is sought or granted, except to an NGO there on the person's "
        "signed request, approved by a second person",
    )


def g5_received(facts: GateFacts) -> Decision:
    """G5 at the receiver, when the message itself says so (domain 9.10): what should never have left is not taken
    in. A partner NGO's node can not see the request that the sender relies on, so it is left to the
    sender.
    What only stops something, with a neutral reason, is taken in as it was let go: a reception team need not wait.
    """
    if (apart := _keep_apart(facts)) is not None:
        return apart
    if facts.name in STOPPING and facts.content.get("reason") != "asylum_claim":
        return PERMIT
    country = None if facts.recipient is None else facts.recipient.country
    history = facts.with_this
    known = history.nationalities is not None and country in history.nationalities
    ngo = facts.recipient is not None and facts.recipient.kind is UnitKind.NGO
    if _tells_of_a_person(facts) and is_protected(history.legal_status) and known and not ngo:
        return _g5(
            "/header/recipient_unit", "nothing goes to the State of nationality while asylum is sought or granted"
        )
    return PERMIT


def _keep_apart(facts: GateFacts) -> Refuse | None:
    """Keep asylum and the enforcement of returns apart, in every country (domain 6.18)."""
    roles = frozenset[str]() if facts.recipient is None else facts.recipient.roles
    if ASYLUM in roles and (facts.purpose in OF_A_RETURN or facts.name.startswith("return.")):
        return _g5("/header/recipient_unit", "an authority for asylum has no part in a return: choose another unit")
    if ENFORCES_RETURNS in roles and _protected(facts, facts.with_this):
        return _g5(
            "/header/recipient_unit",
            "who enforces returns learns nothing of a person who seeks asylum or is protected: choose another unit",
        )
    return None


def _tells_of_a_person(facts: GateFacts) -> bool:
    return facts.personal is not False or bool(facts.categories)


def _protected(facts: GateFacts, history: History) -> bool:
    before = is_protected(facts.history.legal_status)  # a correction to the contrary does not go there first
    return facts.asylum_hold or before or is_protected(history.legal_status)


def _feared(facts: GateFacts, history: History) -> frozenset[str]:
    return facts.feared_states | (history.nationalities or frozenset())


def _may_be_feared(facts: GateFacts, history: History, country: str | None) -> bool:
    """Whether the recipient is a feared State, or may be one because none is known. Then it is not who alone told that
    the person is protected: one seeks asylum in another State than the one feared.
    """
    feared = _feared(facts, history)
    if country is None or country in feared:
        return True
    told_by_them = history.status_by is Side.THEIRS and not facts.asylum_hold
    return not feared - NAMES_NO_STATE and not told_by_them


def _is_asked_about(facts: GateFacts, country: str | None) -> bool:
    """Whether nobody has said yet if the recipient is feared here as it is by a linked person (domain 9.31)."""
    return bool(facts.unanswered) and (country is None or not facts.unanswered.isdisjoint({country, EVERY}))


def _ngo_on_request(facts: GateFacts) -> bool:
    ngo = facts.recipient is not None and facts.recipient.kind is UnitKind.NGO
    second = facts.approver is not None and facts.approver != facts.text("author_ref")
    return ngo and second and facts.purpose is not None and signed_request(facts, facts.purpose)


def _g5(place: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G5, place=place, hint=hint)
