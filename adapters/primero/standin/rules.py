"""Cases, referrals and accounts of the stand-in, and the rules of Primero about them. No HTTP in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from adapters.primero.standin.configuration import make_forms, make_lookups

FIELDS: Mapping[str, str] = {
    "name_first": "text_field",
    "name_last": "text_field",
    "sex": "select_box",
    "age": "numeric_field",
    "date_of_birth": "date_field",
    "nationality": "select_box",
    "protection_concerns": "select_box",
    "other_agency_id": "text_field",
    "other_agency_name": "text_field",
    "consent_for_services": "tick_box",
    "disclosure_other_orgs": "tick_box",
    "notes_section": "subform",
    "services_section": "subform",
    "other_documents": "document_upload_box",
    "for_abroad_court_document": "document_upload_box",
}
PERMITTED = frozenset(
    {
        "transitioned_to",
        "transitioned_to_remote",
        "transitioned_to_agency",
        "service",
        "service_record_id",
        "remote",
        "type_of_export",
        "notes",
        "consent_overridden",
        "authorized_role_unique_id",
        "allow_case_creation",
    }
)
MOVES = {"accepted": "in_progress", "rejected": "in_progress", "done": "accepted"}


class Refusal(Exception):
    """An error answer of Primero: status, the field it is about, the key of its text."""

    def __init__(self, status: int, detail: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
        self.message = message or {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}.get(
            status, ""
        )


@dataclass
class Account:
    """A user with its role. `sees_all` is a role with the scope ALL, the other one is SELF."""

    name: str
    password: str = ""
    sees_all: bool = False
    may_write: bool = True
    may_refer: bool = True
    receives: bool = True
    maintenance: bool = False
    failures: int = 0
    fields: frozenset[str] = frozenset(FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of one Primero that are switched on, as a whole: a bench replaces it, and nothing changes it."""

    status: int = 0
    """Every answer is this error."""
    slow: float = 0.0
    """Seconds before an answer."""
    cut: bool = False
    """What is asked for is done, and the connection ends before the answer."""
    garbled: bool = False
    """The answer is a page of HTML."""
    locked_out: bool = False
    """No login is right."""
    largest_page: int = 1000
    """At most so many cases in one page, whatever `per` says."""
    clock: timedelta = timedelta()
    """How far the clock is off."""
    stands_still: bool = False
    """Every change has one stamp."""


