"""Labels in a language: found, missing or a draft, never another language's; a wrong file is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Code, RefusedError
from schemas import code_list, code_lists
from schemas.label_subjects import collect_subjects
from schemas.labels import (
    DRAFT,
    REVIEWED,
    Label,
    Labels,
    find_label_faults,
    find_language,
    load_labels,
    load_languages,
    read_labels,
)

REQUEST = "referral.request/1"
AGE = "/content/person/age_group"


def file(lang: str = "fr", **sections: Any) -> dict[str, Any]:
    """A label file with a few labels."""
    return {"language": lang, "status": REVIEWED, **sections}


FRENCH = file(
    lists={"priority": {"title": "Urgence", "codes": {"normal": "Orientation prévue"}}},
    messages={"referral.request": "Demande"},
    meanings={"who met the person": "qui a accueilli la personne"},
    fields={"age_group": "Tranche d'âge", "referral.request:person.age_group": "Âge", "priority": "Délai"},
)


def test_the_languages_of_the_corridors_are_there() -> None:
    """Nine of them; each has its own words, and Arabic alone runs from right to left."""
    assert set(load_languages()) >= {"en", "fr", "el", "it", "pl", "es", "sq", "ar", "uk"}
    assert [lang for lang, spoken in load_languages().items() if spoken.direction == "rtl"] == ["ar"]
    for spoken in load_languages().values():
        assert all((spoken.name, spoken.yes, spoken.no, spoken.no_label, spoken.unknown_code, spoken.unknown_field))
        assert len({spoken.no_label, spoken.unknown_code, spoken.unknown_field, spoken.draft}) == 4


@pytest.mark.parametrize("lang", ["xx", "../codes/gender", "EN", ""])
def test_a_language_that_is_not_known_is_refused(lang: str) -> None:
    """Every way in asks the table first, so that no word of a caller becomes a file name."""
    for ask in (
        find_language,
        load_labels,
        lambda word: find_label_faults(word, {}),
        lambda word: read_labels(word, {}),
    ):
        with pytest.raises(RefusedError) as caught:
            ask(lang)
        assert caught.value.code == Code.NOT_FOUND


def test_a_label_is_found_by_list_code_message_and_field() -> None:
    """Each look-up gives the text of the file."""
    french = read_labels("fr", FRENCH)
    assert french.title("priority").text == "Urgence"
    assert french.code("priority", "normal").text == "Orientation prévue"
    assert french.message(REQUEST).text == "Demande"
    assert french.field(REQUEST, "/header/priority").text == "Délai"
    assert french.meaning("who met the person").text == "qui a accueilli la personne"
    assert french.meaning("what is needed at once").missing


def test_a_label_of_one_place_stands_before_that_of_the_name() -> None:
    """The place is told with its type; items of lists and other types keep the label of the name."""
    french = read_labels("fr", FRENCH)
    assert french.field(REQUEST, AGE).text == "Âge"
    assert french.field(REQUEST, "/content/household/*/age_group").text == "Tranche d'âge"
    assert french.field("enquiry.capacity/1", "/content/age_group").text == "Tranche d'âge"


def test_a_place_in_the_header_is_told_with_header() -> None:
    """A member that header and content both have can be told apart."""
    told = read_labels("fr", file(fields={"referral.accept:header.case_ref_recipient": "A", "case_ref_recipient": "B"}))
    assert told.field("referral.accept/1", "/header/case_ref_recipient").text == "A"
    assert told.field("referral.accept/1", "/content/case_ref_recipient").text == "B"


def test_the_place_of_an_item_may_be_counted() -> None:
    """A pointer into a document finds the same label as one into a schema."""
    told = read_labels("fr", file(fields={"referral.request:household.relation": "Lien"}))
    for item in ("*", "0", "12"):
        assert told.field(REQUEST, f"/content/household/{item}/relation").text == "Lien"


def test_what_is_not_there_is_missing_and_not_english() -> None:
    """Every look-up says so, and a missing label is no draft."""
    french = read_labels("fr", FRENCH)
    answers = [
        french.title("gender"),
        french.code("gender", "Feminine"),
        french.code("priority", "urgent"),
        french.code("priority", "no_such_code"),
        french.message("referral.accept/1"),
        french.message("no.such/1"),
        french.field(REQUEST, "/content/summary"),
    ]
    assert answers == [Label(text=None, draft=False)] * len(answers)
    assert all(answer.missing for answer in answers)


def test_a_language_without_a_file_has_no_status_and_no_label() -> None:
    """What nobody has begun is missing whole, as in a file without labels."""
    unbegun = Labels(language=find_language("fr"), file={})
    assert unbegun.status is None
    assert unbegun.lacking() == read_labels("fr", file()).lacking()
    assert len(unbegun.lacking()) == expected_labels()


def expected_labels() -> int:
    """How many labels a language other than English has when it is complete."""
    wanted = collect_subjects()
    return (
        sum(1 + len(codes) for codes in wanted.lists.values())
        + len(wanted.messages)
        + len(wanted.fields)
        + len(wanted.meanings)
    )


@pytest.mark.parametrize(("said", "draft"), [(DRAFT, True), (REVIEWED, False)])
def test_a_label_says_whether_it_is_a_draft(said: str, draft: bool) -> None:
    """The status of the file is that of each of its labels."""
    told = read_labels("fr", {**FRENCH, "status": said})
    assert told.status == said
    assert told.message(REQUEST) == Label(text="Demande", draft=draft)
    assert told.code("priority", "normal").draft is draft


def test_english_has_the_labels_of_the_code_lists() -> None:
    """They stand with the codes, with the status of the list."""
    english = load_labels("en")
    for name in code_lists():
        listed = code_list(name)
        draft = listed.label_status["en"] == DRAFT
        assert english.title(name) == Label(text=listed.title["en"], draft=draft)
        told = [english.code(name, entry.code) for entry in listed.codes]
        assert told == [Label(text=entry.labels["en"], draft=draft) for entry in listed.codes]
    assert english.code("priority", "no_such_code").missing


def test_what_is_lacking_is_named_by_its_place() -> None:
    """A label that is written is not lacking, one that is taken away is."""
    place, code = "/fields/priority", "/lists/priority/codes/normal"
    lacking = read_labels("fr", FRENCH).lacking()
    assert place not in lacking and code not in lacking
    assert "/lists/priority/codes/urgent" in lacking and "/messages/referral.accept" in lacking
    assert place in read_labels("fr", {**FRENCH, "fields": {}}).lacking()


BAD: list[tuple[str, object, str]] = [
    ("language", "de", "enum"),
    ("status", "done", "enum"),
    ("fields", [], "type"),
    ("fields", {"no_such_member": "x"}, "unknown_name"),
    ("fields", {"referral.request:person.no_such_member": "x"}, "unknown_name"),
    ("fields", {"referral.request/1:summary": "x"}, "unknown_name"),
    ("fields", {"referral.request:person.unknown.gender": "x"}, "unknown_name"),
    ("fields", {"summary": 1}, "type"),
    ("fields", {"summary": None}, "type"),
    ("fields", {"summary": ""}, "label"),
    ("fields", {"summary": " x"}, "label"),
    ("fields", {"summary": "x\ny"}, "label"),
    ("fields", {"summary": "x" * 201}, "label"),
    ("fields", {"summary": "e\u0301"}, "text_nfc"),
    ("fields", {"summary": "x\u202ey"}, "text_bidi"),
    ("messages", {"referral.request/1": "x"}, "unknown_name"),
    ("messages", "x", "type"),
    ("meanings", {"who met her": "x"}, "unknown_name"),
    ("meanings", {"who met the person": "x" * 401}, "label"),
    ("meanings", {"who met the person": ["x"]}, "type"),
    ("lists", {"no_such_list": {}}, "unknown_name"),
    ("lists", {"gender": []}, "type"),
    ("lists", {"gender": {"label": "x"}}, "unknown_name"),
    ("lists", {"gender": {"codes": {"no_such_code": "x"}}}, "unknown_name"),
    ("lists", {"gender": {"codes": {"Feminine": {}}}}, "type"),
    ("lists", {"gender": {"title": 1}}, "type"),
    ("words", {}, "unknown_name"),
]


@pytest.mark.parametrize(("section", "value", "rule"), BAD, ids=[f"{place}-{rule}" for place, _, rule in BAD])
def test_a_wrong_file_is_refused_with_the_place(section: str, value: object, rule: str) -> None:
    """One fault, found at its place below the section, and nothing of the file is used."""
    wrong = {**FRENCH, section: value}
    found = find_label_faults("fr", wrong)
    assert [fault.rule for fault in found] == [rule]
    assert found[0].place.startswith(f"/{section}") and found[0].hint
    with pytest.raises(RefusedError, match="nothing of it is used") as caught:
        read_labels("fr", wrong)
    assert caught.value.findings == found


@pytest.mark.parametrize("name", ["language", "status"])
def test_a_file_says_its_language_and_status(name: str) -> None:
    """Neither may be left out."""
    found = find_label_faults("fr", {key: value for key, value in FRENCH.items() if key != name})
    assert [(fault.place, fault.rule) for fault in found] == [(f"/{name}", "required")]


def test_a_file_is_an_object() -> None:
    """Anything else is one fault at the root."""
    assert [(fault.place, fault.rule) for fault in find_label_faults("fr", [])] == [("", "type")]


def test_english_has_no_lists_and_meanings_of_its_own() -> None:
    """There is one place for the English label of a code, and for what a field means."""
    assert [fault.place for fault in find_label_faults("en", {**FRENCH, "language": "en"})] == ["/lists", "/meanings"]
    assert load_labels("en").meaning("who met the person").text == "who met the person"
    assert load_labels("en").meaning("who met her").missing


def test_a_good_file_has_no_fault() -> None:
    """Also with the typography of its language: no-break spaces and the joiners and letters of its script."""
    assert find_label_faults("fr", FRENCH) == ()
    assert find_label_faults("fr", file(fields={"summary": "Résumé\u00a0: l\u2019essentiel"})) == ()
    assert find_label_faults("ar", file("ar", fields={"summary": "ملخص"})) == ()
