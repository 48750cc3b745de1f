"""May the person be reached now, by what a conversation between two real nodes said, and who must not be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.running import UNIT, asked, consent, header, pair, running, settled

from gateway.composition.node import Node
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

CASE = b64u(b"conversation one"[:16])
NUMBER = "+33639980142"


def referral(consent_ref: str, rule: dict[str, Any]) -> dict[str, Any]:
    """The smallest referral, with a rule for safe contact."""
    person = {
        "pseudonym": "Mali",
        "age_group": "adult",
        "languages": [{"language": "sq", "level": "first"}],
        "safe_contact_rule": rule,
    }
    content = {
        "referral_kind": "return_reception",
        "person": person,
        "thb_status": "self_reported",
        "services_requested": [{"service": "safe_accommodation"}],
        "legal_status": "irregular",
        "immediate_risk": {"level": "low"},
        "expected_next_step": "return_planning",
    }
    return {
        "type": "referral.request/1",
        "to": "AL",
        "purpose": "referral",
        "conversation": CASE,
        "header": header(consent_ref=consent_ref, case_ref_sender="fr-7f3a"),
        "content": content,
    }


async def advice(node: Node, **arguments: Any) -> dict[str, Any]:
    """What the node says."""
    said: dict[str, Any] = await asked(node, "contact.advise", {"id": CASE, **arguments})
    return said


async def test_the_rule_of_the_person_decides_and_is_not_repeated(tmp_path: Path):
    """Called only if she may be; an address that must never be used is known again; nobody is told without her yes."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        fr, al = nodes["FR"], nodes["AL"]
        await pair(fr, al)
        recorded = await asked(
            fr, "consent.record", {"by": "a", "number": "fr-7f3a", "content": consent(f"AL/{UNIT}", f"FR/{UNIT}")}
        )
        rule = {"may_call": True, "who_answers": "the duty educator", "never_use": [NUMBER]}
        await asked(fr, "message.submit", referral(recorded["id"], rule))
        await settled(fr, "awaiting_opening")
        said = await advice(fr, channel="call")
        assert (said["contact"], said["check_who_answers"]) == ("ask", True)
        assert (await advice(fr, channel="call", address="0033 639 98 01 42"))["contact"] == "never"
        assert {item["party"] for item in said["do_not_notify"]} == {"family", "state_of_nationality", "police"}
        assert NUMBER not in str(said)
        assert "educator" not in str(said)
        there = await advice(al, channel="call")  # the details of the rule are not told before the case is taken
        assert there["contact"] in ("ask", "safe")
        with pytest.raises(RefusedError) as caught:
            await advice(fr, channel="pigeon")
        assert caught.value.code is Code.INVALID
        with pytest.raises(RefusedError) as caught:
            await asked(fr, "contact.advise", {"id": b64u(bytes(16)), "channel": "call"})
        assert caught.value.code is Code.NOT_FOUND


async def test_who_may_not_be_called_is_not_called(tmp_path: Path):
    """The rule says no, whoever asks."""
    async with running(tmp_path, {"FR": None, "AL": None}) as nodes:
        fr, al = nodes["FR"], nodes["AL"]
        await pair(fr, al)
        recorded = await asked(
            fr, "consent.record", {"by": "a", "number": "fr-7f3a", "content": consent(f"AL/{UNIT}", f"FR/{UNIT}")}
        )
        await asked(fr, "message.submit", referral(recorded["id"], {"may_call": False}))
        await settled(fr, "awaiting_opening")
        for node in (fr, al):
            assert (await advice(node, channel="call"))["contact"] == "never"
