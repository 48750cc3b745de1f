"""Rules of a source: conditions that need, forbid or narrow what a member may say."""

from __future__ import annotations

from support.compositions import composed, verdicts


def test_condition_needs_and_forbids() -> None:
    """A rule applies when its condition holds and is silent otherwise."""
    rules = [{"when": {"a": ["red"]}, "need": ["b"]}, {"when": {"a": ["blue"]}, "forbid": ["b"]}]
    schema = composed({"object": {"a": {"code": "colour"}, "b?": {"int": [0, 1]}}, "rules": rules})
    values = ({"a": "red", "b": 0}, {"a": "red"}, {"a": "blue"}, {"a": "blue", "b": 0})
    assert verdicts(schema, *values) == [True, False, True, False]


def test_items_of_a_list_decide_what_a_member_may_say() -> None:
    """A condition may be about one item of a list or about every one; a rule may narrow the values of a member."""
    item = {"object": {"place": {"code": "colour"}}}
    rules = [
        {"when": {"items": {"contains": {"place": ["red"]}}}, "only": {"result": ["red"]}},
        {"when": {"items": {"every": {"place": ["blue"]}}}, "only": {"result": ["blue"]}},
    ]
    schema = composed(
        {"object": {"items": {"list": item, "min": 0, "max": 3}, "result": {"code": "colour"}}, "rules": rules}
    )
    red, blue = {"place": "red"}, {"place": "blue"}
    assert verdicts(schema, *({"items": [blue, red], "result": result} for result in ("red", "blue"))) == [True, False]
    assert verdicts(schema, *({"items": [blue, blue], "result": result} for result in ("red", "blue"))) == [False, True]
    assert verdicts(schema, *({"items": [], "result": result} for result in ("red", "blue"))) == [True, True]


def test_a_list_with_one_item_for_each_code() -> None:
    """In any order; none is left out and none is there twice."""
    item = {"object": {"a": {"code": "colour"}, "b?": {"flag": True}}}
    schema = composed({"object": {"rows": {"list": item, "each": "a"}}})
    one, two = [{"a": code, "b": True} for code in schema["$defs"]["code.colour"]["enum"]]
    rows = ([one, two], [two, one], [one], [one, one], [one, two, one], [one, {"b": True}], [])
    assert verdicts(schema, *({"rows": given} for given in rows)) == [True, True, *[False] * 5]


def test_need_is_met_by_saying_unknown() -> None:
    """What a rule asks for may also be said to be unknown where the object can say so."""
    members = {"a": {"code": "colour"}, "b?": {"text": 5, "category": "needs"}}
    schema = composed({"says_unknown": True, "object": members, "rules": [{"when": {"a": ["red"]}, "need": ["b"]}]})
    assert verdicts(schema, {"a": "red"}, {"a": "red", "unknown": {"b": "unknown"}}) == [False, True]


def test_rule_narrows_the_values_of_a_member() -> None:
    """With `only`, a member that is there has one of the values; where the condition fails it is free."""
    rules = [{"when": {"a": ["red"]}, "only": {"b": [1, 2]}}]
    schema = composed({"object": {"a": {"code": "colour"}, "b?": {"int": [0, 9]}}, "rules": rules})
    values = ({"a": "red", "b": 2}, {"a": "red"}, {"a": "red", "b": 3}, {"a": "blue", "b": 3})
    assert verdicts(schema, *values) == [True, True, False, True]
