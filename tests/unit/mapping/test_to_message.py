"""Mapping files and records: the good way, and each fault by its name and place."""

from __future__ import annotations

from copy import deepcopy

import pytest
from support.referral_maps import REFERRAL_FILE, ruled

from gateway.errors import Finding
from gateway.mapping.labels import language_names
from gateway.mapping.to_message import Vocabulary, check, check_columns, losses, map_record, parse, vocabulary
from gateway.ports import Json, LocalRecord

WORDS = Vocabulary(
    lists={
        "gender": {"Feminine": {"Feminine", "Féminin"}, "Masculine": {"Masculine"}},
        "exploitation": {"ForcedLabour": {"Forced labour"}, "Other": {"Other"}},
        "service": {"safe_accommodation": {"Safe accommodation"}, "food": {"Food"}, "legal_aid": {"Legal advice"}},
        "priority": {"urgent": set(), "normal": set()},
        "rating3": {"high": set()},
    },
    members={*REFERRAL_FILE["fields"], "content.person.birth_year"},
)


def file(**changed: object) -> dict[str, object]:
    """The good file with some rules (by path) or top-level keys replaced."""
    found = deepcopy(REFERRAL_FILE)
    for key, value in changed.items():
        found[key] = value
    return found


def record(**fields: object) -> LocalRecord:
    """A row with a case number and these cells; an underscore in a name is a space of the label."""
    named = {"Case": "C-1"} | {key.replace("_", " "): value for key, value in fields.items()}
    return LocalRecord(ref="row 7", fields=named, places={label: f"row 7, {label}" for label in named})


def draft(**fields: object) -> dict[str, object]:
    """The draft that these cells make."""
    found = map_record(parse(REFERRAL_FILE), record(**fields))
    assert isinstance(found, dict), found
    return found


def faults(**fields: object) -> list[tuple[str, str]]:
    """Rule and place of each fault of these cells."""
    found = map_record(parse(REFERRAL_FILE), record(**fields))
    assert isinstance(found, tuple), found
    return [(finding.rule, finding.place) for finding in found]


# --- records ---------------------------------------------------------------------------------------------------------


def test_a_record_becomes_a_draft():
    """Constants, dates, codes, lists and objects land where the paths say, and nothing else does."""
    found = draft(
        Birthdate="1994-03-02",
        Gender="feminine",
        Citizenship="AL; XK",
        Primary_Language="Albanian",
        Secondary_Language="French",
        Exploitation="Forced labour",
        Support="Shelter; Food",
        Urgency="High",
        Children=2,
        Since="2019",
        Pregnant="No",
        Told=True,
    )
    assert found == {
        "type": "referral.request/1",
        "to": "n1al",
        "conversation": None,
        "in_reply_to": None,
        "purpose": "referral",
        "header": {"legal_basis": ["6_1_e"], "language": "fr", "case_ref_sender": "C-1"},
        "content": {
            "person": {
                "birth_date": "1994-03-02",
                "gender": "Feminine",
                "nationalities": ["AL", "XK"],
                "languages": [{"language": "sq"}, {"language": "fr"}],
            },
            "exploitation": ["ForcedLabour"],
            "services_requested": [
                {"service": "safe_accommodation", "urgency": "urgent"},
                {"service": "food", "urgency": "urgent"},
            ],
            "children": 2,
            "since": 2019,
            "pregnant": False,
            "told": True,
        },
    }


def test_an_empty_cell_leaves_its_member_out():
    """Blank text, null and an absent column say nothing."""
    assert draft(Gender="  ", Birthdate=None)["content"] == {}


def test_drafts_share_nothing():
    """Two drafts of one mapping do not hold the same list of a constant."""
    mapping = parse(REFERRAL_FILE)
    first, second = map_record(mapping, record()), map_record(mapping, record())
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["header"]["legal_basis"] is not second["header"]["legal_basis"]


