"""keys.keystore.calls: the table of the key service covers all that a node may ask, and nothing is lost on the way."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from support.batches import by
from support.nodes import NOW, Node, refused
from support.tables import table

from gateway.errors import Code, RefusedError, RemoteError, TransientError
from gateway.identity.node_keys import NodeKeys
from keys.documents.key_records import Use
from keys.keystore.calls import (
    FAULT,
    HELLO,
    KEYD_PROTOCOL,
    METHODS,
    STANDING_MEMBERS,
    Answer,
    Hello,
    KeyServiceStatus,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from keys.keystore.destructible.secret import Place
from keys.keystore.key_changes import AddKey, DestroyAllEnc, RenewEnc
from keys.keystore.remote import RemoteKeys
from keys.keystore.service import KeyInfo, KeyService
from keys.keystore.steps import Step
from keys.primitives.domains import KEYSET, RECEIPT, STATEMENT
from keys.primitives.encoding import lp_join

STANDING = KeyServiceStatus(
    node="n1" + "a" * 32,
    machine="0" * 16,
    step=7,
    mark=b"m" * 16,
    place=Place.TPM,
    sig_kid="k" * 22,
    http_kid=None,
    may_speak=True,
    epoch=3,
    epoch_made=NOW,
    old_epochs=(2,),
    gen=9,
)


STEP = Step(n=8, before=b"b" * 16, mark=b"m" * 16, sealed=b"sealed")


def members(protocol: type) -> set[str]:
    """What an interface names, its parents included."""
    return {name for name in dir(protocol) if not name.startswith("_")}


def test_everything_a_node_may_ask_is_in_the_table() -> None:
    """Each method of the interface has its row, each property stands in `KeyServiceStatus`; one more is for the
    listener.
    """
    asked = members(KeyService) | members(NodeKeys)
    assert asked == (METHODS.keys() | STANDING_MEMBERS) - {"tls_secrets"} | {"each"}
    assert not METHODS.keys() & STANDING_MEMBERS


@table("name", METHODS)
def test_a_row_has_the_arguments_of_its_method(name: str) -> None:
    """The client's method takes as many arguments as the row says, under the names of the interface."""
    ours = [*inspect.signature(getattr(RemoteKeys, name)).parameters]
    assert len(ours) == 1 + len(METHODS[name].takes)
    if name != "tls_secrets":
        assert ours == [*inspect.signature(getattr(NodeKeys, name)).parameters]


REQUESTS: list[tuple[str, tuple[Any, ...]]] = [
    ("sign", (KEYSET, b"\0payload")),
    ("sign_batch", (((STATEMENT, b"\0payload"), (RECEIPT, b"")),)),
    ("unwrap", (b"", 2**40, b"w")),
    ("rewrap", (((b"a", 1, b"x"), (b"b", 2, b"")),)),
    ("rewrap", ((),)),
    ("change", (RenewEnc(NOW, ("gateway", "org-1")),)),
    ("change", (DestroyAllEnc(),)),
    ("propose", (AddKey(Use.SIG, NOW),)),
    ("follow", ((STEP, STEP),)),
    ("activate", ((Node("a").first(),), NOW)),
]


@pytest.mark.parametrize(("name", "arguments"), REQUESTS, ids=lambda value: value if isinstance(value, str) else None)
def test_a_request_comes_out_as_it_went_in(name: str, arguments: tuple[Any, ...]) -> None:
    """Arguments of every kind."""
    assert decode_request(encode_request(name, arguments)) == (name, arguments)


RESULTS: list[tuple[str, Any]] = [
    ("wrap", (b"d" * 32, 4, b"w")),
    ("rewrap", (b"", None, b"w")),
    (
        "listing",
        (KeyInfo(use="enc", kid="k", made=NOW, current=True), KeyInfo(use="s", kid="", made=-1, current=False)),
    ),
    ("sign", Node("a").keyset(Node("a").first()).signatures[0]),
    ("sign_batch", by(Node("a").sig)([(STATEMENT, b"1")])),
    ("sign_batch", by(Node("a").sig)([(STATEMENT, b"1"), (RECEIPT, b"2")])),
    ("public", (Node("a").sig.public, Node("a").http.public)),
    ("enc_public", (Node("a").enc_key(),)),
    ("change", ("DestroyEnc", ("k" * 22,))),
    ("change", ("FinishEpoch", None)),
    ("change", ("RenewEnc", False)),
    ("propose", (STEP, ("AddKey", Node("a").sig.public))),
    ("propose", (None, ("BeginEpoch", 2))),
    ("follow", None),
]


@pytest.mark.parametrize(("name", "result"), RESULTS, ids=lambda value: value if isinstance(value, str) else None)
def test_a_result_comes_out_as_it_went_in(name: str, result: Any) -> None:
    """Results of every kind; what changes something also tells how the keys stand then."""
    answer = Answer(result=result, standing=STANDING if METHODS[name].changes else None)
    assert decode_answer(name, encode_answer(name, answer)) == answer


@pytest.mark.parametrize("family", [RefusedError, RemoteError, TransientError])
@pytest.mark.parametrize("name", ["unwrap", "activate"])
def test_of_an_error_the_family_and_the_code_travel(name: str, family: Any) -> None:
    """Its text does not: it could hold what was handled."""
    standing = STANDING if METHODS[name].changes else None
    data = encode_answer(name, Answer(error=family(Code.NO_KEY, "secret words", hint="more"), standing=standing))
    assert b"secret" not in data and b"more" not in data
    got = decode_answer(name, data)
    assert type(got.error) is family and got.error.code is Code.NO_KEY and got.standing == standing


def test_a_fault_is_not_described() -> None:
    """What broke inside the key service is a fault here too."""
    with pytest.raises(RuntimeError, match="failed at sign"):
        decode_answer("sign", FAULT)


def test_the_greeting() -> None:
    """Comes out as it went in."""
    hello = Hello(protocol=KEYD_PROTOCOL, life=b"l" * 16, alone=True, standing=STANDING)
    assert HELLO.read(HELLO.write(hello)) == hello


BAD = {
    "nothing": b"",
    "no frame": b"sign",
    "a method that is not in the table": lp_join(b"__class__"),
    "a property": lp_join(b"node"),
    "not the method of the file": lp_join(b"restore", b"x"),
    "an argument too few": lp_join(b"sign", b"x"),
    "an argument too many": lp_join(b"index", b"x", b"y"),
    "a number of seven bytes": lp_join(b"change", lp_join(b"BeginEpoch", b"1234567")),
    "no text": lp_join(b"change", lp_join(b"RemoveKey", b"\xff")),
    "no use of a key": lp_join(b"public", b"root2"),
    "no descriptor": lp_join(b"activate", b"{}", b"12345678"),
    "cut short": lp_join(b"index", b"x")[:-1],
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_request_is_refused(fault: str) -> None:
    """One fault each."""
    with refused(Code.MALFORMED):
        decode_request(BAD[fault])
