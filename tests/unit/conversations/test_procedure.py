"""Where a conversation stands in the procedure: what is due, who is responsible, what comes next."""

from __future__ import annotations

import pytest

from gateway.conversations.procedure import Known, Position, ProcedureStatus, owed_for, position, spelled
from gateway.conversations.rules.duty import Duty
from gateway.conversations.rules.facts import Side
from gateway.foundation.deadlines import Deadline
from schemas.region_pack.procedures import ANY_TIME, STATES, Fact
from schemas.region_pack.regions import load_region

PROCEDURE = load_region("tact").procedure


def at(state: str, *facts: Fact, kind: str = "referral", seen: tuple[str, ...] = ()) -> Position:
    """The position of a conversation in this state."""
    return position(PROCEDURE, Known(kind=kind, state=state, facts=frozenset(facts), seen=frozenset(seen)))


def ids(found: Position, *standings: ProcedureStatus) -> list[str]:
    """The steps with one of these standings, by name."""
    return [step.id for step in found.of(*standings)]


@pytest.mark.parametrize(
    ("state", "kind", "stage", "due", "role"),
    [
        ("asked", "enquiry", "referral", "referral.ask_capacity", "national_focal_point"),
        ("delivered", "enquiry", "referral", "referral.answer_capacity", "national_focal_point"),
        ("OFFERED", "enquiry", "referral", "referral.use_offer", "national_focal_point"),
        ("DELIVERED", "referral", "referral", "referral.open", "national_focal_point"),
        ("under_review", "referral", "referral", "referral.decide", "national_focal_point"),
        ("INFO_REQUESTED", "referral", "referral", "referral.answer_question", "national_focal_point"),
        ("IN_TRANSIT", "referral", "return", "return.meet", "reception_team"),
        ("ARRIVED", "referral", "monitoring", "monitoring.plan", "case_manager"),
        ("CLOSING", "referral", "monitoring", "monitoring.answer_closure", "case_manager"),
        ("DECLINED", "referral", "referral", "referral.erase_refused", "national_focal_point"),
    ],
)
def test_a_state_has_its_step(state: str, kind: str, stage: str, due: str, role: str) -> None:
    """Each state shows what has to be done now, by whom, in which stage."""
    found = at(state, Fact.RETURN_WANTED, kind=kind)
    assert found.stage == stage
    steps = {step.id: step for step in found.due}
    assert steps[due].responsible == role


def test_same_word_of_enquiry_and_referral_differ() -> None:
    """DELIVERED asks for an offer in an enquiry and for a decision in a referral."""
    assert "referral.decide" not in ids(at("delivered", kind="enquiry"), ProcedureStatus.DUE)
    assert "referral.answer_capacity" not in ids(at("delivered"), ProcedureStatus.DUE)


def test_a_step_is_done_once_its_message_was_seen() -> None:
    """A message that performs a step settles it, whatever its version."""
    before = at("DRAFT")
    after = at("DRAFT", seen=("consent.record/1",))
    assert "referral.take_consent" in ids(before, ProcedureStatus.DUE)
    assert "referral.take_consent" in ids(after, ProcedureStatus.DONE)


def test_a_repeated_step_is_never_done() -> None:
    """One monitoring report does not end monitoring."""
    found = at("ACTIVE", seen=("monitoring.report/1", "assistance.plan/1"))
    assert "monitoring.report" in ids(found, ProcedureStatus.DUE)
    assert "assistance.plan" in ids(found, ProcedureStatus.DONE)


def test_the_stage_is_that_of_what_was_not_done_yet() -> None:
    """Planning begins with assistance; once plan and risk assessment are there, the return is what is due."""
    assert at("PLANNING", Fact.RETURN_WANTED).stage == "assistance"
    found = at("PLANNING", Fact.RETURN_WANTED, seen=("assistance.plan/1", "risk.assessment/1"))
    assert found.stage == "return"
    again = {view.step.id: view for view in found.steps}["assistance.assess_risk"]
    assert (again.standing, again.seen) == (ProcedureStatus.DUE, True)


def test_steps_of_a_child_are_shown_for_a_child_only() -> None:
    """Best interests are due for a child and not mentioned for an adult."""
    everything = tuple(ProcedureStatus)
    assert "assistance.best_interests" in ids(at("PLANNING", Fact.CHILD), ProcedureStatus.DUE)
    assert "assistance.best_interests" not in ids(at("PLANNING"), *everything)


def test_asylum_stops_the_way_to_the_state_of_nationality() -> None:
    """While asylum is pending nothing of the return is due, and the reason is named (G5)."""
    found = at("PLANNING", Fact.RETURN_WANTED, Fact.ASYLUM_HOLD)
    stopped = {view.step.id: view.stopped_by for view in found.steps if view.standing is ProcedureStatus.STOPPED}
    assert stopped["return.propose"] == {Fact.ASYLUM_HOLD}
    assert "return.propose" not in ids(found, ProcedureStatus.DUE)
    assert "any_time.hold_for_asylum" in ids(found, ProcedureStatus.DUE)


def test_withdrawal_is_always_possible() -> None:
    """In every state but after erasure the person can take consent back and an alert can be raised."""
    for state in STATES - {"ERASED"}:
        if not state.startswith("enquiry."):
            found = at(state, seen=("consent.withdrawal/1", "safety.alert/1"))
            assert {"any_time.withdraw_consent", "any_time.raise_alert"} <= set(ids(found, ProcedureStatus.POSSIBLE)), (
                state
            )


def test_an_enquiry_is_about_nobody() -> None:
    """In an enquiry there is no consent to take back, and a standing conversation has no procedure at all."""
    assert not [step for step in at("offered", kind="enquiry").of(*ProcedureStatus) if step.stage == ANY_TIME]
    assert at("open", kind="standing") == Position(stage=None, steps=())


