"""Both recipes on the stand-in of Primero, and its traps: consent at every save, access that ends, locks, pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.kit.contract import MARKER, Trouble, a_delivery, a_notice
from adapters.primero.bench import USER, WORKER, PrimeroBench, stand_in
from adapters.primero.standin import Account, Faults
from gateway.errors import RefusedError, TransientError
from gateway.ports import Delivery, Erasure, Json, MappedRecord, NoticeKind

CONVERSATION = "QUJDREVGR0hJSktMTU5PUA"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[PrimeroBench]:
    """A Primero with a worker and the gateway's account; nothing it was sent may have been dropped without a word."""
    async with stand_in(tmp_path) as new:
        made = new()
        yield made
        assert made.office.dropped == []


def _delivery(kind: str, number: int, **content: Json) -> Delivery:
    plain = a_delivery(key=f"peer.{number}", message_id=f"{number:022d}")
    return replace(plain, type=kind, conversation=CONVERSATION, content=content)


def _consent(number: int, *, onward: bool = True) -> Delivery:
    grants: Json = [{"purpose": "referral", "recipient_units": ["al/focal-point"]}]
    return _delivery("consent.record/1", number, grants=grants, onward_sharing=onward)


async def _sent(bench: PrimeroBench, **fields: object) -> tuple[str, str]:
    """A worker refers a case, the gateway drafts it, a person releases it, the peer has it."""
    case, referral = bench.case(name_first="Ana", **fields)
    adapter = bench.adapter()
    (record,) = [each for each in await adapter.pull() if each.ref == referral]
    await adapter.settle(record, a_notice(referral, NoticeKind.DRAFTED))
    notice = a_notice(referral, NoticeKind.DELIVERED, key=f"news-{referral}")
    await adapter.push(replace(notice, conversation=CONVERSATION, message_id="M" * 22))
    return case, referral


async def test_a_referral_becomes_a_record(bench: PrimeroBench) -> None:
    """The case, the referral and its service are read under the names of Primero, with places for people."""
    service = {"unique_id": "s1", "service_type": "safehouse_service"}
    given = {"consent_for_services": True, "disclosure_other_orgs": True, "services_section": [service]}
    case, _ = bench.office.create(
        bench.worker, {"id": "11111111-1111-4111-8111-111111111111", "sex": "female", **given}
    )
    referral = bench.office.refer(
        bench.worker, case["id"], {"transitioned_to": USER, "service_record_id": "s1", "notes": "to Albania"}
    )
    bench.office.accounts["other"] = Account("other")
    bench.office.refer(bench.worker, case["id"], {"transitioned_to": "other"})
    (record,) = await bench.adapter().pull()
    assert (record.ref, record.mapping, record.faults) == (referral["id"], "primero-sample", ())
    assert record.fields["sex"] == "female"
    assert record.fields["referral.notes"] == "to Albania"
    assert record.fields["services_section.service_type"] == "safehouse_service"
    assert record.places["sex"] == "case 1111111, field sex"


async def test_the_answer_becomes_the_status(bench: PrimeroBench) -> None:
    """Accepted, then done, each once; the note is there before access ends, and what comes later waits for a person."""
    case, referral = await _sent(bench)
    adapter = bench.adapter()
    await adapter.push(_delivery("referral.accept/1", 1, lead_unit="focal-point"))
    assert bench.office.referrals[referral]["status"] == "accepted"
    await bench.adapter().push(_delivery("case.closure/1", 2, reason="goals_met"))
    assert bench.office.referrals[referral]["status"] == "done"
    assert "case.closure/1" in bench.office.cases[case]["notes_section"][-1]["note_subject"]
    with pytest.raises(RefusedError, match="403") as caught:
        await adapter.push(_delivery("monitoring.report/1", 3, text=MARKER))
    assert MARKER not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}"


async def test_a_decline_carries_our_reason(bench: PrimeroBench) -> None:
    """The reason is our code, in the field for it; the note was written before access ended."""
    case, referral = await _sent(bench)
    await bench.adapter().push(_delivery("referral.decline/1", 1, reason="no_capacity"))
    assert bench.office.referrals[referral]["status"] == "rejected"
    assert bench.office.referrals[referral]["rejected_reason"] == "no_capacity"
    assert "reason: no_capacity" in bench.office.cases[case]["notes_section"][-1]["note_text"]


