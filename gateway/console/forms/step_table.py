"""The steps in words: those of every message, and the order of the types for which the schema cannot say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.console.words import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of writing: ``name`` in addresses, its ``title`` as a question, a few words for the list of steps
    (``short``, empty where that is the label of its first question), help, and the places of its questions. One that
    ``folds`` is passed over where nothing is missing in it; the questions in ``more`` stand folded at its end while
    they are not needed and nothing is answered there.
    """

    name: str
    title: str
    short: str = ""
    help: str = ""
    places: tuple[str, ...] = ()
    more: frozenset[str] = frozenset()
    folds: bool = False

    def of(self, *places: str, name: str | None = None) -> Step:
        """Return the step with other questions."""
        return replace(self, places=places, name=name or self.name)


PURPOSE = Step(
    name="purpose",
    title=N_("What is it for, and how urgent is it?"),
    short=N_("What for"),
    places=("/purpose", "/header/priority", "/header/respond_by"),
)
SAYS = Step(name="message", title=N_("What do you want to tell them?"))
MORE = Step(name="message", title=N_("What else do they need to know?"))
CONSENT = Step(
    name="consent",
    title=N_("On which consent does it rest?"),
    short=N_("Consent"),
    help=N_("Only consents of this person that hold now can be chosen. Without one, only what needs none can leave."),
    places=("/header/consent_ref", "/header/vital_interest"),
)
FILES = Step(
    name="files",
    title=N_("Which files go with it?"),
    short=N_("Files"),
    help=N_(
        "Add a file first, then name it here with the kind of document it is. A file that is not named stays here."
    ),
)
TERMS = Step(
    name="basis",
    title=N_("On which basis, and how long may they keep it?"),
    folds=True,
    short=N_("Basis and retention"),
    help=N_("As a rule this is the same for every message to this country. It is shown before anything leaves."),
    places=(
        "/header/legal_basis",
        "/header/transfer_basis",
        "/header/transfer_instrument",
        "/header/handling",
        "/header/language",
    ),
)
ROUTING = Step(
    name="units",
    title=N_("Who writes to whom?"),
    folds=True,
    short=N_("Who writes to whom"),
    places=(
        "/header/sender_unit",
        "/header/sender_role",
        "/header/recipient_unit",
        "/header/recipient_role",
        "/header/case_ref_sender",
        "/header/case_ref_recipient",
    ),
)


def _content(*names: str) -> tuple[str, ...]:
    return tuple(f"/content/{name}" for name in names)


PERSON_MORE = _content(
    "person/nationalities",
    "person/name_given",
    "person/name_middle",
    "person/name_family",
    "person/birth_date",
    "person/birth_year",
    "person/birth_estimated",
    "person/identity_documents",
)
"""What of a person may be left out. Name and birth leave only when the other country has taken the case."""
HAPPENED_MORE = _content("exploitation_country", "health_flags", "proceedings")
ORDERED: Mapping[str, Sequence[Step]] = {
    "referral.request/1": (
        replace(
            PURPOSE.of("/purpose", *_content("referral_kind", "enquiry_id"), "/header/priority", "/header/respond_by"),
            more=frozenset({"/header/respond_by"}),
        ),
        Step(
            name="person",
            title=N_("Who is the person?"),
            short=N_("The person"),
            help=N_("A working name that you choose, never the real one. What is not known is said to be unknown."),
            places=(
                *_content("person/pseudonym", "person/age_group", "person/gender", "person/languages", "thb_status"),
                *PERSON_MORE,
            ),
            more=frozenset(PERSON_MORE),
        ),
        Step(
            name="happened",
            title=N_("What happened?"),
            short=N_("What happened"),
            help=N_("Only what the other country needs in order to help."),
            places=(
                *_content("thb_decision_body", "exploitation", "summary", "immediate_risk", "legal_status"),
                *HAPPENED_MORE,
            ),
            more=frozenset(HAPPENED_MORE),
        ),
        replace(CONSENT, more=frozenset({"/header/vital_interest"})),
        Step(
            name="contact",
            title=N_("How can the person be reached safely?"),
            short=N_("Safe contact"),
            places=_content("person/safe_contact_rule", "child", "household"),
            more=frozenset(_content("household")),
        ),
        Step(
            name="ask",
            title=N_("What do you ask for?"),
            short=N_("What we ask for"),
            places=_content(
                "services_requested", "expected_next_step", "reflection_period_until", "services_already_given"
            ),
            more=frozenset(_content("services_already_given")),
        ),
    ),
    "enquiry.capacity/1": (
        PURPOSE.of(*_content("services", "referral_kind"), "/header/priority", "/header/respond_by"),
        Step(
            name="person",
            title=N_("For whom is it?"),
            short=N_("For whom"),
            help=N_("Nothing here says who the person is."),
            places=_content("age_group", "gender", "accompanied_children", "language_needed"),
        ),
        Step(
            name="needs",
            title=N_("What has to be there, where and when?"),
            short=N_("What has to be there"),
            places=_content(
                "accessibility_needs", "medical_level", "region_preferred", "region_excluded", "expected_window", "note"
            ),
        ),
    ),
    "data.correction/1": (
        Step(
            name="message",
            title=N_("Which message is wrong?"),
            short=N_("The message"),
            places=_content("target_message"),
        ),
        Step(
            name="message-2",
            title=N_("What is right?"),
            short=N_("What is right"),
            places=_content("path", "data_category", "new_value", "reason", "safety_relevant"),
        ),
    ),
    "safety.alert/1": (
        Step(
            name="alert",
            title=N_("What has happened, and what should they do?"),
            short=N_("The alert"),
            help=N_("It leaves at once, whatever consent or hold there is, and wakes who is on duty there."),
            places=_content("kind", "level", "what_happened", "asked_action", "police_informed"),
        ),
        replace(MORE, name="more", folds=True, places=_content("never_use_channel", "last_contact_at")),
        replace(PURPOSE, folds=True, places=("/header/priority", "/header/respond_by")),
    ),
}
"""Steps of these types before the consent, in order. What a type has besides comes after them, as the schema has it."""
