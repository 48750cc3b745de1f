"""Arguments are read by their model; a fault names the argument and the rule, never the value."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.operations.actors import AttestedUser, UserRef
from gateway.operations.ids import ConsentId, ConversationId, MessageId, PeerId, Subject, list_ids
from gateway.operations.models import Asked, Flag, Limit, Object, OneOf, Text, Unread, read_arguments

CANARY = "Tulpe-7391"


class Inner(Asked):
    """An object in an object."""

    conversation: ConversationId | None = None
    kids: list[Text] = Field(default_factory=list)


class Example(Asked):
    """Members of every kind."""

    id: MessageId
    user: UserRef = "u-7"
    peer: PeerId | None = None
    limit: Limit = 50
    sure: Flag = False
    state: Annotated[str, OneOf("failed", "held")] | None = None
    content: Object = Field(default_factory=dict)
    inner: Inner | None = None
    messages: list[MessageId] | None = None
    judged: Unread[ConsentId | None] = None


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({"id": None}, "/id", "a text of 1 to 4000 characters is needed here"),
    "empty": ({"id": ""}, "/id", "a text of 1 to 4000 characters is needed here"),
    "too long": ({"user": CANARY * 7}, "/user", "a text of 1 to 64 characters is needed here"),
    "no text": ({"peer": 7}, "/peer", "a text of 1 to 4000 characters is needed here"),
    "lower than 0": ({"limit": -1}, "/limit", "a whole number from 0 to 500 is needed here"),
    "larger": ({"limit": "501"}, "/limit", "a whole number from 0 to 500 is needed here"),
    "no digits": ({"limit": CANARY}, "/limit", "a whole number from 0 to 500 is needed here"),
    "a flag for a number": ({"limit": True}, "/limit", "a whole number from 0 to 500 is needed here"),
    "a word for a flag": ({"sure": CANARY}, "/sure", "true or false is needed here"),
    "a number for a flag": ({"sure": 1}, "/sure", "true or false is needed here"),
    "no such word": ({"state": CANARY}, "/state", "one of failed, held is needed here"),
    "no object": ({"content": [CANARY]}, "/content", "an object is needed here"),
    "no list": ({"messages": CANARY}, "/messages", "a list is needed here"),
    "in a list": ({"messages": ["a", 7]}, "/messages/1", "a text of 1 to 4000 characters is needed here"),
    "in an object": ({"inner": {"kids": [7]}}, "/inner/kids/0", "a text of 1 to 4000 characters is needed here"),
}


@table("name", FAULTS)
def test_a_fault_is_told_by_place_and_rule(name: str):
    """And by what is needed there; the value is nowhere in the refusal."""
    wrong, place, hint = FAULTS[name]
    with pytest.raises(RefusedError) as refused:
        read_arguments(Example, {"id": "m"} | wrong)
    assert refused.value.code is Code.INVALID
    assert [(f.place, f.rule, f.hint) for f in refused.value.findings] == [(place, "type", hint)]
    argument = place.split("/")[1]
    assert refused.value.what == f"the argument {argument} is missing or wrong; nothing was changed"
    assert CANARY not in repr(refused.value) + str(refused.value) + repr(refused.value.__context__)


def test_what_is_left_out_is_missing():
    """Each needed argument that is not there is a finding."""
    with pytest.raises(RefusedError, match="the argument id is missing or wrong"):
        read_arguments(Example, {})


def test_an_unknown_argument_is_refused():
    """A misspelt one would otherwise be ignored; those that are known are told, and what was given is not."""
    with pytest.raises(RefusedError, match="an argument is not known here") as refused:
        read_arguments(Inner, {CANARY: 1})
    (finding,) = refused.value.findings
    assert (finding.place, finding.rule, finding.hint) == (
        "",
        "additionalProperties",
        "known are: conversation, kids",
    )


def test_an_unknown_member_is_refused():
    """Also in an object, at the place of that object."""
    with pytest.raises(RefusedError, match="the argument inner is missing or wrong") as refused:
        read_arguments(Example, {"id": "m", "inner": {CANARY: 1}})
    (finding,) = refused.value.findings
    assert (finding.place, finding.rule) == ("/inner", "additionalProperties")


def test_a_query_has_text_only():
    """Digits are a whole number, `true` and `false` a flag."""
    asked = read_arguments(Example, {"id": "m", "limit": "7", "sure": "true"})
    assert (asked.limit, asked.sure) == (7, True)
    assert read_arguments(Example, {"id": "m", "sure": "false"}).sure is False


def test_every_id_is_found():
    """In lists and objects, and where something else judges the member, with what it is the id of."""
    asked = read_arguments(
        Example,
        {"id": "m1", "peer": "AL", "inner": {"conversation": "k"}, "messages": ["m2", "m3"], "judged": "c"},
    )
    assert list(list_ids(asked)) == [
        (Subject.MESSAGE, "m1"),
        (Subject.PEER, "AL"),
        (Subject.CONVERSATION, "k"),
        (Subject.MESSAGE, "m2"),
        (Subject.MESSAGE, "m3"),
        (Subject.CONSENT, "c"),
    ]
    assert list(list_ids(read_arguments(Example, {"id": "m", "judged": 7}))) == [(Subject.MESSAGE, "m")]


@table(
    "value",
    [
        "Ana\nBerisha",
        "Ana\r",
        "a\tb",
        "\u202eanA",
        "An\u200ba",
        "Ana\u2028B",
        "Ana\x00",
        "\u2066Ana\u2069",
        "\ufeffAna",
        "A\x1b[2J",
    ],
)
def test_a_user_of_a_case_system_is_one_line(value):
    """What would break a line, turn it round or hide in it is no reference to a user."""
    with pytest.raises(RefusedError) as caught:
        read_arguments(AttestedUser, {"by": value})
    assert [(finding.place, finding.rule) for finding in caught.value.findings] == [("/by", "pattern")]


@table("value", ["Ana B.", "Erë Ñ.", "Олена Ґ.", "آنا", "w-117"])
def test_users_of_all_scripts_are_users(value):
    """A reference keeps its letters."""
    assert read_arguments(AttestedUser, {"by": value}).by == value