def test_a_label_is_found_by_its_alias():
    """Case and white space do not matter, and another spelling of the column serves as well."""
    named = {"case": "C-1", " date  of birth ": "1994-03-02"}
    found = map_record(parse(REFERRAL_FILE), LocalRecord(ref="r", fields=named))
    assert isinstance(found, dict)
    assert found["content"] == {"person": {"birth_date": "1994-03-02"}}


def test_a_year_alone_does_not_become_a_day():
    """A cell that holds only a year goes to year_to, never to 1 January (domain 11.6)."""
    assert draft(Birthdate="1994")["content"] == {"person": {"birth_year": 1994}}
    assert draft(Birthdate=1994)["content"] == {"person": {"birth_year": 1994}}


def test_a_value_that_holds_the_separator_is_found_whole():
    """`Water supply; sewerage` is one value because the table says so (domain 11.8)."""
    assert draft(Exploitation="Water supply; sewerage;Forced labour")["content"] == {
        "exploitation": ["ForcedLabour", "ForcedLabour"]
    }


def test_objects_of_a_list_are_filled_in_order():
    """Two columns with as many values each make the objects pairwise."""
    assert draft(Support="Shelter;Legal", Urgency="High;Low")["content"] == {
        "services_requested": [
            {"service": "safe_accommodation", "urgency": "urgent"},
            {"service": "legal_aid", "urgency": "normal"},
        ]
    }


def test_a_document_may_hold_a_list():
    """A JSON record gives several values as a list; each is one value."""
    assert draft(Citizenship=["AL", "MA"])["content"] == {"person": {"nationalities": ["AL", "MA"]}}


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"Gender": "declined"}, {"person": {"unknown": {"gender": "refused"}}}),
        ({"Exploitation": "Ask later"}, {"unknown": {"exploitation": "not_yet"}}),
        ({"Primary_Language": "N/K"}, {"person": {"unknown": {"languages": "unknown"}}}),
        (
            {"Primary_Language": "Albanian", "Secondary_Language": "N/K"},
            {"person": {"languages": [{"language": "sq"}]}},
        ),
        ({"Risk": "Not assessed"}, {"unknown": {"immediate_risk": "not_yet"}}),
    ],
)
def test_what_was_not_said_is_written_down(fields, content):
    """An unknown value becomes the schema's `unknown` beside its member, for a list as for one value."""
    assert content == draft(**fields)["content"]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"Case": ""}, "missing"),
        ({"Gender": "F"}, "unmapped_code"),
        ({"Gender": "default"}, "unmapped_code"),
        ({"Exploitation": "Forced labour; Begging"}, "unmapped_code"),
        ({"Exploitation": "Forced labour; Not known"}, "unknown_beside_value"),
        ({"Exploitation": "Ask later; Not known"}, "unknown_beside_value"),
        ({"Primary_Language": "sq"}, "unmapped_code"),
        ({"Birthdate": "1900-01-01"}, "bad_date"),
        ({"Birthdate": "14.14.1994"}, "bad_date"),
        ({"Birthdate": "01.02.94"}, "bad_date"),
        ({"Birthdate": "01/02/1994"}, "date_two_ways"),
        ({"Birthdate": "1994-02-30"}, "bad_date"),
        ({"Birthdate": "2100-01-01"}, "bad_date"),
        ({"Birthdate": 34335}, "bad_date"),
        ({"Birthdate": "1900"}, "bad_year"),
        ({"Citizenship": "Albania"}, "bad_country"),
        ({"Citizenship": "al"}, "bad_country"),
        ({"Children": "two"}, "bad_integer"),
        ({"Children": True}, "bad_integer"),
        ({"Since": "1899"}, "bad_year"),
        ({"Since": "94"}, "bad_year"),
        ({"Pregnant": "maybe"}, "unmapped_code"),
        ({"Told": "yes"}, "bad_boolean"),
        ({"Case": True}, "wrong_type"),
        ({"Case": {"a": "b"}}, "wrong_type"),
        ({"Gender": ["Feminine"]}, "wrong_type"),
        ({"Citizenship": [["AL"]]}, "wrong_type"),
    ],
)
def test_one_fault_in_a_record(fields, rule):
    """Each named fault refuses the record alone, at its cell and without its value."""
    label = next(iter(fields)).replace("_", " ")
    assert [(rule, f"row 7, {label}")] == faults(**fields)


