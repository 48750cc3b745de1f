"""Names, hashes and revisions: which message types a node holds and which revision it uses with a peer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from support.shared import shared

from gateway.core.scope import NEVER_BLOCKED, type_name
from gateway.errors import Code, RefusedError
from schemas import Catalogue, MessageType, catalogue, code_list, verify
from schemas import resources as package

EXPECTED = {
    "enquiry.capacity/1",
    "enquiry.reply/1",
    "referral.request/1",
    "referral.accept/1",
    "referral.decline/1",
    "referral.withdraw/1",
    "info.request/1",
    "info.reply/1",
    "consent.record/1",
    "consent.withdrawal/1",
    "consent.withdrawal.ack/1",
    "reminder.due/1",
    "link.probe/1",
    "return.proposal/1",
    "return.response/1",
    "return.cancel/1",
    "departure.notice/1",
    "arrival.confirmation/1",
    "reintegration.plan/1",
    "monitoring.report/1",
    "safety.alert/1",
    "safety.alert.ack/1",
    "safety.alert.update/1",
    "proceedings.notice/1",
    "case.closure/1",
    "closure.response/1",
    "data.correction/1",
    "data.correction.ack/1",
    "erasure.request/1",
    "erasure.confirmation/1",
    "subject.access/1",
    "breach.notice/1",
    "directory.update/1",
    "stats.request/1",
    "stats.submission/1",
}


def sha256_hex(data: bytes) -> str:
    """What `keys.encoding` offers, here without it."""
    return hashlib.sha256(data).hexdigest()


def two_revisions() -> tuple[Catalogue, MessageType, MessageType]:
    """A catalogue that holds a type in an older and a newer revision."""
    old = catalogue().get("referral.request/1")
    new = replace(old, revision=2, schema="sha256:" + "2" * 64, file="referral.request.1.2.json")
    return Catalogue(held=(new, old)), old, new


def test_holds_the_types_of_this_issue() -> None:
    """The catalogue names each message type once, in the order of names."""
    names = [entry.body_type for entry in catalogue().types]
    assert sorted(EXPECTED) == names


def test_hash_is_that_of_the_file() -> None:
    """What a statement pins is the SHA-256 of the bytes of the schema file."""
    assert verify(sha256_hex) == ()
    entry = catalogue().get("referral.request/1")
    assert f"sha256:{sha256_hex(package.raw(f'published/{entry.file}'))}" == entry.schema


def test_changed_file_is_found() -> None:
    """A schema file that is not the one of the catalogue is named."""
    findings = verify(lambda data: sha256_hex(data + b"\n"))
    assert {"schema_hash"} == {finding.rule for finding in findings}
    assert len(catalogue().held) == len(findings)


def test_newest_revision_by_name_and_any_by_hash() -> None:
    """A name means the newest revision; a hash means exactly one."""
    held, old, new = two_revisions()
    assert new == held.get("referral.request/1")
    assert old == held.by_schema(old.schema)
    assert (new,) == held.types
    assert new.schema in held.hashes and old.schema in held
    assert "referral.request/1" in held and "referral.request/2" not in held


def test_sender_uses_the_newest_revision_of_both() -> None:
    """With a peer that holds only the older revision the older one is used."""
    held, old, new = two_revisions()
    assert new == held.common("referral.request/1", {old.schema, new.schema})
    assert old == held.common("referral.request/1", {old.schema})


@pytest.mark.parametrize("name", ["referral.request/2", "referral.request", "sha256:" + "0" * 64, ""])
def test_unknown_name_is_refused(name: str) -> None:
    """What is not held is refused with a code, not guessed; who looks it up for himself has not found it."""
    for ask, code in ((catalogue().resolve, Code.NO_COMMON_SCHEMA), (catalogue().find, Code.NOT_FOUND)):
        with pytest.raises(RefusedError, match="no such message type") as caught:
            ask(name)
        assert caught.value.code == code


def test_no_common_revision_is_refused() -> None:
    """A peer that holds none of our revisions gets no message of that type."""
    with pytest.raises(RefusedError) as caught:
        catalogue().common("referral.request/1", {"sha256:" + "0" * 64})
    assert caught.value.code == Code.NO_COMMON_SCHEMA


def test_what_a_reply_answers_exists() -> None:
    """Every type that is named as answered is itself in the catalogue."""
    assert {name for entry in catalogue().types for name in entry.reply_to} <= EXPECTED


def test_types_never_blocked() -> None:
    """The types that pass every gate are exactly those that every scope lets pass."""
    assert {type_name(e.body_type) for e in catalogue().types if e.never_blocked} == NEVER_BLOCKED


def test_who_asks_can_be_answered() -> None:
    """What is owed exists, and each role that asks may be sent the answer, by a role that was asked."""
    asking = [entry for entry in catalogue().types if entry.answers is not None]
    assert {"safety.alert/1", "erasure.request/1"} <= {entry.body_type for entry in asking}
    for entry in asking:
        assert entry.answers is not None and entry.answers.clock, entry.body_type
        for name in entry.answers.types:
            answer = catalogue().get(name)
            assert set(entry.senders) & set(answer.receivers), (entry.body_type, name)
            assert set(entry.receivers) & set(answer.senders), (entry.body_type, name)


def test_senders_and_receivers_are_roles() -> None:
    """Whom a message type names as sender or receiver are codes of the list of roles, each once."""
    for entry in catalogue().types:
        for roles in (entry.senders, entry.receivers):
            assert len(set(roles)) == len(roles)
            assert all(role in code_list("role") for role in roles), entry.body_type


def test_fields_of_the_design_catalogue_are_there() -> None:
    """Each plain field of the design's catalogue is a member of our schema; composite ones were split by hand."""
    design = json.loads(shared("data/trm_catalogue.json").read_text())
    ours = {entry.body_type.split("/")[0]: entry for entry in catalogue().types}
    later = {("referral.request", "attachments")}
    for message in design["messages"]:
        if message["code"] in ours:
            members = ours[message["code"]].document["properties"]["content"]["properties"]
            plain = {f["name"] for f in message["fields"] if f["name"].isidentifier()}
            missing = {name for name in plain - set(members) if (message["code"], name) not in later}
            assert set() == missing, message["code"]
