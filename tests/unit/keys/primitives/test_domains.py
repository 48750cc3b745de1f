"""The list of labels, contexts and signed types is whole: nothing beside it, and nothing in it that nobody uses."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.house import ROOT, files_of, syntax

from keys.primitives.domains import CONTEXTS, LABELS, RECEIPTS_1, SIGNED, context
from keys.primitives.encoding import h
from keys.primitives.hybrid_keys import SigningKey

KEY = SigningKey(bytes(32))


def modules() -> list[Path]:
    """Every module of the product."""
    return [path for package in ("gateway", "keys", "adapters", "schemas") for path in files_of(package)]


def first_arguments(name: str) -> Iterator[str]:
    """The texts that the product gives a function of this name as its first argument."""
    for path in modules():
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name and node.args:
                yield from (
                    each.value
                    for each in ast.walk(node.args[0])
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def test_every_label_and_context_is_used() -> None:
    """One that nobody uses any more is struck from the list, and the specification with it."""
    assert set(LABELS) <= {*first_arguments("h"), *first_arguments("expand")}
    assert set(CONTEXTS) == set(first_arguments("context"))


def test_no_prefix_is_written_by_hand() -> None:
    """What begins with the prefix of the protocol is made in one place."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in modules()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and node.value.startswith(b"nrm1")
    ]
    assert set(found) == {"keys/primitives/domains.py"}


@pytest.mark.parametrize(
    "use",
    [lambda: h("head", b""), lambda: context("nothing"), lambda: KEY.sign("text/plain", b"")],
    ids=["hash", "context", "signature"],
)
def test_what_is_not_listed_can_not_be_used(use: Callable[[], object]) -> None:
    """A mistake of ours is loud, and never a signature."""
    with pytest.raises(RuntimeError):
        use()


def test_flaw_12_what_is_of_the_first_form_is_signed_no_more() -> None:
    """The lone receipt was never issued and the code could still sign it. What is of the first form is verified only,
    and each type of it has a successor, but for receipts that were signed as one document.
    """
    first = [name for name, each in SIGNED.items() if not each.issued]
    assert {name.replace(".v1+", ".v2+") for name in first} - SIGNED.keys() == {RECEIPTS_1.replace(".v1+", ".v2+")}
    for name in first:
        with pytest.raises(RuntimeError):
            KEY.sign(name, b"{}")


def test_a_type_and_its_payload_have_one_number() -> None:
    """The number in the payload type says the form, and the payload repeats it."""
    for name, each in SIGNED.items():
        assert name == f"application/vnd.{each.payload.replace('/', '.v')}+json"
        assert each.issued == each.payload.endswith("/2")