@dataclass
class Office:
    """The content of one Primero."""

    accounts: dict[str, Account] = field(default_factory=dict)
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    referrals: dict[str, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    dropped: list[str] = field(default_factory=list)
    forms: list[dict[str, Any]] = field(default_factory=make_forms)
    lookups: list[dict[str, Any]] = field(default_factory=make_lookups)
    _ticks: Any = field(default_factory=count)

    def log_in(self, name: str, password: str) -> Account:
        """Return the account. Six wrong passwords lock it; the answer stays the same."""
        account = self.accounts.get(name)
        if account is None or self.faults.locked_out or account.failures >= 6 or account.password != password:
            if account is not None:
                account.failures += 1
            raise Refusal(401)
        account.failures = 0
        return account

    # --- cases ----------------------------------------------------------------------------------------------------

    def visible(self, account: Account) -> list[dict[str, Any]]:
        """Return the cases that an account may see."""
        return [case for case in self.cases.values() if self._sees(account, case)]

    def case(self, account: Account, case: str, *, to_write: bool = False) -> dict[str, Any]:
        """Return one case; 404 if there is none, 403 if the account may not see it."""
        found = self.cases.get(case)
        if found is None:
            raise Refusal(404)
        if not self._sees(account, found) or (to_write and not account.may_write):
            raise Refusal(403)
        return found

    def create(self, account: Account, data: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Create a case; return it, and whether the client gave its id."""
        self._judge(account, {name: value for name, value in data.items() if name != "id"})
        given = data.get("id")
        if given is not None:
            try:
                UUID(str(given))
            except ValueError:
                raise Refusal(422, "id", "not a UUID") from None
            if given in self.cases:
                raise Refusal(409)
        own = str(given or uuid4())
        case = {
            "id": own,
            "case_id_display": own[-7:],
            "owned_by": account.name,
            "record_state": True,
            "status": "open",
        }
        self.cases[own] = case
        self._merge(case, data)
        return case, given is not None

    def update(self, account: Account, case: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Merge fields; subforms by their unique_id."""
        found = self.case(account, case, to_write=True)
        self._judge(account, data)
        self._merge(found, data)
        return found

    def disable(self, account: Account, case: str) -> None:
        """Disable a case, which is all that deleting does."""
        found = self.case(account, case, to_write=True)
        found["record_state"] = False
        self.touch(found)

    def _sees(self, account: Account, case: Mapping[str, Any]) -> bool:
        return account.sees_all or case["owned_by"] == account.name or account.name in self._referred(case["id"])

    def _referred(self, case: str) -> list[str]:
        return [
            each["transitioned_to"]
            for each in self.referrals.values()
            if each["record_id"] == case and each["status"] in {"in_progress", "accepted"}
        ]

    def shown(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """Return a case with the fields that are derived from its referrals."""
        return {**case, "referred_users": self._referred(case["id"])}

    def _judge(self, account: Account, data: Mapping[str, Any]) -> None:
        for name, value in data.items():
            if name not in account.fields:
                raise Refusal(422, name, "not permitted")
            kind = FIELDS[name]
            right = {
                "numeric_field": value is None or isinstance(value, int | float),
                "tick_box": value is None or isinstance(value, bool),
                "document_upload_box": False,
                "subform": isinstance(value, list) and all(isinstance(each, dict) for each in value),
            }.get(kind, value is None or isinstance(value, str | list))
            if not right:
                raise Refusal(422, name, "invalid")

    def _merge(self, case: dict[str, Any], data: Mapping[str, Any]) -> None:
        for name, value in data.items():
            if FIELDS.get(name) != "subform":
                case[name] = value
                continue
            forms = {each["unique_id"]: each for each in case.get(name, [])}
            for each in value:
                own = str(each.get("unique_id") or uuid4())
                if each.get("_delete") is True:
                    forms.pop(own, None)
                else:
                    forms[own] = {**forms.get(own, {}), **each, "unique_id": own}
            case[name] = [*forms.values()]
        self.touch(case)

    def touch(self, case: dict[str, Any]) -> None:
        """Stamp a case as changed now."""
        tick = timedelta(milliseconds=0 if self.faults.stands_still else next(self._ticks))
        moment = datetime(2025, 6, 1, 9, tzinfo=UTC) + self.faults.clock + tick
        case["last_updated_at"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # --- referrals ------------------------------------------------------------------------------------------------

    def referrals_of(self, account: Account, case: str) -> list[dict[str, Any]]:
        """Return the referrals of a case that an account sees: its own and those to it; all with the scope ALL."""
        self.case(account, case)
        return [
            each
            for each in self.referrals.values()
            if each["record_id"] == case
            and (account.sees_all or account.name in {each["transitioned_to"], each["transitioned_by"]})
        ]

    def receivers(self, account: Account) -> list[str]:
        """Return the users to whom an account may refer; 403 where it may refer to nobody."""
        if not account.may_refer:
            raise Refusal(403)
        return [each.name for each in self.accounts.values() if each.receives and not each.maintenance]

    def refer(self, account: Account, case: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Make a referral. Members that are not permitted are dropped silently, as Rails does; `dropped` lists them."""
        found = self.case(account, case)
        if not account.may_refer:
            raise Refusal(403)
        self.dropped += [name for name in data if name not in PERMITTED]
        kept = {name: value for name, value in data.items() if name in PERMITTED}
        target = self.accounts.get(str(kept.get("transitioned_to")))
        if not kept.get("remote") and (target is None or target.maintenance or not target.receives):
            raise Refusal(422, "transitioned_to", "transition.errors.to_user_can_receive")
        referral = {
            "id": str(uuid4()),
            "type": "Referral",
            "record_id": case,
            "record_type": "case",
            "status": "in_progress",
            "transitioned_by": account.name,
            **kept,
        }
        self._ask_consent(found, referral)
        self.referrals[referral["id"]] = referral
        self.touch(found)
        return referral

    def answer(self, account: Account, case: str, referral: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Set the status of a referral. Any account that can read the case may: `user_can_accept_or_reject` is not
        enforced.
        """
        self.case(account, case)
        found = self._referral(referral)
        self.dropped += [name for name in data if name not in {"status", "rejected_reason", "rejection_note"}]
        wanted = data.get("status")
        if wanted == found["status"]:
            return found
        if MOVES.get(str(wanted)) != found["status"]:
            raise Refusal(422, "status", "transition.errors.status")
        self._ask_consent(self.cases[case], found)
        found |= {name: data[name] for name in ("status", "rejected_reason", "rejection_note") if name in data}
        self.touch(self.cases[case])
        return found

    def revoke(self, account: Account, case: str, referral: str) -> dict[str, Any]:
        """Revoke a referral; a save like every other, so consent is required."""
        self.case(account, case)
        found = self._referral(referral)
        self._ask_consent(self.cases[case], found)
        found["status"] = "revoked"
        self.touch(self.cases[case])
        return found

    def _referral(self, referral: str) -> dict[str, Any]:
        if referral not in self.referrals:
            raise Refusal(404)
        return self.referrals[referral]

    def _ask_consent(self, case: Mapping[str, Any], referral: Mapping[str, Any]) -> None:
        """Apply the rule of the module CP to every save of a transition."""
        given = case.get("disclosure_other_orgs") is True and case.get("consent_for_services") is True
        if not given and referral.get("consent_overridden") is not True:
            raise Refusal(422, "consent", "transition.errors.consent")
