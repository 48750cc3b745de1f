"""The gates that look at the message itself and at where it goes: G1, G9, G11 to G15."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import schemas
from gateway.consent.rules import covers
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json
from gateway.policy.gates.facts import PERMIT, Decision, GateFacts, Refuse
from gateway.policy.gates.roles import find_complained_of, find_role_fault
from gateway.policy.identifiers import Identifier, identifiers
from gateway.statistics.periods import asked
from gateway.statistics.suppression import Leak, Table, leak, table_of
from schemas.places import Path, format_known_pointer
from schemas.types import never_blocked, type_name

#: Rules of findings that mean "this code is not known" (schema) and "this value has no code" (mapping).
CODE_RULES: frozenset[str] = frozenset({"unknown_code", "unmapped_code"})

_ANY = frozenset(Identifier)
_NO_PUBLIC_DESK = _ANY - {Identifier.EMAIL, Identifier.PHONE}

#: Messages in which nothing may point to a person, and the tokens that their free text must not have. An entry of the
#: directory names the public telephone and address of an office, so those two are no sign of a person there.
WITHOUT_IDENTIFIERS: Mapping[str, frozenset[Identifier]] = {
    "enquiry.capacity": _ANY,
    "enquiry.reply": _ANY,
    "directory.update": _NO_PUBLIC_DESK,
    "stats.request": _ANY,
    "stats.submission": _ANY,
}

#: Roles that may have data on offences and proceedings under official authority or for the person's defence.
CRIMINAL_ROLES: frozenset[str] = frozenset(
    {"legal_representative", "prosecutor_liaison", "police_liaison", "legal_aid_body", "compensation_body"}
)

#: What a `nationality.request` is about; anything else would tell who asks for whom, and why (ECAT 11).
NATIONALITY_CATEGORIES: frozenset[str] = frozenset({"identity", "documents", "family"})
NATIONALITY_PURPOSES: frozenset[str] = frozenset({"consular", "return"})
NEUTRAL_CONTEXT = "documentation"


def g1_no_identifiers(facts: GateFacts) -> Decision:
    """G1: enquiries, directory and statistics carry nothing that identifies a person (domain 3.1; nrm.bg SOP 1.4 step
    2: first ask, with no more data than needed). Their schemas are closed; the free text that is left is scanned.

    Names are not recognised by any pattern: the text is read by a person before it is released.
    """
    forbidden = WITHOUT_IDENTIFIERS.get(facts.name)
    if forbidden is None:
        return PERMIT
    if facts.categories:
        return _g1("/content", "this message carries no personal data: send it as a referral, with consent")
    for path, text in _free_text(facts.body_type, facts.content):
        if found := identifiers(text, facts.today) & forbidden:
            return _g1(
                format_known_pointer(path),
                f"take out {' and '.join(sorted(found))}; nothing here may point to a person",
            )
    return PERMIT


#: Messages that nothing stops and that people write in words: they are looked through, and never held for it.
ALERTS: frozenset[str] = frozenset({"safety.alert", "safety.alert.ack", "safety.alert.update"})


def find_doubts(body_type: str, content: Mapping[str, Json], today: date) -> tuple[Finding, ...]:
    """Find what in the words of an alert may identify somebody (domain 9.1), to warn its writer and a second person.

    It is no gate: an alert goes whatever it says.
    """
    if type_name(body_type) not in ALERTS:
        return ()
    return tuple(
        Finding(place=format_known_pointer(path), rule="may_identify", hint=f"looks like {' and '.join(sorted(found))}")
        for path, text in _free_text(body_type, content)
        if (found := identifiers(text, today))
    )


def _g1(place: str, hint: str) -> Refuse:
    return Refuse(gate=Code.GATE_G1, place=place, hint=hint)


def _free_text(body_type: str, content: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    """Each string of the content that is not a code, a date or another closed form; what no schema knows counts too."""
    closed = (
        frozenset(leaf.path for leaf in schemas.list_fields(body_type) if not leaf.text) if _held(body_type) else ()
    )
    for path, text in _strings(dict(content), ("content",)):
        if "".join("/*" if isinstance(step, int) else f"/{step}" for step in path) not in closed:
            yield path, text


def _held(body_type: str) -> bool:
    return body_type in schemas.load_catalogue()


def _strings(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _strings(member, (*path, name))


def g9_criminal(facts: GateFacts) -> Decision:
    """G9: data on offences and proceedings go only to a lawyer, a prosecutor or the police, and to a case manager with
    the person's consent to that category (GDPR 10, domain 3.9). Danger to life does not open it.
    """
    if "criminal" not in facts.categories:
        return PERMIT
    role = _reader(facts)
    if role in CRIMINAL_ROLES or (role == "case_manager" and _agreed_to_criminal(facts)):
        return PERMIT
    return _g9()


def _reader(facts: GateFacts) -> str | None:
    """The role that the message names as its reader, where the signed directory does not contradict it."""
    role = facts.text("recipient_role")
    listed = frozenset[str]() if facts.recipient is None else facts.recipient.roles
    return role if not listed or role in listed else None


def _agreed_to_criminal(facts: GateFacts) -> bool:
    consent, purpose = facts.consent, facts.purpose
    return (
        consent is not None
        and purpose is not None
        and not covers(consent, purpose=purpose, unit=facts.recipient_unit, categories={"criminal"}, today=facts.today)
    )


def _g9() -> Refuse:
    return Refuse(
        gate=Code.GATE_G9,
        place="/header/recipient_role",
        hint="data of the category criminal go to a lawyer, prosecutor or police liaison, or with consent to the case "
        "manager: leave them out here and send them there",
    )


def g9_received(facts: GateFacts) -> Decision:
    """G9 at the receiver: the role alone (GDPR 10). Whether the case manager's consent covers it is for G2."""
    closed = "criminal" in facts.categories and _reader(facts) not in CRIMINAL_ROLES | {"case_manager"}
    return _g9() if closed else PERMIT