def test_uneven_columns_of_one_list():
    """Three services and two urgencies do not say which is which."""
    assert faults(Support="Shelter;Food;Legal", Urgency="High;Low") == [("uneven_list", "row 7, Urgency")]


@pytest.mark.parametrize(
    ("services", "urgencies"), [("Shelter;;Legal", "High;Low;"), (";Legal", "High;"), ("Shelter;Legal", "High;")]
)
def test_a_gap_in_a_cell_pairs_nothing_that_does_not_belong_together(services: str, urgencies: str):
    """As many values in both columns, of different items: nobody gets the urgency of another service."""
    assert faults(Support=services, Urgency=urgencies) == [("uneven_list", "row 7, Urgency")]
    assert (
        draft(Support="Shelter;;Legal", Urgency="High;;Low")["content"]
        == draft(Support="Shelter;Legal;", Urgency="High;Low")["content"]
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"First": "Albanian", "Second": "French", "FirstLevel": "good", "SecondLevel": "poor"}, ["good", "poor"]),
        ({"Second": "French", "SecondLevel": "poor"}, ["poor"]),
        ({"First": "Albanian", "Second": "French", "FirstLevel": "good"}, None),
        ({"Second": "French", "FirstLevel": "good"}, None),
    ],
)
def test_an_empty_column_of_a_pair_is_a_gap(fields: dict[str, Json], said: list[str] | None):
    """What is said of the first language is not said of the second one."""
    list_of = "content.person.languages[]"
    level = {"good": "fluent", "poor": "basic"}
    mapping = parse(
        file(
            fields={
                f"{list_of}.language": {
                    "from": ["First", "Second"],
                    "type": "language",
                    "codes": {"Albanian": "sq", "French": "fr"},
                },
                f"{list_of}.level": {
                    "from": ["FirstLevel", "SecondLevel"],
                    "type": "code",
                    "list": "language_level",
                    "codes": level,
                },
            }
        )
    )
    made = map_record(mapping, LocalRecord(ref="r", fields=fields))
    if said is None:
        assert isinstance(made, tuple)
        assert [finding.rule for finding in made] == ["uneven_list"]
    else:
        assert isinstance(made, dict)
        levels = [item["level"] for item in made["content"]["person"]["languages"]]
        assert levels == [level[word] for word in said]


def test_two_spellings_of_a_column_that_disagree():
    """Equal values are one value, different ones a fault."""
    assert draft(Birthdate="1994-03-02", Date_of_Birth="1994-03-02")["content"]
    assert faults(Birthdate="1994-03-02", Date_of_Birth="1994-03-03") == [("ambiguous_column", "row 7, Date of Birth")]


def test_a_reason_for_having_none_beside_a_value():
    """A risk that is not assessed cannot have a level from another column."""
    both = file()
    both["fields"]["content.immediate_risk.other"] = {"from": "Case", "type": "text"}
    found = map_record(parse(both), record(Risk="Not assessed"))
    assert isinstance(found, tuple)
    assert [finding.rule for finding in found] == ["unknown_beside_value"]


def test_a_year_without_a_place_to_go():
    """Without year_to a year in a date column is a fault of its own."""
    mapping = parse(ruled("content.person.birth_date", year_to=None))
    found = map_record(mapping, record(Birthdate="1994"))
    assert isinstance(found, tuple)
    assert [finding.rule for finding in found] == ["year_only"]


def test_all_faults_of_a_row_are_told_together():
    """What the adapter found comes first, then every cell; no value is in any finding."""
    fault = Finding(place="row 7, column Z", rule="formula")
    fields = {"Case": None, "Gender": "SECRET1", "Birthdate": "SECRET2", "Support": "SECRET3"}
    found = map_record(parse(REFERRAL_FILE), LocalRecord(ref="r", fields=fields, faults=(fault,)))
    assert isinstance(found, tuple)
    assert [f.rule for f in found] == ["formula", "missing", "bad_date", "unmapped_code", "unmapped_code"]
    assert "SECRET" not in repr(found)


