"""Code lists: the same codes as the design and the protocol, each with its English label, nothing guessed."""

from __future__ import annotations

import json
import re

import pytest
from support.shared import shared
from support.tables import table

from gateway.errors import WIRE_CODES, Code, RefusedError
from schemas import code_list, code_lists, list_fields, load_catalogue


@table("name", code_lists())
def test_list_is_complete(name: str) -> None:
    """Every list has a source, a status, unique codes and an English label for each; other languages are elsewhere."""
    found = code_list(name)
    codes = [entry.code for entry in found.codes]
    assert len(set(codes)) == len(codes) > 1
    assert found.source and set(found.title) == set(found.label_status) == {"en"}
    for entry in found.codes:
        assert re.fullmatch(r"[A-Za-z0-9_]{1,64}", entry.code)
        assert set(entry.labels) == {"en"} and entry.labels["en"]
    assert set(found.label_status.values()) <= {"draft", "reviewed"}


def test_codes_equal_the_design() -> None:
    """A list that the design's catalogue also has begins with exactly its codes, in its order; new ones follow."""
    design = json.loads(shared("data/trm_catalogue.json").read_text())["codelists"]
    both = set(design) & set(code_lists())
    assert len(both) >= 15
    for name in both:
        designed = [code["code"] for code in design[name]["codes"]]
        assert designed == [entry.code for entry in code_list(name).codes][: len(designed)], name


def test_every_list_is_used_or_documented() -> None:
    """No list is dead: a message uses it, or it belongs to the receipts."""
    used = {field.codes for entry in load_catalogue().types for field in list_fields(entry.body_type)}
    assert {"receipt_status", "wire_code"} == set(code_lists()) - used


def test_wire_codes_equal_the_closed_set() -> None:
    """The list of refusal codes for other implementers is the set the code knows."""
    assert {code.value for code in WIRE_CODES} == {entry.code for entry in code_list("wire_code").codes}


def test_the_label_of_an_unknown_code_is_the_code() -> None:
    """A code shows its English label; one that the list does not have shows itself."""
    priority = code_list("priority")
    assert priority.label("normal") == "Planned referral"
    assert priority.label("whenever") == "whenever"
    assert "normal" in priority and "whenever" not in priority


def test_unknown_list_is_refused() -> None:
    """A list that does not exist is an error, also when its name tries to leave the folder."""
    for name in ("no_such_list", "../catalogue"):
        with pytest.raises(RefusedError) as caught:
            code_list(name)
        assert caught.value.code == Code.NOT_FOUND


def test_own_categories_are_categories() -> None:
    """A code with a category of its own names a real one."""
    real = {entry.code for entry in code_list("data_category").codes}
    own = {entry.category for name in code_lists() for entry in code_list(name).codes if entry.category}
    assert own and own <= real