def g11_codes(facts: GateFacts) -> Decision:
    """G11: an unknown or unmapped code, or a type that the catalogue does not know, is refused (domain 3.11)."""
    if facts.personal is None:
        return Refuse(gate=Code.GATE_G11, place="/body_type", hint="the catalogue does not know this message type")
    for finding in facts.findings:
        if finding.rule in CODE_RULES:
            hint = finding.hint or "add the value to the mapping, or choose a code of the list; there is no default"
            return Refuse(gate=Code.GATE_G11, place=finding.place, hint=hint)
    return PERMIT


def g12_statistics(facts: GateFacts) -> Decision:
    """G12: a table of counts gives no small count away (domain 3.12, UK LLC 10), and is of a whole year or quarter: two
    that differ by a few days can be subtracted (domain 12.13). See `gateway.statistics`.
    """
    if facts.name != "stats.submission":
        return PERMIT
    try:
        asked(str(facts.content.get("period")))
    except RefusedError as error:
        return Refuse(gate=Code.GATE_G12, place="/content/period", hint=error.what)
    table = table_of(facts.content)
    found = leak(table) if isinstance(table, Table) else table
    if found is None:
        return PERMIT
    place = "/content/dimensions" if found is Leak.DIMENSIONS else "/content/cells"
    return Refuse(gate=Code.GATE_G12, place=place, hint=str(found))


def g13_reason(facts: GateFacts) -> Decision:
    """G13: who declines says why (domain 3.13, after Primero R2-1917); so does a capacity reply of no, and a
    reception that refuses a return (domain 2.7, 2.30).
    """
    match facts.name:
        case "referral.decline":
            member, declines = "reason", True
        case "return.response":
            member, declines = "reason", facts.content.get("answer") == "refuse"
        case "enquiry.reply":
            member, declines = "decline_reason", facts.content.get("answer") == "no"
        case _:
            return PERMIT
    if declines and not facts.content.get(member):
        return Refuse(gate=Code.GATE_G13, place=f"/content/{member}", hint="say why: choose a code of decline_reason")
    return PERMIT


def g14_directory(facts: GateFacts) -> Decision:
    """G14: the recipient unit is in the signed directory, and its entry has not expired (domain 3.14).

    One of the newer roles has to be signed for the unit, and named by the message type (domain 6.16). The entry is the
    unit in the newest descriptor that the peer signed. A revoked or stale key is refused where keys
    are used: nothing is sealed without a fresh keyset (nrm1 2.22).
    """
    if facts.recipient is None:
        hint = "the peer's signed directory does not list this unit: trm peer show lists those it has"
    elif not facts.recipient.current:
        hint = "the peer's signed directory has expired: its administrators have to sign a new one"
    else:
        return g14_roles(facts)
    return Refuse(gate=Code.GATE_G14, place="/header/recipient_unit", hint=hint)


def g14_roles(facts: GateFacts) -> Decision:
    """G14 at the receiver: the newer roles alone, the sender's by the descriptor that its node signed (domain 6.16),
    and a complaint that went to the unit it is about (domain 2.53).
    """
    return find_role_fault(facts) or find_complained_of(facts) or PERMIT


def g15_neutral(facts: GateFacts) -> Decision:
    """G15: a question about nationality never tells that the person is a victim (ECAT 11, domain 3.15): the
    context is the neutral word, the purpose is consular or return, and no other category of data is there.
    """
    if facts.name != "nationality.request":
        return PERMIT
    if facts.content.get("context") != NEUTRAL_CONTEXT:
        place, hint = "/content/context", "the context of this question is always documentation"
    elif facts.purpose not in NATIONALITY_PURPOSES:
        place, hint = "/purpose", "the purpose of this question is consular or return; others tell what happened"
    elif surplus := facts.categories - NATIONALITY_CATEGORIES:
        place, hint = (
            "/content",
            f"leave out {', '.join(sorted(surplus))}: only identity, documents and family go there",
        )
    elif "vital_interest" in facts.header:
        place, hint = "/header/vital_interest", "a question about nationality does not tell of a danger"
    else:
        return PERMIT
    return Refuse(gate=Code.GATE_G15, place=place, hint=hint)


def g10_never_blocked(facts: GateFacts) -> bool:
    """G10: withdrawal, erasure and safety alert are never blocked by any gate (GDPR 7(3); types: nrm1 4.20)."""
    return never_blocked(facts.body_type)
