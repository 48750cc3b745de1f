"""Who gives whom which rights, and when a session is over."""

from __future__ import annotations

import pytest
from support.tables import table

from gateway.access.rules import (
    DEVICE_BOUND,
    IDLE,
    LONGEST,
    PERSONAL,
    check_another,
    check_apart,
    check_gives,
    check_language,
    check_two_people,
    over,
    releases,
    same_name,
    widens,
)
from gateway.errors import Code, Finding, RefusedError
from gateway.operations.roles import OWNER, READS_CONTENT, Caller, Role


@table("giver", Role)
@table("role", PERSONAL)
def test_nobody_gives_what_they_do_not_have(giver: Role, role: Role):
    """What reads content is given by a focal point, the rest by who looks after trust; the others give nothing."""
    wanted = Role.FOCAL_POINT if role in READS_CONTENT else Role.TRUST_ADMIN
    caller = Caller(roles=frozenset({giver}))
    if giver is wanted:
        check_gives(caller, [role])
    else:
        with pytest.raises(RefusedError) as caught:
            check_gives(caller, [role])
        assert caught.value.code is Code.FORBIDDEN
        assert [*caught.value.findings] == [Finding(place="/roles", rule="role", hint=wanted)]


def test_every_role_has_to_be_given():
    """A person of both kinds is invited by one of both kinds, or by the owner of the node."""
    both = [Role.CASE_WORKER, Role.TRUST_ADMIN]
    check_gives(OWNER, both)
    check_gives(Caller(roles=frozenset({Role.FOCAL_POINT, Role.TRUST_ADMIN})), both)
    for one in (Role.FOCAL_POINT, Role.TRUST_ADMIN):
        with pytest.raises(RefusedError):
            check_gives(Caller(roles=frozenset({one})), both)


@table("role", PERSONAL)
def test_a_data_protection_officer_does_nothing_else(role: Role):
    """Alone or with the log; who works on cases, on trust or on the node would watch over their own work."""
    both = frozenset({Role.DATA_PROTECTION_OFFICER, role})
    if role in (Role.DATA_PROTECTION_OFFICER, Role.AUDITOR):
        check_apart(both)
        return
    with pytest.raises(RefusedError, match="no other role") as caught:
        check_apart(both)
    assert caught.value.code is Code.INVALID
    assert [*caught.value.findings] == [Finding(place="/roles", rule="role", hint=role)]


def test_other_roles_go_together():
    """Only the officer stands apart."""
    check_apart(frozenset(PERSONAL) - {Role.DATA_PROTECTION_OFFICER})


def test_nobody_changes_their_own_row():
    """Whatever their roles; a token and the owner are nobody's row."""
    with pytest.raises(RefusedError, match="their own") as caught:
        check_another(Caller(roles=frozenset(Role), person="a"), "a")
    assert caught.value.code is Code.FORBIDDEN
    check_another(Caller(roles=frozenset(Role), person="b"), "a")
    check_another(OWNER, "a")


def test_trust_needs_a_passkey_that_stays():
    """Who looks after trust has one that stays where it is."""
    assert {Role.TRUST_ADMIN} == DEVICE_BOUND


def test_a_session_ends():
    """By rest, and by its age however much it is used."""
    assert over(0, 0, IDLE - 1) is None
    assert over(0, 0, IDLE) == "idle"
    assert over(0, LONGEST - 1, LONGEST - 1) is None
    assert over(0, LONGEST - 1, LONGEST) == "too_long"


@pytest.mark.parametrize("tag", ["fr", "pt-BR", "zh-Hant-TW"])
def test_tags_of_languages(tag: str):
    """Those of BCP 47 that pages have."""
    check_language(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "FR",
        "f",
        "fr_FR",
        "fr-",
        pytest.param("fr\n", id="newline"),
        "../fr",
        pytest.param("ｆｒ", id="wide"),
        "a" * 50,
    ],
)
def test_what_is_no_tag_of_a_language(tag: str):
    """Nothing that could become a path or a header."""
    with pytest.raises(RefusedError) as caught:
        check_language(tag)
    assert caught.value.code is Code.INVALID
    assert [*caught.value.findings] == [Finding(place="/language", rule="pattern", hint="such as fr or pt-BR")]


# --- names --------------------------------------------------------------------------------------------------------

SAME = {
    "case": "eva m.",
    "spaces": "Eva   M. ",
    "a space that does not break": "Eva\u00a0M.",
    "a zero-width space": "Eva\u200b M.",
    "a joiner": "Eva\u200d M.",
    "a soft hyphen": "E\u00adva M.",
    "a mark of direction": "Eva M.\u200f",
    "a byte order mark": "\ufeffEva M.",
    "a grapheme joiner": "Eva\u034f M.",
    "a filler": "Eva M.\u3164",
    "half a filler": "Eva M.\uffa0",
    "a blank of Braille": "Eva M.\u2800",
    "a selector of variants": "Eva\ufe0f M.",
    "a selector of ideographs": "Eva\U000e0100 M.",
    "a tag": "Eva\U000e0041 M.",
    "a selector of Mongolian": "Eva\u180b M.",
    "a control character": "Eva\u0007 M.",
    "a letter of private use": "Eva\ue000 M.",
    "a letter that is none": "Eva\u0378 M.",
    "wide letters": "\uff25va M.",
}


@table("name", SAME.values(), ids=SAME)
def test_names_that_look_alike_are_one(name: str):
    """Neither case nor spaces count, nor what is not seen."""
    assert same_name(name) == "eva m."


@table("name", ["Eva N.", "Eva M. (2)", "Ева М.", "Evá M.", "EvaM."])
def test_names_that_differ_are_two(name: str):
    """A letter, a sign, an accent, another script, a space between words."""
    assert same_name(name) != same_name("Eva M.")


# --- who may release ----------------------------------------------------------------------------------------------

C, F, A = Role.CASE_WORKER, Role.FOCAL_POINT, Role.AUDITOR


@pytest.mark.parametrize(
    ("roles", "may"), [([], False), ([A], False), ([A, Role.OPERATOR], False), ([A, C], True), ([F], True)]
)
def test_who_may_release(roles: list[Role], may: bool):
    """Who works on cases, whatever else they do."""
    assert releases(roles) is may


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (([A], None), ([C], None), True),
        (([C], None), ([C, F], None), True),
        (([C], None), ([F], None), True),
        (([C, F], None), ([C], None), False),
        (([C], None), ([C], "a"), False),
        (([C], "a"), ([C], None), True),
        (([C], "a"), ([C], "b"), True),
        (([C], "a"), ([A], None), False),
        (([A], "a"), ([A], None), False),
        (([C], None), ([C, A], None), False),
    ],
)
def test_what_lets_somebody_release_more(before, after, more: bool):
    """Another role that may, or another unit; less, and what releases nothing, is quick."""
    assert widens(*before, *after) is more


@pytest.mark.parametrize(("first", "second"), [("", ""), ("a", ""), ("", "ab"), ("a", "a")])
def test_people_who_are_not_two(first: str, second: str):
    """Nobody vouches for one of them, or one administrator for both."""
    for one, other in ((first, second), (second, first)):
        with pytest.raises(RefusedError, match="nothing was released") as caught:
            check_two_people(frozenset(one), frozenset(other))
        assert caught.value.code is Code.CONFLICT
        assert "trm person vouch" in caught.value.hint


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("ab", "a"), ("ab", "ab")])
def test_people_who_are_two(first: str, second: str):
    """Together two administrators vouch for them."""
    check_two_people(frozenset(first), frozenset(second))
    check_two_people(frozenset(second), frozenset(first))
