"""Properties of batches: each document leads to the signed root, by its own type, bytes, place and path alone."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.batches import proofs
from support.nodes import Seeds

from gateway.errors import RemoteError
from keys.primitives.batch import Proof
from keys.primitives.domains import RECEIPT, STATEMENT
from keys.primitives.encoding import b64u, canon
from keys.primitives.hybrid_keys import SigningKey

KEY = SigningKey.generate(Seeds("batch property"), hybrid=True)
DOCUMENTS = st.lists(st.tuples(st.sampled_from([STATEMENT, RECEIPT]), st.binary(max_size=9)), min_size=1, max_size=128)


def holds(frame: bytes, document: tuple[str, bytes]) -> bool:
    """Whether a frame proves a document under the key."""
    try:
        Proof.parse(frame, *document).batch.verify(KEY.public)
    except RemoteError:
        return False
    return True


@settings(max_examples=40)
@given(DOCUMENTS, st.data())
def test_a_proof_holds_for_its_own_document_and_for_no_other(
    documents: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    """Whichever two are compared, however many there are, also where only type or one byte differs."""
    made = proofs(KEY, *documents)
    one, two = (data.draw(st.integers(0, len(documents) - 1)) for _ in range(2))
    assert holds(made[one].encode(), documents[one])
    assert holds(made[one].encode(), documents[two]) == (documents[one] == documents[two])
    kind, payload = documents[one]
    assert not holds(made[one].encode(), (RECEIPT if kind == STATEMENT else STATEMENT, payload))
    assert not holds(made[one].encode(), (kind, payload + b"\0"))


@settings(max_examples=80)
@given(DOCUMENTS, st.data())
def test_any_other_member_of_a_proof_proves_nothing(documents: list[tuple[str, bytes]], data: st.DataObject) -> None:
    """Random bytes, place, a step of the path, its length and the size of the tree are all part of the proof."""
    made = proofs(KEY, *documents)
    place = data.draw(st.integers(0, len(documents) - 1))
    value: Any = json.loads(made[place].encode())
    path, other = value["path"], b64u(data.draw(st.binary(min_size=32, max_size=32)))
    changed = data.draw(
        st.sampled_from(
            [
                value | {"blind": other},
                value | {"index": (value["index"] + 1) % value["count"] if value["count"] > 1 else 1},
                value | {"path": [*path, other]},
                value | {"path": path[:-1] if path else [other]},
                value | {"path": [other, *path[1:]] if path else [other]},
                value | {"count": 128 if value["count"] != 128 else 1},
                value | {"count": 32, "path": (path * 5)[:5]} if len(path) not in (0, 5) else value | {"count": 8},
            ]
        )
    )
    assert not holds(canon(changed), documents[place])