async def test_withdrawal_takes_the_referral_back(bench: PrimeroBench) -> None:
    """A withdrawal from abroad revokes the referral of the worker."""
    _, referral = await _sent(bench)
    await bench.adapter().push(_delivery("consent.withdrawal/1", 1, scope="all"))
    assert bench.office.referrals[referral]["status"] == "revoked"


async def test_the_withdrawal_trap(bench: PrimeroBench) -> None:
    """Consent unticked in the case: Primero refuses to end the referral, and both sides of that go to people."""
    case, referral = await _sent(bench)
    bench.office.update(bench.worker, case, {"consent_for_services": False})
    adapter = bench.adapter()
    (record,) = await adapter.pull()
    assert [fault.rule for fault in record.faults] == ["consent_unticked"]
    assert "trm consent withdraw" in record.faults[0].hint
    await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED, findings=record.faults))
    assert await bench.adapter().pull() == []
    for number, kind in ((1, "consent.withdrawal/1"), (2, "referral.accept/1")):
        with pytest.raises(RefusedError, match="does not let the referral end") as caught:
            await adapter.push(_delivery(kind, number))
        assert "not ticked" in caught.value.hint
    assert bench.office.referrals[referral]["status"] == "in_progress"
    bench.office.update(bench.worker, case, {"consent_for_services": True})
    await adapter.push(_delivery("consent.withdrawal/1", 1))
    assert bench.office.referrals[referral]["status"] == "revoked"


async def test_a_referral_from_abroad_becomes_a_case_of_its_own(bench: PrimeroBench) -> None:
    """It is never merged with a case that looks alike, and is referred to the worker only once consent is recorded."""
    alike, _ = bench.office.create(bench.worker, {"id": "22222222-2222-4222-8222-222222222222", "name_first": "Ana"})
    fields: dict[str, Json] = {"name_first": "Ana", "services_section.service_type": "safehouse_service"}
    request = replace(
        _delivery("referral.request/1", 1, summary=MARKER), record=MappedRecord(mapping="primero-sample", fields=fields)
    )
    adapter = bench.adapter()
    local_id = await adapter.push(request)
    (case,) = [each for each in bench.office.cases.values() if each["id"] != alike["id"]]
    assert (case["name_first"], case["other_agency_id"], case["owned_by"]) == ("Ana", CONVERSATION, USER)
    assert case["services_section"][0]["service_type"] == "safehouse_service"
    assert (bench.office.referrals, "consent_for_services" in case) == ({}, False)
    await adapter.push(_consent(2))
    await bench.adapter().push(_consent(3))
    (referral,) = bench.office.referrals.values()
    assert (referral["transitioned_to"], "consent_overridden" in referral) == (WORKER, False)
    assert await adapter.status(local_id) == "in_progress"
    bench.office.answer(bench.worker, case["id"], referral["id"], {"status": "accepted"})
    assert await adapter.status(local_id) == "accepted"
    await adapter.push(_delivery("consent.withdrawal/1", 4))
    assert referral["status"] == "revoked"
    assert (case["consent_for_services"], case["disclosure_other_orgs"]) == (False, False)
    assert len(bench.office.cases) == 2


async def test_no_consent_field_is_ticked_without_a_grant(bench: PrimeroBench) -> None:
    """A grant without onward sharing, or one that was denied, ticks what it says and overrides nothing."""
    adapter = bench.adapter()
    await adapter.push(_consent(1, onward=False))
    denied = replace(_consent(2), content={**_consent(2).content, "denials": [{"purpose": "referral"}]})
    (case,) = bench.office.cases.values()
    assert (case["consent_for_services"], case["disclosure_other_orgs"]) == (True, False)
    await adapter.push(denied)
    assert (case["consent_for_services"], case["disclosure_other_orgs"]) == (False, True)
    assert bench.office.referrals == {}


async def test_a_message_without_a_case_waits_for_a_person(bench: PrimeroBench) -> None:
    """An enquiry, or a report about a conversation that Primero does not know, makes no case."""
    with pytest.raises(RefusedError, match="has no case in Primero"):
        await bench.adapter().push(_delivery("enquiry.capacity/1", 1))
    assert bench.office.cases == {}


