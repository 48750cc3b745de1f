"""Region packs: the one that is there, a copy of it, and every way in which a pack can be wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.awaited import TYPES

from gateway.errors import Code, RefusedError
from gateway.policy.gates.transfer import EEA
from schemas.region_pack.calendars import make_stand_in
from schemas.region_pack.policies import format_policy, read_policy
from schemas.region_pack.procedures import STAGES
from schemas.region_pack.regions import list_regions, load_region, read_region_pack, unheld_types

TACT = Path(__file__).resolve().parents[4] / "schemas" / "regions" / "tact"


def edited(folder: Path, path: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change one JSON file of a pack in place."""
    file = folder / path
    value = json.loads(file.read_bytes())
    change(value)
    file.write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The pack under another name, as somebody begins a region of their own."""
    folder = tmp_path / "baltic"
    shutil.copytree(TACT, folder)
    edited(folder, "region.json", lambda value: value.update(name="baltic"))
    return folder


def faults(folder: Path) -> list[tuple[str, str]]:
    """Place and rule of everything that is wrong with a pack."""
    with pytest.raises(RefusedError) as caught:
        read_region_pack(folder)
    assert caught.value.code is Code.INVALID
    return [(finding.place, finding.rule) for finding in caught.value.findings]


def test_the_pack_is_held_and_loads() -> None:
    """The region of the project is there, with its eight countries, fifteen corridors home and twenty within the EU."""
    assert "tact" in list_regions()
    found = load_region("tact")
    assert {"AL", "MA", "UA", "FR", "GR", "IT", "PL", "ES"} == set(found.countries)
    assert len(found.corridors) == 35 and ("FR", "AL") in found.corridors and ("AL", "FR") not in found.corridors
    assert ("FR", "IT") in found.corridors and ("IT", "FR") in found.corridors
    assert ("AL", "FR") in found.ways
    assert tuple(stage.name for stage in found.procedure.stages) == STAGES


def test_a_country_lies_somewhere(copy: Path) -> None:
    """Each of this region, in whole degrees; another pack may leave it out, and no place off the earth is taken."""
    assert load_region("tact").countries["MA"].place == (34, -7)
    edited(copy, "region.json", lambda value: value["countries"]["MA"].pop("place"))
    assert read_region_pack(copy).countries["MA"].place is None
    edited(copy, "region.json", lambda value: value["countries"]["MA"].update(place={"north": 91, "east": -7}))
    assert faults(copy) == [("region.json#/countries/MA/place/north", "number")]


@pytest.mark.parametrize("code", ["AA", "QM", "QZ", "XA", "XZ", "ZZ", "ruritania"])
def test_a_country_may_be_invented(copy: Path, code: str) -> None:
    """It has a code that ISO 3166-1 leaves to its users, or small letters, a name of its own, a calendar and facts."""

    def change(value: dict[str, Any]) -> None:
        value["countries"][code] = {"languages": ["en", "fr"], "name": {"en": "Ruritania", "fr": "Ruritanie"}}
        value["corridors"].append({"from": ["FR"], "to": [code]})

    edited(copy, "region.json", change)
    calendar = json.loads((copy / "calendars" / "AL.json").read_bytes()) | {"country": code}
    (copy / "calendars" / f"{code}.json").write_text(json.dumps(calendar), encoding="utf-8")
    entry = {"format": "trm-national/1", "country": code, "facts": []}
    (copy / "national" / f"{code}.json").write_text(json.dumps(entry), encoding="utf-8")
    text = copy / "guidance" / "texts" / "ukraine-conflict.md"
    text.write_text(text.read_text(encoding="utf-8").replace("countries: UA", f"countries: {code}"), encoding="utf-8")

    found = read_region_pack(copy)
    assert found.countries[code].name == {"en": "Ruritania", "fr": "Ruritanie"}
    assert found.calendar(code) is not make_stand_in(code) and found.calendar(code).country == code
    assert found.guidance["ukraine-conflict"].countries == (code,)


def test_a_pack_says_which_edition_it_is(copy: Path) -> None:
    """Left out, it is the first."""
    edited(copy, "region.json", lambda value: value.pop("version", None))
    assert read_region_pack(copy).version == 1
    edited(copy, "region.json", lambda value: value.update(version=7))
    assert read_region_pack(copy).version == 7


@pytest.mark.parametrize("name", list_regions())
def test_every_pack_is_whole(name: str) -> None:
    """Also one that somebody has just copied: every file of it is read, and each country has a calendar."""
    found = load_region(name)
    assert found.countries.keys() <= load_region(name).calendars.keys()
    assert "two-step" in found.policies


def test_unknown_pack_is_refused() -> None:
    """A name that no folder has is an answer and no crash."""
    with pytest.raises(RefusedError, match="no such region pack"):
        load_region("atlantis")


def test_named_types_are_of_the_catalogue() -> None:
    """A procedure names only types that the catalogue holds, or is known to be on its way."""
    missing = {finding.place for finding in unheld_types(load_region("tact"))}
    steps = {step.id: step.messages for step in load_region("tact").procedure.steps}
    named = {steps[place.split("/")[0]][int(place.rsplit("/", 1)[1])] for place in missing}
    assert named <= TYPES


def test_each_step_says_what_it_needs() -> None:
    """Each step has an answerable role, a source, and what protects the person or what the person is told."""
    for step in load_region("tact").procedure.steps:
        assert step.responsible and step.source, step.id
        assert step.safeguards or step.tell_person, step.id


def test_return_of_a_child_is_guarded() -> None:
    """The steps that move a person name the gates that law demands: best interests and joint risk assessment."""
    steps = {step.id: step for step in load_region("tact").procedure.steps}
    for name in ("return.propose", "return.answer", "return.depart"):
        assert {"G3", "G4", "G5"} <= set(steps[name].gates), name
    assert "G15" in steps["return.verify_nationality"].gates


def test_every_corridor_has_a_policy_for_every_purpose() -> None:
    """No corridor of the region is forgotten: each way has a rule for referral, and for return or, within the EU, for a
    transfer.
    """
    policy = load_region("tact").policies["two-step"]
    assert load_region("tact").ways == policy.pairs
    for way in policy.pairs:
        assert policy.rule(way, "referral") and policy.rule(way, None)
        moved = "intra_eu_transfer" if set(way) <= EEA else "return"
        assert [policy.rule(way, name) is not None for name in ("return", "intra_eu_transfer")] == [
            moved == "return",
            moved != "return",
        ]


def test_a_copy_under_another_name_loads(copy: Path) -> None:
    """Another region begins as a copy: new name, one more country and corridor, one step taken out, its own policy."""

    def change(value: dict[str, Any]) -> None:
        value["countries"]["LT"] = {"languages": ["lt", "en"]}
        value["languages"].append("lt")
        value["corridors"].append({"from": ["PL"], "to": ["LT"]})

    edited(copy, "region.json", change)
    edited(copy, "procedures/return.json", lambda value: value["steps"].pop())
    old = copy / "policies" / "two-step.json"
    policy = json.loads(old.read_bytes())
    policy["name"] = "baltic"
    policy["corridors"]["to_origin"].append("PL>LT")
    old.unlink()
    (copy / "policies" / "baltic.json").write_text(
        json.dumps(policy, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    assert faults(copy) == [("policies/baltic.json#", "spelling")]
    policy["corridors"]["to_origin"].sort()
    (copy / "policies" / "baltic.json").write_text(
        json.dumps(policy, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )

    found = read_region_pack(copy)
    assert ("PL", "LT") in found.corridors and found.countries["LT"].languages == ("lt", "en")
    assert len(found.procedure.steps) == len(load_region("tact").procedure.steps) - 1
    assert found.policies["baltic"].rule(("PL", "LT"), "referral")


def first_step(**members: Any) -> Callable[[dict[str, Any]], object]:
    """A change of the first step of a stage."""
    return lambda value: value["steps"][0].update(members)


JOURNEY = next(step.title["en"] for step in load_region("tact").procedure.steps if step.id == "return.propose")


def worded(folder: Path, **members: Any) -> None:
    """French texts of the pack: a title that it has, and what is given."""
    texts = {JOURNEY: "Proposer le voyage"}
    value = {"format": "trm-region-words/1", "language": "fr", "status": "draft", "texts": texts, **members}
    (folder / "words").mkdir(exist_ok=True)
    (folder / "words" / "fr.json").write_text(json.dumps(value), encoding="utf-8")


def propose(value: dict[str, Any]) -> dict[str, Any]:
    """This step in its file."""
    return next(step for step in value["steps"] if step["id"] == "return.propose")


def proposing(folder: Path) -> Mapping[str, str]:
    """The title of one step."""
    return next(step.title for step in read_region_pack(folder).procedure.steps if step.id == "return.propose")


def test_texts_are_translated_by_their_english(copy: Path) -> None:
    """What is reworded has no translation until it is translated anew; what stands in the step itself counts."""
    worded(copy)
    title = proposing(copy)
    assert (title["en"], title["fr"]) == (JOURNEY, "Proposer le voyage")
    edited(copy, "procedures/return.json", lambda value: propose(value)["title"].update(fr="Préparer le voyage"))
    assert proposing(copy)["fr"] == "Préparer le voyage"
    edited(copy, "procedures/return.json", lambda value: propose(value).update(title={"en": "Agree on the journey"}))
    assert "fr" not in proposing(copy)


@pytest.mark.parametrize(("status", "drafts"), [("draft", True), ("reviewed", False)])
def test_what_nobody_reviewed_is_a_draft(copy: Path, status: str, drafts: bool) -> None:
    """The file of a language says it."""
    worded(copy, status=status)
    assert ("fr" in read_region_pack(copy).drafts) is drafts


@pytest.mark.parametrize(
    ("members", "place", "rule"),
    [
        ({"format": "trm-region/1"}, "/format", "const"),
        ({"language": "sq"}, "/language", "const"),
        ({"status": "done"}, "/status", "unknown_status"),
        ({"texts": {JOURNEY: ""}}, f"/texts/{JOURNEY}", "text"),
        ({"texts": []}, "/texts", "object"),
        ({"more": 1}, "/more", "unknown_key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_words_are_refused(copy: Path, members: dict[str, Any], place: str, rule: str) -> None:
    """One fault each, with its place."""
    worded(copy, **members)
    assert faults(copy) == [(f"words/fr.json#{place}", rule)]


@pytest.mark.parametrize("name", ["nl.json", "en.json", "fr.txt"])
def test_words_are_in_a_language_of_the_region(copy: Path, name: str) -> None:
    """English is the text itself."""
    worded(copy)
    (copy / "words" / name).write_text(
        json.dumps({"format": "trm-region-words/1", "language": name[:2], "status": "draft", "texts": {}}), "utf-8"
    )
    assert [rule for _, rule in faults(copy)] == ["unknown_file" if name == "fr.txt" else "unknown_language"]


def english(value: Any) -> Iterator[str]:
    """Every English text below a value."""
    if isinstance(value, dict) and isinstance(value.get("en"), str):
        yield value["en"]
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from english(item)


@pytest.mark.parametrize("lang", [lang for lang in load_region("tact").languages if lang != "en"])
def test_the_pack_speaks_all_its_languages(lang: str) -> None:
    """Every text of the procedure, the published tables and the countries is translated, and nothing else."""
    folders = [*(TACT / "procedures").iterdir(), *(TACT / "national").iterdir()]
    files = [TACT / "region.json", TACT / "statistics.json", *folders]
    wanted = {text for file in files for text in english(json.loads(file.read_bytes()))}
    said = json.loads((TACT / "words" / f"{lang}.json").read_bytes())
    assert set(said["texts"]) == wanted


Change = Callable[[dict[str, Any]], object]

IN_REGION: dict[str, tuple[Change, str, str]] = {
    "unknown key": (lambda v: v.update(colour="red"), "/colour", "unknown_key"),
    "no title": (lambda v: v.pop("title"), "/title", "required"),
    "another format": (lambda v: v.update(format="trm-region/9"), "/format", "const"),
    "name of another folder": (lambda v: v.update(name="tact"), "/name", "name"),
    "unknown country": (
        lambda v: v["countries"].update(YY={"languages": ["en"]}),
        "/countries/YY",
        "unknown_code",
    ),
    "invented country without a name": (
        lambda v: v["countries"].update(XX={"languages": ["en"]}),
        "/countries/XX/name",
        "required",
    ),
    "country under another name": (
        lambda v: v["countries"]["AL"].update(name={"en": "Elsewhere"}),
        "/countries/AL/name",
        "unknown_key",
    ),
    "no edition": (lambda v: v.update(version=0), "/version", "number"),
    "unlisted language": (
        lambda v: v["countries"].update(BE={"languages": ["nl"]}),
        "/countries/BE/languages/0",
        "unknown_language",
    ),
    "corridor to nowhere": (lambda v: v["corridors"][0]["to"].append("DE"), "/corridors/0/to/3", "unknown_country"),
    "corridor onto itself": (lambda v: v["corridors"][1]["to"].append("ES"), "/corridors/1", "corridor"),
    "no node": (lambda v: v.update(nodes={"AL": 2}), "/nodes/AL", "node"),
    "no version": (lambda v: v.update(nodes={f"n1{'a' * 32}": 0}), f"/nodes/n1{'a' * 32}", "number"),
}

CALENDAR: dict[str, tuple[Change, str, str]] = {
    "unknown key": (lambda v: v.update(suspend=[]), "/suspend", "unknown_key"),
    "no note": (lambda v: v.pop("note"), "/note", "required"),
    "of another country": (lambda v: v.update(country="FR"), "/country", "const"),
    "unknown weekday": (lambda v: v["weekend"].append("someday"), "/weekend/2", "unknown_code"),
    "weekend holidays": (lambda v: v.update(weekend_holidays="shifted"), "/weekend_holidays", "unknown_code"),
    "summer of elsewhere": (lambda v: v["zone"].update(summer="us"), "/zone", "calendar"),
    "zone without a name": (lambda v: v["zone"].pop("name"), "/zone/name", "required"),
    "a day of no month": (lambda v: v["holidays"].insert(0, {"name": "x", "day": "13-01"}), "/holidays/0", "calendar"),
    "a day of leap years": (
        lambda v: v["holidays"].insert(0, {"name": "x", "day": "02-29"}),
        "/holidays/0",
        "calendar",
    ),
    "a slip": (lambda v: v["holidays"].insert(0, {"name": "x", "day": "1-1", "after": 1}), "/holidays/0", "calendar"),
    "no holiday": (lambda v: v["holidays"].insert(0, "x"), "/holidays/0", "calendar"),
    "no end": (lambda v: v["suspended"].append({"from": "2030-01-01", "why": "x"}), "/suspended/1", "calendar"),
}

IN_STEP: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown key": ({"who": "x"}, "/who", "unknown_key"),
    "unknown role": ({"responsible": "king"}, "/responsible", "unknown_code"),
    "unknown second role": ({"with": ["king"]}, "/with/0", "unknown_code"),
    "unknown gate": ({"gates": ["G16"]}, "/gates/0", "unknown_gate"),
    "unknown clock": ({"clock": "sundial"}, "/clock", "unknown_clock"),
    "unknown state": ({"states": ["BORED"]}, "/states/0", "unknown_state"),
    "no state": ({"states": []}, "/states", "list"),
    "state twice": ({"states": ["PLANNING", "PLANNING"]}, "/states", "twice"),
    "unknown fact": ({"only_if": ["tall"]}, "/only_if/0", "unknown_fact"),
    "unknown side": ({"side": "left"}, "/side", "unknown_side"),
    "type with a version": ({"messages": ["a.b/1"]}, "/messages/0", "form"),
    "foreign language": ({"title": {"en": "x", "de": "y"}}, "/title/de", "unknown_language"),
    "no English": ({"title": {"fr": "x"}}, "/title/en", "required"),
    "step of another stage": ({"id": "referral.x"}, "/id", "stage"),
    "no flag": ({"repeated": "yes"}, "/repeated", "flag"),
    "empty text": ({"source": ""}, "/source", "text"),
}


def test_nodes_have_the_version_that_they_reached(copy: Path) -> None:
    """They may be left out: then nothing is known of any node."""
    assert read_region_pack(copy).nodes == {}
    edited(copy, "region.json", lambda v: v.update(nodes={f"n1{'a' * 32}": 3}))
    assert read_region_pack(copy).nodes == {f"n1{'a' * 32}": 3}


@pytest.mark.parametrize("name", IN_REGION)
def test_a_fault_of_the_region_is_named_with_its_place(copy: Path, name: str) -> None:
    """Each fault is found at its place and brings no second finding."""
    change, place, rule = IN_REGION[name]
    edited(copy, "region.json", change)
    assert faults(copy) == [(f"region.json#{place}", rule)]


@pytest.mark.parametrize("name", CALENDAR)
def test_a_fault_of_a_calendar_is_named_with_its_place(copy: Path, name: str) -> None:
    """A pack is refused with it, and not the first deadline that needs the calendar."""
    change, place, rule = CALENDAR[name]
    edited(copy, "calendars/UA.json", change)
    assert faults(copy) == [(f"calendars/UA.json#{place}", rule)]


def test_a_file_beside_the_calendars_is_refused(copy: Path) -> None:
    """Its holidays would count for nobody."""
    (copy / "calendars" / "UA.json").rename(copy / "calendars" / "Ukraine.json")
    assert faults(copy) == [("calendars/Ukraine.json", "unknown_file")]


@pytest.mark.parametrize("name", IN_STEP)
def test_a_fault_of_a_step_is_named_with_its_place(copy: Path, name: str) -> None:
    """The same for a step of a procedure."""
    members, place, rule = IN_STEP[name]
    edited(copy, "procedures/return.json", first_step(**members))
    assert faults(copy) == [(f"procedures/return.json#/steps/0{place}", rule)]


def test_a_stage_stands_in_its_own_file(copy: Path) -> None:
    """A stage that calls itself another one is refused."""
    edited(copy, "procedures/return.json", lambda value: value.update(stage="referral"))
    assert faults(copy) == [("procedures/return.json#/stage", "const")]


def test_findings_hold_no_value(copy: Path) -> None:
    """What stands in the file is not repeated in a finding, whatever it is."""
    edited(copy, "procedures/return.json", first_step(responsible="Zana Provaj", clock="Zana Provaj"))
    with pytest.raises(RefusedError) as caught:
        read_region_pack(copy)
    assert len(caught.value.findings) == 2
    assert "Zana" not in repr([str(caught.value), caught.value.hint, caught.value.findings])


def test_all_faults_are_told_at_once(copy: Path) -> None:
    """Somebody who mends a pack learns everything in one reading."""
    edited(copy, "procedures/return.json", first_step(clock="sundial"))
    edited(copy, "procedures/referral.json", first_step(responsible="king"))
    (copy / "procedures" / "monitoring.json").unlink()
    (copy / "notes.txt").write_text("x", encoding="utf-8")
    assert {"unknown_file", "unknown_clock", "unknown_code", "missing_file"} == {rule for _, rule in faults(copy)}


def test_two_steps_of_one_name(copy: Path) -> None:
    """A step is named once in a region."""
    edited(copy, "procedures/return.json", lambda value: value["steps"].append(value["steps"][0]))
    assert faults(copy) == [("procedures#return.verify_nationality", "twice")]


def test_a_file_with_a_member_twice_is_no_json(copy: Path) -> None:
    """Which of two equal members counts would depend on the reader."""
    (copy / "region.json").write_text('{"format": "trm-region/1", "format": "trm-region/1"}', encoding="utf-8")
    assert ("region.json#", "not_json") in faults(copy)


def test_a_pack_needs_a_policy(copy: Path) -> None:
    """Without a policy nothing could leave, so a pack without one is not complete."""
    (copy / "policies" / "two-step.json").unlink()
    assert faults(copy) == [("policies", "missing_file")]


def test_a_policy_stays_within_the_region(copy: Path) -> None:
    """A policy names no corridor that the region does not have."""
    file = copy / "policies" / "two-step.json"
    file.write_text(file.read_text(encoding="utf-8").replace("UA>PL", "UA>SE"), encoding="utf-8")
    assert faults(copy) == [("policies/two-step.json#/corridors/to_host", "unknown_corridor")]


def test_a_policy_has_the_name_of_its_file(copy: Path) -> None:
    """A policy is found under its own name."""
    (copy / "policies" / "two-step.json").rename(copy / "policies" / "other.json")
    assert faults(copy) == [("policies/other.json#/name", "name")]


def test_the_policy_of_the_pack_is_in_its_one_spelling() -> None:
    """The file is what `text` writes, so what people sign is what they read."""
    data = (TACT / "policies" / "two-step.json").read_bytes()
    assert data == format_policy(read_policy(data)).encode()
