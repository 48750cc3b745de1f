"""How rules about the items of a list, a limit of members and values of several types are told in words."""

from __future__ import annotations

from schemas import load_catalogue
from schemas.describing import members as describe
from schemas.describing.rules import describe_rules


def sentences(name: str) -> set[str]:
    """The rules of a type as sentences, wherever they stand."""
    return {rule.text for rule in describe_rules(name)}


def test_condition_on_one_item_is_told() -> None:
    """A rule that looks for one item of a list says so, with all that the item has to meet."""
    told = "If `places` has an item where `done` is `erased`, `result` can only be `erased` or `partly_erased`."
    assert told in sentences("erasure.confirmation/1")
    both = "`journal`, `mailbox` or `paper` and `done` is `due` or `unknown`"
    assert any(both in sentence for sentence in sentences("erasure.confirmation/1"))


def test_condition_on_every_item_is_told() -> None:
    """A rule about all items of a list does not read like one about a single item."""
    told = "If each item of `places` is one where `done` is `not_held`, `result` can only be `not_held`."
    assert told in sentences("erasure.confirmation/1")


def test_only_value_of_a_list_is_told() -> None:
    """A list that may hold one thing alone is written as that list."""
    told = 'If `asked_action` has `none`, `asked_action` can only be `["none"]`.'
    assert told in sentences("safety.alert/1")


def test_kinds_of_members_are_told() -> None:
    """An object with a limit of members and a value of several types have a kind of their own."""
    kinds = {
        row.place: row.kind
        for name in ("stats.submission/1", "data.correction/1")
        for row in describe.describe_members(name)
    }
    assert kinds["/content/cells/*/key"] == "object, at most 3 members"
    assert kinds["/content/new_value"] == "text of at most 2000 characters, whole number, true or false"


def test_every_type_can_be_told() -> None:
    """No message type has a rule or a member in a form for which there are no words."""
    for entry in load_catalogue().types:
        assert describe.describe_members(entry.body_type), entry.body_type
        assert all(sentence.endswith(".") for sentence in sentences(entry.body_type)), entry.body_type
