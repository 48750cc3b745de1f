"""Names, hashes and revisions: which message types a node holds and which revision it uses with a peer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from support.shared import shared

from gateway.errors import Code, RefusedError
from schemas import (
    Answers,
    Catalogue,
    MessageType,
    code_list,
    highest_class,
    list_fields,
    load_catalogue,
    verify_schema_files,
)
from schemas import resources as package
from schemas.types import NEVER_BLOCKED, type_name

EXPECTED = {
    "arrival.confirmation/1",
    "assistance.plan/1",
    "bid.report/1",
    "breach.notice/1",
    "case.closure/1",
    "closure.response/1",
    "consent.record/1",
    "consent.withdrawal.ack/1",
    "consent.withdrawal/1",
    "data.correction.ack/1",
    "data.correction/1",
    "departure.notice/1",
    "directory.update/1",
    "enquiry.capacity/1",
    "enquiry.reply/1",
    "erasure.confirmation/1",
    "erasure.request/1",
    "family.inquiry/1",
    "family.report/1",
    "guardian.notice/1",
    "identification.certificate/1",
    "info.reply/1",
    "info.request/1",
    "link.probe/1",
    "monitoring.report/1",
    "nationality.reply/1",
    "nationality.request/1",
    "proceedings.notice/1",
    "referral.accept/1",
    "referral.decline/1",
    "referral.request/1",
    "referral.withdraw/1",
    "reintegration.plan/1",
    "reminder.due/1",
    "return.cancel/1",
    "return.proposal/1",
    "return.response/1",
    "risk.assessment/1",
    "risk.request/1",
    "safety.alert.ack/1",
    "safety.alert.update/1",
    "safety.alert/1",
    "service.complaint/1",
    "stats.request/1",
    "stats.submission/1",
    "subject.access/1",
    "traveldoc.reply/1",
    "traveldoc.request/1",
}


def sha256_hex(data: bytes) -> str:
    """What `keys.primitives.encoding` offers, here without it."""
    return hashlib.sha256(data).hexdigest()


def two_revisions() -> tuple[Catalogue, MessageType, MessageType]:
    """A catalogue that holds a type in an older and a newer revision."""
    old = load_catalogue().get("referral.request/1")
    new = replace(old, revision=9, schema="sha256:" + "2" * 64, file="referral.request.1.9.json")
    return Catalogue(held=(new, old)), old, new


def test_holds_the_types_of_the_design() -> None:
    """The catalogue names each message type once, in the order of names."""
    names = [entry.body_type for entry in load_catalogue().types]
    assert sorted(EXPECTED) == names


def test_hash_is_that_of_the_file() -> None:
    """What a statement pins is the SHA-256 of the bytes of the schema file."""
    assert verify_schema_files(sha256_hex) == ()
    entry = load_catalogue().get("referral.request/1")
    assert f"sha256:{sha256_hex(package.read_bytes(f'published/{entry.file}'))}" == entry.schema


def test_changed_file_is_found() -> None:
    """A schema file that is not the one of the catalogue is named."""
    findings = verify_schema_files(lambda data: sha256_hex(data + b"\n"))
    assert {"schema_hash"} == {finding.rule for finding in findings}
    assert len(load_catalogue().held) == len(findings)


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
    for ask, code in ((load_catalogue().resolve, Code.NO_COMMON_SCHEMA), (load_catalogue().find, Code.NOT_FOUND)):
        with pytest.raises(RefusedError, match="no such message type") as caught:
            ask(name)
        assert caught.value.code == code


def test_no_common_revision_is_refused() -> None:
    """A peer that holds none of our revisions gets no message of that type."""
    with pytest.raises(RefusedError) as caught:
        load_catalogue().common("referral.request/1", {"sha256:" + "0" * 64})
    assert caught.value.code == Code.NO_COMMON_SCHEMA


def test_what_a_reply_answers_exists() -> None:
    """Every type that is named as answered is itself in the catalogue."""
    assert {name for entry in load_catalogue().types for name in entry.reply_to} <= EXPECTED


def test_reply_is_what_the_question_asks_for() -> None:
    """A type held that answers another quotes it, or begins on its own as well; both ends can play their parts."""
    held = {entry.body_type: entry for entry in load_catalogue().types}
    pairs = [
        (asked, held[name]) for asked in held.values() if asked.answers for name in asked.answers.types if name in held
    ]
    assert len(pairs) >= 5
    for asked, reply in pairs:
        assert not reply.reply_to or asked.body_type in reply.reply_to, (asked.body_type, reply.body_type)
        assert set(asked.receivers) & set(reply.senders) and set(asked.senders) & set(reply.receivers)


def test_every_reply_is_asked_for() -> None:
    """What has to quote a message is owed to one of those it may quote."""
    held = {entry.body_type: entry for entry in load_catalogue().types}
    for reply in held.values():
        owed = [answers.types for name in reply.reply_to if (answers := held[name].answers)]
        assert not reply.reply_to or any(reply.body_type in types for types in owed), reply.body_type


def test_withdrawal_may_come_from_any_unit_and_is_owed_an_answer() -> None:
    """Never blocked means that no role stops it either (G10)."""
    roles = tuple(entry.code for entry in code_list("role").codes if entry.since == 1)
    withdrawal = load_catalogue().get("consent.withdrawal/1")
    assert roles == withdrawal.senders == withdrawal.receivers
    assert Answers(types=("consent.withdrawal.ack/1",), clock="withdrawal_ack") == withdrawal.answers


def test_only_a_focal_point_opens_a_referral() -> None:
    """The national focal point opens and answers a referral, and whoever the roots of its node delegated it to (domain
    6.2 and 6.16).
    """
    for name in ("referral.request/1", "referral.accept/1", "referral.decline/1", "referral.withdraw/1"):
        entry = load_catalogue().get(name)
        assert entry.senders == entry.receivers == ("national_focal_point", "delegated_focal_point")


def test_types_never_blocked() -> None:
    """The types that pass every gate are exactly those that every scope lets pass."""
    assert {type_name(e.body_type) for e in load_catalogue().types if e.never_blocked} == NEVER_BLOCKED


def test_fields_of_the_design_catalogue_are_there() -> None:
    """Each plain field of the design's catalogue is a member of our schema; composite ones were split by hand."""
    design = json.loads(shared("data/trm_catalogue.json").read_text())
    ours = {entry.body_type.split("/")[0]: entry for entry in load_catalogue().types}
    for message in design["messages"]:
        if message["code"] in ours:
            members = ours[message["code"]].document["properties"]["content"]["properties"]
            plain = {f["name"] for f in message["fields"] if f["name"].isidentifier()}
            assert plain - set(members) == set(), message["code"]