async def test_erasing_says_what_primero_can(bench: PrimeroBench) -> None:
    """The note goes, the case is disabled and not gone; a case out of reach is said to be out of reach."""
    adapter = bench.adapter()
    local_id = await adapter.push(_delivery("referral.request/1", 1, summary=MARKER))
    assert await adapter.erase(local_id) is Erasure.DISABLED_ONLY
    (case,) = bench.office.cases.values()
    assert (case["record_state"], case["notes_section"]) == (False, [])
    assert await bench.adapter().push(_delivery("referral.request/1", 1, summary=MARKER)) == local_id
    assert not bench.shows(MARKER)
    await _sent(bench)
    adapter = bench.adapter()
    last = await adapter.push(_delivery("referral.decline/1", 2, reason="no_capacity"))
    assert await adapter.erase(last) is Erasure.NOT_SUPPORTED


async def test_the_case_of_a_worker_is_for_a_person_to_erase(bench: PrimeroBench) -> None:
    """What the gateway wrote about the referral goes; the case stays as its worker has it, the answer says so, and
    the referral does not go out once more.
    """
    case, referral = await _sent(bench)
    assert bench.noticed()
    adapter = bench.adapter()
    assert await adapter.erase_record(referral) is Erasure.NOT_SUPPORTED
    assert (bench.noticed(), bench.office.cases[case]["name_first"]) == ([], "Ana")
    assert await bench.adapter().pull() == []
    journal = (bench.folder / "journal.db").read_bytes()
    assert b"sent/" not in journal and b"news/" not in journal


async def test_a_wrong_password_is_tried_once(bench: PrimeroBench) -> None:
    """Six tries would lock the account for half an hour; one that was refused is not shown again until it changes."""
    secret = Path(str(bench.settings()["password_file"]))
    right = secret.read_text()
    secret.write_text("not this one")
    adapter = bench.adapter()
    for _ in range(10):
        with pytest.raises(TransientError, match="does not take the account"):
            await adapter.pull()
    assert bench.office.accounts[USER].failures == 1
    secret.write_text(right)
    assert await adapter.pull() == []


async def test_pages_that_move_lose_no_case(bench: PrimeroBench) -> None:
    """Cases in pages of two with equal stamps, one of them changed while they are read: each comes."""
    with bench.trouble(Trouble.EQUAL_STAMPS):
        wanted = {bench.case(name_first=f"number {number}")[1] for number in range(7)}
    bench.office.faults = Faults(largest_page=2)
    adapter = bench.adapter()
    asked = adapter._client.referrals

    async def referrals(case: str) -> object:
        bench.office.update(bench.worker, case, {"name_last": "changed meanwhile"})
        return await asked(case)

    adapter._client.referrals = referrals  # type: ignore[assignment]
    assert {record.ref for record in await adapter.pull()} == wanted


@pytest.mark.parametrize("kind", [Trouble.CUT, Trouble.FAILING, Trouble.GARBLED, Trouble.SLOW, Trouble.THROTTLED])
async def test_trouble_is_tried_again(bench: PrimeroBench, kind: Trouble) -> None:
    """Whatever goes wrong on the way means later, repeats nothing, and doubles nothing."""
    item = _delivery("referral.request/1", 1, summary=MARKER)
    bench.case(name_first=MARKER)
    with bench.trouble(kind):
        adapter = bench.adapter()
        for work in (adapter.push(item), adapter.pull()):
            with pytest.raises(TransientError) as caught:
                await work
            assert MARKER not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}"
    assert await adapter.push(item)
    assert bench.received() == [item.message_id]
    assert len(bench.office.cases) == 2


async def test_a_field_that_primero_does_not_take_is_named(bench: PrimeroBench) -> None:
    """The refusal names the field and never the value."""
    record = MappedRecord(mapping="primero-sample", fields={"height": MARKER})
    with pytest.raises(RefusedError, match=r"\(422, fields height\)") as caught:
        await bench.adapter().push(replace(_delivery("referral.request/1", 1), record=record))
    assert MARKER not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}"


async def test_check_finds_forms_and_rights(bench: PrimeroBench) -> None:
    """A form that the role lacks, an account that sees more than was referred to it, a server that is away."""
    account = bench.office.accounts[USER]
    bench.office.create(bench.worker, {"id": "33333333-3333-4333-8333-333333333333"})
    assert await bench.adapter().check() == []
    account.sees_all = True
    assert [finding.rule for finding in await bench.adapter().check()] == ["too_many_rights"]
    account.sees_all = False
    bench.office.forms = [form for form in bench.office.forms if form["unique_id"] != "notes"]
    (finding,) = await bench.adapter().check()
    assert (finding.place, finding.rule) == ("field notes_section", "missing_field")
    with bench.trouble(Trouble.FAILING):
        assert [finding.rule for finding in await bench.adapter().check()] == ["not_usable"]