def test_states_are_those_of_the_machines() -> None:
    """The states that steps may name are exactly those that a conversation can be in."""
    machines = pytest.importorskip("gateway.conversations.rules.machines")
    enquiry = {spelled("enquiry", state) for state in machines.Enquiry}
    assert enquiry | {spelled("referral", state) for state in machines.Referral} == STATES


def test_a_withdrawal_makes_its_steps_due() -> None:
    """After a withdrawal the next thing is to stop and erase, and the plan is on hold."""
    found = at("PLANNING", Fact.CONSENT_WITHDRAWN)
    assert "any_time.stop_sharing" in ids(found, ProcedureStatus.DUE)
    assert "assistance.plan" in ids(found, ProcedureStatus.STOPPED)
    assert "referral.disclose_identity" in ids(at("ACCEPTED", Fact.CONSENT_WITHDRAWN), ProcedureStatus.STOPPED)


def test_an_open_alert_forbids_closure() -> None:
    """A case with an open alert is not closed (domain 9.5)."""
    assert "monitoring.close" in ids(at("ACTIVE"), ProcedureStatus.POSSIBLE)
    assert "monitoring.close" in ids(at("ACTIVE", Fact.ALERT), ProcedureStatus.STOPPED)


def test_what_comes_next_follows_what_can_be_done() -> None:
    """What is ahead comes after what can be done now, in the order of the procedure."""
    found = at("UNDER_REVIEW", Fact.RETURN_WANTED)
    order = [step.id for step in PROCEDURE.steps]
    now = [step for step in found.of(ProcedureStatus.DUE, ProcedureStatus.POSSIBLE) if step.stage != ANY_TIME]
    assert found.following and all(order.index(step.id) > order.index(now[0].id) for step in found.following)
    assert "return.propose" in [step.id for step in found.following]


@pytest.mark.parametrize(
    ("state", "ahead", "behind"),
    [
        ("DELIVERED", {"referral.ask_back", "referral.answer_question"}, {"referral.take_consent"}),
        ("UNDER_REVIEW", {"referral.answer_question", "referral.agree_conditions"}, {"referral.open"}),
        ("INFO_REQUESTED", {"referral.agree_conditions"}, {"referral.open"}),
        ("PLANNING", {"return.answer", "return.depart"}, {"referral.decide", "referral.answer_question"}),
        ("ACTIVE", {"monitoring.answer_closure"}, {"return.propose", "return.answer", "referral.decide"}),
    ],
)
def test_what_can_still_come_is_not_behind(state: str, ahead: set[str], behind: set[str]) -> None:
    """A question was not forgotten before the request was opened: its state is yet to come."""
    found = at(state, Fact.RETURN_WANTED)
    assert ahead <= set(ids(found, ProcedureStatus.AHEAD)) and behind <= set(ids(found, ProcedureStatus.BEHIND))


@pytest.mark.parametrize("state", ["DECLINED", "WITHDRAWN", "EXPIRED", "CLOSED", "ERASED"])
def test_nothing_follows_an_end(state: str) -> None:
    """A conversation that has ended has nothing ahead."""
    assert at(state, Fact.RETURN_WANTED).following == ()


def test_after_erasure_nothing_is_left_to_do() -> None:
    """An erased conversation owes nothing and offers nothing."""
    assert ids(at("ERASED", Fact.ALERT), ProcedureStatus.DUE, ProcedureStatus.POSSIBLE) == []
    assert at("ERASED").stage is None


def test_every_step_of_the_order_is_reachable() -> None:
    """Each step of the procedure is due, possible or stopped in some state with all facts there."""
    reached = {
        view.step.id
        for state in STATES
        for view in at(state.rpartition(".")[2], *Fact, kind=state.rpartition(".")[0] or "referral").steps
        if view.standing in (ProcedureStatus.DUE, ProcedureStatus.POSSIBLE, ProcedureStatus.STOPPED)
    }
    assert reached == {step.id for step in PROCEDURE.steps}


# --- until when ----------------------------------------------------------------------------------------------------


def owing(found: Position, *duties: tuple[str, Side, int]) -> dict[str, int]:
    """Of which steps what is owed, with the end of its time."""
    listed = [Duty(clock=clock, by=by, because="m", until=Deadline(at=at), reminders=()) for clock, by, at in duties]
    owed = {view.step.id: owed_for(view, listed) for view in found.steps}
    return {id: duty.until.at for id, duty in owed.items() if duty is not None}


def test_a_step_is_owed_by_its_clock_and_its_side() -> None:
    """The earliest duty of the clock that is the step's, and none of the other side."""
    found = at("UNDER_REVIEW")
    assert owing(found, ("decision", Side.RECEIVING, 9), ("decision", Side.RECEIVING, 5)) == {"referral.decide": 5}
    assert owing(found, ("decision", Side.HOST, 9), ("info_reply", Side.HOST, 7)) == {}


def test_what_either_may_do_is_owed_by_whom_the_duty_names() -> None:
    """A withdrawal is acknowledged by the side that got it, whichever that is."""
    found = at("PLANNING", Fact.CONSENT_WITHDRAWN)
    for side in Side:
        assert owing(found, ("withdrawal_ack", side, 3)) == {"any_time.stop_sharing": 3}


def test_nobody_owes_what_is_possible_or_done() -> None:
    """To ask for erasure is possible; that something else has to be erased by then makes it no duty."""
    found = at("DECLINED")
    assert owing(found, ("erasure", Side.RECEIVING, 3)) == {"referral.erase_refused": 3}
    assert owing(at("DECLINED", seen=("erasure.confirmation/1",)), ("erasure", Side.RECEIVING, 3)) == {}
