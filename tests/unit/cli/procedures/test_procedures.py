"""`trm procedure`: the steps of a region for people and programs, without a running node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.desks import run

from gateway.cli.procedures import procedures, values

TOML = """
[node]
name = "FR"
country = "FR"
region = "REGION"

[federation]
listen = "127.0.0.1:8443"

[[units]]
id = "focal-point"
name = "Focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""


def lines(text: str) -> list[str]:
    """Lines without their padding."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_whole_procedure_in_order() -> None:
    """All stages with their steps; programs get each text in every language there is."""
    value = json.loads(run("procedure", "list", "--region", "tact", "--json").stdout)
    assert [stage["stage"] for stage in value["stages"]] == [
        "identification",
        "referral",
        "assistance",
        "return",
        "monitoring",
        "any_time",
    ]
    steps = {step["id"]: step for stage in value["stages"] for step in stage["steps"]}
    assert steps["referral.decide"]["clock"]["durations"] == {
        "emergency": {"hours": 24},
        "urgent": {"hours": 72},
        "normal": {"days": 14},
    }
    assert steps["return.propose"]["title"]["en"].startswith("Propose the journey")
    printed = run("procedure", "list", "--region", "tact").stdout
    assert all(step in printed for step in steps)


def test_a_step_says_everything() -> None:
    """Who, with whom, what protects the person, gates, clock, what the person is told, and the source."""
    shown = lines(run("procedure", "show", "return.propose", "--region", "tact").stdout)
    for line in (
        "side host",
        "messages return.proposal",
        "stopped by asylum_hold, consent_withdrawn",
        "gates G2, G3, G4, G5, G8",
        "safeguard Voluntary, agreed with the person, in writing",
        "tell the person That the journey can be called off until the last moment",
        "source ECAT Articles 13, 16(2) and 16(6); nrm.bg standard procedures 2.2 and 3.2",
    ):
        assert line in shown
    (clock,) = [line for line in shown if line.startswith("clock ")]
    assert clock.startswith("clock return_response: emergency 24 hours, urgent 3 working days, normal 3 working days;")


def test_a_stage_has_all_its_steps() -> None:
    """`show` of a stage is each of its steps."""
    shown = lines(run("procedure", "show", "return", "--region", "tact").stdout)
    assert [line for line in shown if line.startswith("step ")] == [
        f"step return.{name}"
        for name in (
            "verify_nationality",
            "answer_nationality",
            "ask_document",
            "issue_document",
            "propose",
            "answer",
            "call_off",
            "depart",
            "meet",
        )
    ]


def test_a_step_is_told_in_a_language() -> None:
    """Its texts and the labels of roles; that nobody has reviewed them is said."""
    ran = run("procedure", "show", "return.meet", "--region", "tact", "--language", "sq")
    shown = lines(ran.stdout)
    for name in ("what", "responsible", "safeguard", "tell the person"):
        told = [line for line in shown if line.startswith(f"{name} ")]
        assert told and not any("[" in line for line in told)
    assert "what Meet the person and confirm the arrival" not in shown
    assert "responsible reception_team" not in shown
    assert "trm: hint: texts in shqip" in ran.stderr


def test_a_type_that_is_not_held_is_marked() -> None:
    """A procedure may be ahead of the catalogue, and says so."""
    assert values.find_unheld(["return.proposal", "return.song"]) == ["return.song"]
    assert procedures._messages({"messages": ["a.b", "a.c"], "unheld": ["a.c"]}) == "a.b, a.c [not held]"


def test_the_region_is_that_of_the_node(tmp_path: Path) -> None:
    """The settings are read and nothing else; an unknown region is a fault of the settings."""
    for name, code in (("tact", 0), ("atlantis", 1)):
        (tmp_path / "node.toml").write_text(TOML.replace("REGION", name), encoding="utf-8")
        ran = run("procedure", "show", "return.meet", "--node", str(tmp_path))
        assert ran.exit_code == code, ran.stderr
    assert "no such region pack" in ran.stderr and "held: tact; trm region install adds one" in ran.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "return.sing", "--region", "tact"), 1),
        (("list", "--region", "atlantis"), 1),
        (("list", "--region", "tact", "--language", "xx"), 1),
        (("list", "--region", "tact", "--node", "x"), 2),
        (("list",), 2),
    ],
    ids=["no such step", "no such region", "no such language", "two places", "no place"],
)
def test_what_there_is_not_is_refused(words: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed on standard output."""
    monkeypatch.delenv("TRM_NODE", raising=False)
    ran = run("procedure", *words)
    assert (ran.exit_code, ran.stdout) == (code, "")


def test_where_a_case_stands_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """What is owed and what is stopped stands in the table with the next three; the rest is told by name."""

    def step(name: str, standing: str, **members: object) -> dict[str, object]:
        stage = name.partition(".")[0]
        plain = {"id": name, "stage": stage, "title": {"en": f"Do {name}"}, "standing": standing, "stopped_by": []}
        return plain | {"by": "us", "responsible": "dpo", "until": None} | members

    steps = [
        step("referral.open", "done"),
        step("referral.ask_back", "behind"),
        step("return.propose", "stopped", stopped_by=["asylum_hold", "consent_withdrawn"]),
        step("assistance.plan", "due", by="them", until=0),
        *(step(f"monitoring.{n}", "ahead") for n in "abcd"),
        step("any_time.withdraw_consent", "possible"),
    ]
    procedures.show_position(
        {"region": "tact", "drafts": [], "stage": "return", "title": {"en": "Return"}, "steps": steps}, None
    )
    shown = lines(capsys.readouterr().out)
    tabled = [line for line in shown if " Do " in line]
    assert [line.partition(" ")[0] for line in tabled] == [
        "return.propose",
        "assistance.plan",
        "monitoring.a",
        "monitoring.b",
        "monitoring.c",
    ]
    assert " stopped by asylum_hold, consent_withdrawn us " in tabled[0]
    assert " due them " in tabled[1] and "1970-01-01T00:00:00Z" in tabled[1]
    assert " next us " in tabled[2]
    assert {"done: referral.open", "behind: referral.ask_back", "at any time: any_time.withdraw_consent"} <= set(shown)