def test_what_is_lost_is_shown():
    """A lossy entry that a record uses is listed with its note, at its cell."""
    found = losses(parse(REFERRAL_FILE), record(Exploitation="Criminal; Forced labour"))
    hint = "forced criminality has no code here"
    assert (Finding(place="row 7, Exploitation", rule="lossy", hint=hint),) == found
    assert losses(parse(REFERRAL_FILE), record(Exploitation="Forced labour")) == ()


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_good_file_has_no_findings():
    """The file of these tests names known lists and codes only."""
    assert check(parse(REFERRAL_FILE), WORDS) == ()


@pytest.mark.parametrize(
    ("keys", "rule", "place"),
    [
        ({"list": "sex"}, "unknown_list", "list"),
        ({"codes": {"Feminine": "Feminine", "Masculine": "male"}}, "unknown_code", "codes.masculine"),
        ({"codes": {"Feminine": "Feminine"}}, "unmapped_code", "values.Masculine"),
        ({"values": ["Feminine", "F"], "codes": {"Feminine": "Feminine", "F": "Feminine"}}, "lossy_code", "codes.F"),
        ({"values": None, "codes": {"Feminine": "Feminine", "F": "Feminine"}}, "lossy_code", "codes.F"),
        ({"values": None, "codes": {"Masculine": "Feminine"}}, "other_meaning", "codes.Masculine"),
        ({"values": None, "codes": {"féminin": "Masculine"}}, "other_meaning", "codes.féminin"),
        (
            {"values": {"f": "Feminine", "m": "Masculine"}, "codes": {"f": "Masculine", "m": "Feminine"}},
            "other_meaning",
            "codes.f",
        ),
        ({"values": None, "codes": {"F": {"code": "Feminine", "lossy": True, "note": "x"}}}, "not_reviewed", "codes.F"),
    ],
)
def test_check_finds_one_fault(keys, rule, place):
    """Each fault against the code lists has its rule and its place in the file."""
    found = check(parse(ruled("content.person.gender", **keys)), WORDS)
    assert (rule, f"fields.content.person.gender.{place}") == (found[0].rule, found[0].place)
    assert {finding.rule for finding in found} == {rule}


def test_a_loss_that_is_marked_is_accepted():
    """Two local values may lead to one code where the file says so."""
    lossy = {"code": "Feminine", "lossy": True, "note": "only for this test", "reviewed": "A. B., 2026-11-27"}
    codes = {"Feminine": "Feminine", "Masculine": lossy}
    assert check(parse(ruled("content.person.gender", codes=codes)), WORDS) == ()


def test_columns_are_compared_with_the_file():
    """A column that nobody reads and one that is read but absent are both named; aliases and ignored ones are known."""
    labels = ["CASE", "Né(e) le", "case owner", "Shoe Size", "", "Gender", "Citizenship", "Exploitation", "Support"]
    found = check_columns(parse(REFERRAL_FILE), labels)
    named = {(finding.rule, finding.place) for finding in found}
    assert ("unread_column", "column Shoe Size") in named
    assert ("missing_column", "column Urgency") in named
    assert not {place for _, place in named} & {"column Case", "column Birthdate", "column case owner"}
    assert sum(finding.rule == "unread_column" for finding in found) == 1


def test_a_type_that_is_not_known_is_named():
    """Also where the file has no rule that could be at fault."""
    for fields in ({}, REFERRAL_FILE["fields"]):
        mapping = parse(file(body_type="referral.question/1", fields=fields))
        found = check(mapping, vocabulary(mapping.body_type, language_names()))
        assert [(f.rule, f.place) for f in found] == [("unknown_type", "body_type")]


def test_a_member_that_the_type_does_not_have_is_named():
    """A path with a slip of the pen would make drafts that the schema refuses one by one."""
    found = check(parse(ruled("content.person.gendre", from_="Sex")), WORDS)
    assert [(f.rule, f.place) for f in found] == [("unknown_member", "fields.content.person.gendre")]
