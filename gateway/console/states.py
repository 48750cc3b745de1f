"""What the node calls things, in words: states, kinds, clocks, gates, facts, roles. One table for each kind of name.

`Says` looks them up in the language of the reader; a name that has no words here is shown as it is and marked. Codes of
messages are no names of the node: they have their labels in `schemas.labels` (`Words.code`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.console.words import N_, Words
from schemas.codelists import ENGLISH, code_list

Table = Mapping[str, str]

OUTGOING: Table = {
    "queued": N_("waits to be sent"),
    "awaiting_receipt": N_("sent, not confirmed yet"),
    "awaiting_handover": N_("arrived, not taken there yet"),
    "awaiting_opening": N_("taken there, not opened yet"),
    "opened": N_("opened there"),
    "voiding": N_("is being cancelled"),
    "rejected": N_("refused by the other side"),
    "failed": N_("could not be sent"),
    "cancelled": N_("cancelled"),
}
INCOMING: Table = {
    "awaiting_order": N_("arrived, an earlier message is still missing"),
    "awaiting_handover": N_("new, nobody has taken it"),
    "handed_over": N_("taken, not opened yet"),
    "opened": N_("opened"),
    "held": N_("refused by the case system, waits for a person"),
    "refused": N_("refused by us"),
}
"""States of a message (docs/state-machines.md), as who sent it and who got it would say."""

KINDS: Table = {
    "enquiry": N_("Enquiry"),
    "referral": N_("Referral"),
    "standing": N_("Standing exchange"),
}
ENQUIRY: Table = {
    "asked": N_("asked"),
    "delivered": N_("asked, has arrived"),
    "offered": N_("offer made"),
    "refused": N_("answered with no"),
    "used": N_("became a referral"),
    "expired": N_("ended without an answer"),
    "cancelled": N_("cancelled"),
}
REFERRAL: Table = {
    "draft": N_("draft"),
    "sent": N_("sent"),
    "delivered": N_("arrived"),
    "under_review": N_("being looked at"),
    "info_requested": N_("questions are open"),
    "accepted_conditional": N_("accepted under conditions"),
    "accepted": N_("accepted"),
    "planning": N_("being planned"),
    "return_proposed": N_("return proposed"),
    "return_confirmed": N_("return agreed"),
    "in_transit": N_("on the way"),
    "arrived": N_("has arrived"),
    "active": N_("support is running"),
    "closing": N_("closure proposed"),
    "closed": N_("closed"),
    "declined": N_("declined"),
    "expired": N_("ended without an answer"),
    "withdrawn": N_("withdrawn"),
    "erased": N_("erased"),
}
STANDING: Table = {"quiet": N_("nothing is owed"), "open": N_("something is owed")}
OF_KIND: Mapping[str, Table] = {"enquiry": ENQUIRY, "referral": REFERRAL, "standing": STANDING}
"""States of a conversation, for each kind of it."""

OUTCOMES: Table = {
    "applied": N_("effective"),
    "crossed": N_("has no effect: it crossed another message, which counts"),
    "late": N_("has no effect: the time for it was over"),
    "stale": N_("has no effect: it is about an earlier proposal"),
    "blocked": N_("has no effect: a safety alert is open"),
    "unfounded": N_("has no effect: a new consent is missing, or it is too late to reopen"),
    "out_of_order": N_("has no effect: not possible in the state the case was in"),
    "rejected": N_("has no effect: the other side refused it"),
}
RECEIPTS: Table = {
    "received": N_("arrived"),
    "delivered": N_("taken"),
    "opened": N_("opened by a person"),
    "erased": N_("erased"),
    "rejected": N_("refused"),
}
FACTS: Table = {
    "child": N_("the person is a child"),
    "return_wanted": N_("the person wants to return"),
    "no_document": N_("there is no travel document"),
    "reflection_period": N_("the reflection period is running"),
    "proceedings": N_("there are criminal proceedings"),
    "consent_withdrawn": N_("consent was withdrawn"),
    "alert": N_("a safety alert is open"),
    "asylum_hold": N_("While asylum is sought or granted, nothing goes to a State that the person fears"),
    "legal_hold": N_("a legal hold: nothing is erased"),
    "correction_pending": N_("a correction is not applied yet"),
    "offline": N_("the other node cannot be reached"),
}
"""What a step of the procedure depends on, and what can lie over a conversation."""

STEPS: Table = {
    "done": N_("done"),
    "due": N_("now"),
    "stopped": N_("stopped for now"),
    "possible": N_("possible"),
    "ahead": N_("later"),
    "behind": N_("not recorded here"),
}
SIDES: Table = {"us": N_("We"), "them": N_("The other country"), "either": N_("Either side")}

CLOCKS: Table = {
    "delivered": N_("get it to the other node"),
    "opened": N_("open the request"),
    "decision": N_("accept, decline or ask"),
    "enquiry_reply": N_("answer the enquiry"),
    "info_reply": N_("answer the questions"),
    "conditions": N_("agree to the conditions by the next step"),
    "disclosure": N_("send the identifying part"),
    "planning": N_("write how the planning goes on"),
    "nationality_reply": N_("answer about the nationality"),
    "traveldoc_reply": N_("answer about the travel document"),
    "family_report": N_("report on the family"),
    "risk_part": N_("send the other half of the risk assessment"),
    "risk_joint": N_("agree on the joint conclusion about the risks"),
    "bid_confirm": N_("confirm or contest the best-interests report"),
    "guardian_ack": N_("open the notice about the guardian"),
    "plan_reply": N_("confirm the assistance plan or propose a change"),
    "return_response": N_("answer the proposed return"),
    "cancel_ack": N_("open the cancelled return"),
    "arrival": N_("confirm the arrival"),
    "reintegration_plan": N_("send the reintegration plan"),
    "monitoring": N_("send the monitoring report"),
    "contact_check": N_("find out whether the person can be reached"),
    "withdrawal_ack": N_("acknowledge the withdrawal"),
    "erasure": N_("erase and confirm"),
    "alert_ack": N_("take the safety alert"),
    "alert_raise": N_("raise an alert: the person did not arrive"),
    "alert_update": N_("say how the alert stands"),
    "closure_response": N_("agree to the closure or not"),
    "correction_ack": N_("apply the correction"),
    "access_reply": N_("help to answer the person's request for their data"),
    "breach_ack": N_("open the breach notice"),
    "directory_confirm": N_("confirm the directory"),
    "stats_due": N_("send the figures"),
    "acknowledge": N_("open the message"),
}
"""What is owed, by the clock that runs (schemas/clocks.json)."""

GATES: Mapping[str, tuple[str, str]] = {
    "G1": (
        N_("Enquiries, directory and statistics identify nobody"),
        N_("Remove whatever could reveal who the person is; it belongs in a referral."),
    ),
    "G2": (
        N_("Personal data go only with a consent that covers them"),
        N_(
            "Ask who may consent at this age, and record a consent that names this purpose, this recipient and these "
            "data."
        ),
    ),
    "G3": (
        N_("A child returns only with guardian, assent, best interests and family report"),
        N_("First complete what is missing of the four."),
    ),
    "G4": (
        N_("A return needs a recent risk assessment of both sides"),
        N_(
            "Repeat both halves of the assessment; both have to agree. Who goes against advice signs that they were "
            "warned."
        ),
    ),
    "G5": (
        N_("While asylum is sought or granted, nothing goes to a State that the person fears"),
        N_("Name the States that the person fears, or wait for the decision; two people lift the hold."),
    ),
    "G6": (
        N_("A public authority does not transfer data on consent alone"),
        N_("Name the agreement or the law on which the transfer rests."),
    ),
    "G7": (
        N_("After a withdrawal, only what serves it, erasure and safety may be sent"),
        N_("Send nothing else. If the person wants to continue, a new consent has to be given."),
    ),
    "G8": (
        N_("Nobody is returned who may stay, and nobody is asked to go during the reflection period"),
        N_("Wait, or attach the person's own signed request; a decision has to be final and name its safeguards."),
    ),
    "G9": (
        N_("Data about offences go to lawyers, prosecutors and police only"),
        N_("Choose a recipient with that role, or leave these data out."),
    ),
    "G10": (
        N_("Withdrawals, erasure and safety alerts are never held back"),
        N_("Send it as it is."),
    ),
    "G11": (
        N_("An unknown code is never replaced by a guess"),
        N_("Choose one of the codes of the list."),
    ),
    "G12": (
        N_("Statistics reveal no small count"),
        N_("Send the released table, in which small counts are left out."),
    ),
    "G13": (
        N_("Whoever declines says why"),
        N_("Give the reason, and what would help."),
    ),
    "G14": (
        N_("The recipient is listed in the signed directory"),
        N_("Choose a unit of the directory of that country."),
    ),
    "G15": (
        N_("A question about nationality never reveals a victim"),
        N_("Remove everything that says why the question is asked."),
    ),
}
"""What each safeguard says (gateway.policy.gates.gate_table), and the way forward where it is closed."""

DRAFTS: Table = {
    "waiting": N_("waits for a person"),
    "waiting_second": N_("waits for a second person"),
    "released": N_("released"),
    "discarded": N_("discarded"),
    "replaced": N_("replaced by a newer one"),
}
ROLES: Table = {
    "case_worker": N_("case worker"),
    "focal_point": N_("focal point"),
    "trust_admin": N_("trust administrator"),
    "operator": N_("operator"),
    "auditor": N_("auditor"),
    "data_protection_officer": N_("data protection officer"),
    "adapter": N_("case system"),
}
UNIT_KINDS: Table = {
    "public_authority": N_("public authority"),
    "international_organisation": N_("international organisation"),
    "ngo": N_("non-governmental organisation"),
    "service_provider": N_("private provider of services"),
    "health": N_("health care"),
}
CHANNELS: Table = {
    "call": N_("call"),
    "message": N_("write a message"),
    "visit": N_("visit"),
    "through_provider": N_("through the provider who knows the person"),
}
CONTACT: Table = {
    "safe": N_("Nothing known is against it."),
    "ask": N_("Ask first: somebody has to look before the person is contacted."),
    "not_now": N_("Not now."),
    "never": N_("No. This must not be done."),
}
PARTIES: Table = {
    "family": N_("the family"),
    "state_of_nationality": N_("the State of nationality, its consulate too"),
    "police": N_("the police"),
}
REASONS: Table = {
    text: text
    for text in (
        N_("no rule for safe contact is known: ask who knows the person"),
        N_("this address must never be used"),
        N_("the person must not be called"),
        N_("it is not one of the safe hours"),
        N_("the safe hours are in words: read them first"),
        N_("some channels must never be used: read which"),
        N_("nothing in the rule speaks against it"),
        N_("the person has not agreed to it"),
        N_("the family must not be told anything"),
        N_("asylum is sought or granted"),
    )
}
"""The reasons that advice about contact gives (gateway.conversations.safe_contact), in its own words."""

REQUESTS: Table = {
    "new": N_("new"),
    "waiting": N_("waits for a person"),
    "followed": N_("erased"),
    "kept": N_("kept on a legal ground"),
}
ASKED: Table = {
    "conversation": N_("a whole conversation"),
    "messages": N_("single messages"),
    "consent": N_("everything that relied on a consent"),
    "part": N_("a part, which a person chooses"),
}


@dataclass(frozen=True, slots=True)
class Says:
    """The node's states and codes in one language."""

    words: Words

    def message(self, direction: object, state: object) -> str:
        """The state of a message."""
        return self._of(OUTGOING if direction == "out" else INCOMING, state)

    def kind(self, kind: object) -> str:
        """The kind of a conversation."""
        return self._of(KINDS, kind)

    def state(self, kind: object, state: object) -> str:
        """The state of a conversation."""
        return self._of(OF_KIND.get(str(kind), {}), str(state).lower())

    def outcome(self, outcome: object) -> str:
        """Describe the outcome of a message."""
        return self._of(OUTCOMES, outcome)

    def receipt(self, status: object) -> str:
        """Describe a receipt."""
        return self._of(RECEIPTS, status)

    def fact(self, fact: object) -> str:
        """Describe a condition of a step, or an overlay of a conversation."""
        return self._of(FACTS, fact)

    def step(self, standing: object) -> str:
        """Describe the state of a procedure step."""
        return self._of(STEPS, standing)

    def side(self, side: object) -> str:
        """Name a side."""
        return self._of(SIDES, side)

    def clock(self, clock: object) -> str:
        """Describe an obligation."""
        return self._of(CLOCKS, clock)

    def gate(self, gate: object) -> str:
        """Describe a safeguard."""
        return self._of({name: title for name, (title, _) in GATES.items()}, gate)

    def forward(self, gate: object) -> str:
        """Name the way forward where a safeguard prevents something."""
        return self._of({name: way for name, (_, way) in GATES.items()}, gate)

    def draft(self, state: object) -> str:
        """The state of a draft."""
        return self._of(DRAFTS, state)

    def role(self, role: object) -> str:
        """A role of somebody at this node."""
        return self._of(ROLES, role)

    def unit_kind(self, kind: object) -> str:
        """The kind of organisation that a unit is."""
        return self._of(UNIT_KINDS, kind)

    def channel(self, channel: object) -> str:
        """A way to reach the person."""
        return self._of(CHANNELS, channel)

    def contact(self, contact: object) -> str:
        """Describe whether a way to reach the person may be used."""
        return self._of(CONTACT, contact)

    def party(self, party: object) -> str:
        """Name somebody who must not know."""
        return self._of(PARTIES, party)

    def why(self, why: object) -> str:
        """Give the reason for a piece of advice."""
        return self._of(REASONS, why)

    def request(self, state: object) -> str:
        """The state of a request for erasure."""
        return self._of(REQUESTS, state)

    def what(self, what: object) -> str:
        """Describe the target of an erasure request."""
        return self._of(ASKED, what)

    def reason(self, code: object, name: str = "wire_code") -> str:
        """Give a reason: the label of the code if the list has it, else the node's own text for it."""
        return self.words.code(name, code) if str(code) in code_list(name) else str(code)

    def text(self, texts: Mapping[str, str]) -> tuple[str, str]:
        """Return a text that exists in several languages, and the language it is in: the reader's, else English."""
        code = self.words.language.code
        code = code if code in texts else ENGLISH
        return texts.get(code, ""), code

    def _of(self, table: Table, name: object) -> str:
        said = table.get(str(name))
        return f"{name} [{self.words.language.no_label}]" if said is None else self.words(said)