def test_fields_have_the_class_and_the_duty_of_the_design() -> None:
    """The most sensitive leaf of a plain field has the design's class; required is required, or has to be answered."""
    design = json.loads(shared("data/trm_catalogue.json").read_text())
    otherwise = {
        ("referral.decline", "note"): "the words of the decliner, by which no consent is given or asked",
        ("info.reply", "person_identifying"): "holds the rule for safe contact, which locates",
        ("family.report", "visited_on"): "a report from the desk alone has no visit",
        ("monitoring.report", "next_point"): "the final report has none, and nobody shall invent one",
    }
    compared = 0
    for message in design["messages"]:
        if (name := f"{message['code']}/1") not in load_catalogue():
            continue
        content = load_catalogue().get(name).document["properties"]["content"]
        needed = {
            *content["required"],
            *(n for r in content.get("allOf", ()) for n in r.get("else", {}).get("required", ())),
        }
        for field in message["fields"]:
            place = f"/content/{field['name']}"
            leaves = [leaf for leaf in list_fields(name) if f"{leaf.path}/".startswith(f"{place}/")]
            if not leaves:
                continue
            compared += 1
            if (message["code"], field["name"]) in otherwise:
                continue
            assert field["cls"] == highest_class(frozenset(leaf.sensitivity for leaf in leaves)), (name, place)
            assert field["req"] == "C" or (field["name"] in needed) == (field["req"] == "R"), (name, place)
    assert compared > 100
