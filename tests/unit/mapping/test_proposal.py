"""A mapping file made of a case system's own fields: what is certain is mapped, everything else is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import yaml

from adapters.kit.setup.plan import Configured, Meant, Option, SystemField
from gateway.mapping.check import check, vocabulary
from gateway.mapping.file_format import parse
from gateway.mapping.labels import language_names
from gateway.mapping.proposal import Proposal, propose
from gateway.mapping.to_message import map_record
from gateway.ports import LocalRecord

TODAY = date(2026, 11, 30)
MEANT = (
    Meant(name="number", path="header.case_ref_sender", type="text", always=True, required=True),
    Meant(name="born", path="content.person.birth_date", type="date"),
    Meant(name="sex", path="content.person.gender", type="code", code_list="gender", codes={"f": "Feminine"}),
    Meant(name="from", path="content.person.nationalities[]", type="country", many=True),
)


def option(id: str, **texts: str) -> Option:
    """An option with its texts by language."""
    return Option(id=id, texts=texts)


def of(*fields: SystemField) -> Proposal:
    """The proposal for a case system with these fields."""
    configured = Configured(
        name="office", title="An office", body_type="referral.request/1", fields=fields, meant=MEANT
    )
    return propose(configured, "AL", TODAY)


def rules(proposal: Proposal) -> dict[str, dict[str, Any]]:
    """The rules of the file that was proposed, by path."""
    return dict(yaml.safe_load(proposal.text)["fields"])


SEX = SystemField(
    name="sex",
    sort="choice",
    where="identity",
    options=[option("f"), option("m", fr="Masculin"), option("third", en="Third")],
)


def test_what_is_certain_is_mapped_and_the_rest_is_named():
    """By the name of the field and of the value, by the label of a code in a language; nothing else gets a code."""
    proposal = of(SEX, SystemField(name="shoes", sort="number", where="identity"))
    gender = rules(proposal)["content.person.gender"]
    assert (gender["from"], gender["codes"]) == ("sex", {"f": "Feminine", "m": "Masculine"})
    assert list(gender["values"]) == ["f", "m", "third"]
    assert list(proposal.unread) == ["shoes (number, identity)", "sex: third"]
    assert "#   shoes (number, identity)\n" in proposal.text


def test_what_a_message_needs_and_no_field_gives_is_named():
    """Members, never values: an office sees before its first record what its forms lack."""
    proposal = of(SEX)
    assert {"content.person.pseudonym", "content.legal_status", "content.immediate_risk"} <= set(proposal.lacking)
    assert "content.person.gender" not in proposal.lacking
    assert "#   content.legal_status\n" in proposal.text


def test_the_file_is_one_that_the_reader_takes():
    """Its only faults are the values that it leaves open, and it reads the invented record."""
    proposal = of(SEX, SystemField(name="born", sort="date", where="identity"))
    mapping = parse(yaml.safe_load(proposal.text))
    found = check(mapping, vocabulary(mapping.body_type, language_names()))
    assert [(each.place, each.rule) for each in found] == [
        ("fields.content.person.gender.values.third", "unmapped_code")
    ]
    draft = map_record(mapping, LocalRecord(ref="1", fields=proposal.sample, mapping="office"))
    assert isinstance(draft, dict)
    assert draft["content"]["person"]["gender"] == "Feminine"


def test_a_label_of_one_member_is_certain_and_of_two_fields_is_not():
    """A field of another name with the label of a member, in any language; two with it are for a person."""
    one = SystemField(
        name="n1", sort="choice", where="f", texts={"fr": "Nationalités"}, options=[option("x", en="Albania")]
    )
    assert rules(of(one))["content.person.nationalities[]"]["codes"] == {"x": "AL"}
    two = replace(one, name="n2")
    proposal = of(one, two)
    assert "content.person.nationalities[]" not in rules(proposal)
    assert list(proposal.unread) == ["n1 (choice, f)", "n2 (choice, f)"]


def test_another_sort_of_field_is_not_taken():
    """A text field named as the date of birth is no date."""
    proposal = of(SystemField(name="born", sort="text", where="f", texts={"en": "Date of birth"}))
    assert "content.person.birth_date" not in rules(proposal)
    assert list(proposal.unread) == ["born (text, f)"]


def test_two_values_of_one_code_are_both_left_open():
    """Which distinction may be lost is not decided here; a list of which nothing is sure gets no rule."""
    country = SystemField(
        name="from", sort="choice", where="f", options=[option("al1", en="Albania"), option("al2", fr="Albanie")]
    )
    proposal = of(replace(country, options=[*country.options, option("fr", en="France")]))
    assert rules(proposal)["content.person.nationalities[]"]["codes"] == {"fr": "FR"}
    assert list(proposal.unread) == ["from: al1", "from: al2"]
    proposal = of(country)
    assert "content.person.nationalities[]" not in rules(proposal)
    assert list(proposal.unread) == ["from (choice, f)"]


def test_names_and_values_of_a_stranger_stay_data():
    """What would end a remark or begin a line stands nowhere, and a value is quoted."""
    odd = replace(SEX, options=[option("f"), option("x\nto: me", en="- a: [b")])
    proposal = of(odd, SystemField(name="a\nconstants: {}", sort="text", where="f"))
    assert list(yaml.safe_load(proposal.text)["fields"]["content.person.gender"]["values"]) == ["f", "x\nto: me"]
    assert "constants: {}" not in proposal.text
