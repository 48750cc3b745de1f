"""Units by their names: one place says what each is called, and the id stands where nothing better is known."""

from __future__ import annotations

from typing import Any

import pytest
from support.casework import MESSAGE, answers
from support.consoles import console, person

from gateway.console.pages.messages import render_half
from gateway.console.units import Units
from gateway.console.words import load_words

FR, AL = "n1" + "f" * 32, "n1" + "a" * 32


def unit(peer: str, id: str, name: str, *roles: str) -> dict[str, Any]:
    """One of France, which is this node, or of a peer."""
    node = FR if peer == "FR" else AL
    state = "own" if peer == "FR" else "active"
    return {
        "peer": peer,
        "state": state,
        "node": node,
        "country": peer,
        "unit": id,
        "name": name,
        "kind": None,
        "roles": [*roles],
    }


UNITS = Units(
    [
        unit("FR", "fp", "Point focal", "national_focal_point"),
        unit("AL", "fp", "Zyra", "national_focal_point", "case_manager"),
        unit("AL", "north", "Strehëza"),
        unit("AL", "south", "Strehëza"),
        unit("AL", "odd", "a\u202eb"),
    ],
    load_words("fr"),
)


@pytest.mark.parametrize(
    ("id", "peer", "name"),
    [
        ("fp", None, "Point focal"),
        ("fp", "AL", "Zyra"),
        ("fp", "MA", "fp"),
        ("gone", None, "gone"),
        ("north", "AL", "Strehëza (north)"),
        ("south", "AL", "Strehëza (south)"),
        ("odd", "AL", "a\ufffdb"),
    ],
)
def test_a_unit_is_called_what_its_country_calls_it(id: str, peer: str | None, name: str):
    """The same id means another unit with each node; the id tells apart what is called the same."""
    assert UNITS.name(id, peer) == name


def test_a_unit_of_any_country_is_named_with_its_country():
    """As messages name it; of a node that is not known here nothing is guessed."""
    assert UNITS.reference(f"{AL}/fp") == "Albanie\u00a0: Zyra"
    assert UNITS.reference("n1" + "z" * 32 + "/fp") == "n1" + "z" * 32 + "/fp"
    assert UNITS.references()[0] == (f"{FR}/fp", "France\u00a0: Point focal")
    assert UNITS.of() == [("fp", "Point focal")] and len(UNITS.of("AL")) == 4 and UNITS.of("MA") == []


def test_the_role_of_a_unit_that_has_one():
    """Of several none is chosen."""
    assert UNITS.only_role("fp", body_type="referral.request/1") == "national_focal_point"
    assert UNITS.only_role("fp", "AL", body_type="referral.request/1") is None


def test_a_message_names_the_units_of_both_sides():
    """Sender and recipient may have units of the same id; what the content names is the sender's, or of any country."""
    header = {"sender_unit": "fp", "recipient_unit": "fp", "handling": {"onward_units": [f"{FR}/fp"]}}
    shown = render_half(
        {"type": "referral.accept/1", "header": header}, "header", load_words("fr"), UNITS.named("AL", None)
    )
    values = [part.value for part in shown if part.value]
    assert values == ["Zyra", "Point focal"]
    (handling,) = [part for part in shown if part.parts]
    assert handling.parts[0].parts[0].value == "France\u00a0: Point focal"
    content = {"type": "referral.accept/1", "content": {"lead_unit": "north"}}
    assert render_half(content, "content", load_words("en"), UNITS.named("AL", None))[0].value == "Strehëza (north)"
    assert render_half(content, "content", load_words("en"), UNITS.named(None, "AL"))[0].value == "north"


@pytest.mark.parametrize("path", ["/inbox", "/conversations"])
async def test_lists_show_names_and_keep_the_id_in_the_title(path: str):
    """Of a unit that the directory does not know there is the id alone."""
    named = '<span title="focal-point"><bdi>Point focal</bdi></span>'
    async with console(answers()) as there:
        there.sign_in.sessions["secret"] = person(language="fr")
        seen = await there.get(path)
        assert named in seen.text and "focal-point</bdi>" not in seen.text
        assert ("directory.list", {"language": "fr"}, None) in there.desk.calls
        there.desk.answers["directory.list"] = {"units": []}
        seen = await there.get(path)
        assert named not in seen.text and "<span><bdi>focal-point</bdi></span>" in seen.text


async def test_the_page_of_a_message_names_its_units():
    """By its direction: what came in is from a unit of the peer, to one of ours."""
    listed = [unit("AL", "cellule-nationale", "Zyra", "nrm_coordinator"), unit("FR", "onac", "Foyer")]
    played = {"units": [one | {"contact": "duty"} for one in listed]}
    async with console(answers(directory__list=played)) as there:
        seen = (await there.get(f"/messages/{MESSAGE}?way=in")).text
        assert "<bdi>Zyra</bdi>" in seen and "<bdi>Foyer</bdi>" in seen
        there.desk.answers["message.show"] = there.desk.answers["message.show"] | {"direction": "out"}
        seen = (await there.get(f"/messages/{MESSAGE}?way=out")).text
        assert "<bdi>Zyra</bdi>" not in seen and "<bdi>cellule-nationale</bdi>" in seen
