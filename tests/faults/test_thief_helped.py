"""Faults of the product that help a thief or a liar: the walks with both of them have to find each.

The machine is that of `property/test_thief_and_liar_property.py`, without its last step of making a failure small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support import robbed_promises
from support.robbed_nodes import found_anew
from support.robbed_walks import MET, WALKS, Robbed

from gateway.audit import witness
from gateway.delivery.inbound import rules, steps
from gateway.delivery.outbound import departure_steps
from gateway.evidence import verify_log_part, weighing
from gateway.messages import answers
from gateway.messages.store import links
from gateway.peers import signatures
from gateway.trust.link_reset import decisions
from gateway.trust.link_reset.protocol import LinkReset
from keys.documents import descriptor_chain, fingerprint, statement
from keys.documents.statement import link_hash
from keys.keystore.destructible.file import SecretInFile
from keys.keystore.keyring import Keyring
from keys.primitives import hybrid_keys

MOST = 1_000
"""Walks in which a fault has to be found."""
Patch = Callable[[pytest.MonkeyPatch], None]


def links_name_no_content(patch: pytest.MonkeyPatch) -> None:
    """The link hash leaves out the commitment."""
    patch.setattr(statement, "link_hash", lambda **named: link_hash(**{**named, "commit": None}))


def signatures_name_no_type(patch: pytest.MonkeyPatch) -> None:
    """What is signed is the payload, whatever its type."""
    patch.setattr(hybrid_keys, "pae", lambda _, payload: payload)


def signatures_name_no_key(patch: pytest.MonkeyPatch) -> None:
    """A signature whose second half is another one verifies."""
    patch.setattr(hybrid_keys, "verify_mldsa65", lambda *_: None)


def one_root_is_enough(patch: pytest.MonkeyPatch) -> None:
    """The threshold of roots is not counted."""
    patch.setattr(descriptor_chain, "_require", lambda *_: None)


def digits_come_without_a_version(patch: pytest.MonkeyPatch) -> None:
    """Two people compare the fingerprints of roots alone."""
    plain = fingerprint.pair_code
    patch.setattr(robbed_promises, "pair_code", lambda *sides: plain(*(side._replace(version=1) for side in sides)))


def revocations_reach_everything(patch: pytest.MonkeyPatch) -> None:
    """A revocation counts as published before all that it voids."""
    plain = weighing.published_at
    patch.setattr(weighing, "published_at", lambda *given: None if plain(*given) is None else 0)


def revocations_are_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    """Evidence does not ask whether a key was revoked."""
    patch.setattr(weighing, "revocation_of", lambda *_: None)


def stolen_witnesses_count(patch: pytest.MonkeyPatch) -> None:
    """A cosignature counts by whatever key of its witness."""
    patch.setattr(verify_log_part, "revocation_of", lambda *_: None)


def witnesses_cosign_anything(patch: pytest.MonkeyPatch) -> None:
    """A witness does not look at the proof that a tree begins with the one before."""
    patch.setattr(witness, "is_consistent", lambda *_: True)


def logs_are_anybodys(patch: pytest.MonkeyPatch) -> None:
    """A checkpoint counts whoever signed it."""
    patch.setattr(witness, "open_checkpoint", lambda note, *_: witness.Checkpoint.parse(note.text))


def requests_are_anybodys(patch: pytest.MonkeyPatch) -> None:
    """An http signature is not verified."""
    patch.setattr(signatures, "_verifies", lambda *_: True)


def receipts_are_anybodys(patch: pytest.MonkeyPatch) -> None:
    """Whoever answers tells for whoever it names."""

    def verified(value: Any, **_: Any) -> Any:
        return answers.SignedReceipts.from_json(value)

    patch.setattr(answers, "_verified", verified)


def contents_are_anything(patch: pytest.MonkeyPatch) -> None:
    """A body is not compared with what was signed."""
    patch.setattr(steps, "_check_commitment", lambda _: None)


def contents_are_in_the_clear(patch: pytest.MonkeyPatch) -> None:
    """The content of an envelope is not sealed."""
    patch.setattr(departure_steps, "seal_content", lambda _, __, inner: inner)
    patch.setattr(steps, "aead_open_content", lambda _, __, ct: ct)


def numbers_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A number that was used can be used again."""
    patch.setattr(links, "use", lambda *_: None)


def epochs_begin_by_themselves(patch: pytest.MonkeyPatch) -> None:
    """A sender may say which epoch it is."""
    plain = rules.judge

    def judge(view: Any, **said: Any) -> Any:
        return plain(replace(view, epoch=said["epoch"]), **said)

    patch.setattr(rules, "judge", judge)


def resets_need_nobody(patch: pytest.MonkeyPatch) -> None:
    """A request to begin a link anew is carried out as it comes."""

    async def take_offer(self: LinkReset, peer: Any, data: bytes) -> Any:
        view = await offered(self, peer, data)
        reset, _ = decisions.read_reset(data)
        await self._store.move(lambda c: decisions.start_anew(c, peer.node, reset.epoch))
        return view

    offered = LinkReset.take_offer
    patch.setattr(LinkReset, "take_offer", take_offer)


def seeds_are_kept(patch: pytest.MonkeyPatch) -> None:
    """A seed is said to be destroyed and stays."""
    patch.setattr(Keyring, "without_enc", lambda self, _: self)


def old_secrets_are_kept(patch: pytest.MonkeyPatch) -> None:
    """The secret of the generation before stays beside the new one."""
    patch.setattr(SecretInFile, "destroy", lambda *_: None)


SOON: dict[Patch, str] = {
    contents_are_in_the_clear: "can be read on the wire",
    signatures_name_no_type: "DID NOT RAISE|refused by the stranger",
    seeds_are_kept: "was destroyed",
}
"""What the very first walks come to: the short form; and what the walk that finds it says."""
LATER: dict[Patch, str] = {
    links_name_no_content: "another content stands|warns of something else",
    signatures_name_no_key: "DID NOT RAISE",
    one_root_is_enough: "DID NOT RAISE|fewer than its roots",
    digits_come_without_a_version: "DID NOT RAISE",
    revocations_reach_everything: "voided what had been witnessed",
    revocations_are_not_asked_for: "a thief framed the owner|an honest node is named",
    stolen_witnesses_count: "a witness counts whose key",
    witnesses_cosign_anything: "do not fit together",
    logs_are_anybodys: "had the log of another node cosigned",
    requests_are_anybodys: "was heard as|DID NOT RAISE",
    receipts_are_anybodys: "a receipt|DID NOT RAISE",
    contents_are_anything: "did not sign|does not verify",
    numbers_are_forgotten: "two contents|accepted twice",
    epochs_begin_by_themselves: "does not follow|a message passed in an epoch",
    resets_need_nobody: "without people",
    old_secrets_are_kept: "DID NOT RAISE",
}


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """What a fault changes, for one test, from the founding of the nodes on."""
    found_anew()
    with pytest.MonkeyPatch.context() as patched:
        yield patched
    found_anew()


def find_broken_promise(words: str) -> int:
    """Walk until a promise is broken, and compare what the walk says; after how many walks that was."""
    before = MET["walks"]
    quick = settings(WALKS, max_examples=MOST, derandomize=True, phases=[Phase.generate])
    with pytest.raises((AssertionError, pytest.fail.Exception), match=words):
        run_state_machine_as_test(Robbed, settings=quick)
    return MET["walks"] - before


@pytest.mark.parametrize(("fault", "words"), SOON.items(), ids=[fault.__name__ for fault in SOON])
def test_walks_find_soon_what_helps_a_thief(patch: pytest.MonkeyPatch, fault: Patch, words: str) -> None:
    """A product with this fault breaks a promise within a few walks, and the walk says which."""
    fault(patch)
    assert find_broken_promise(words) <= 20


@pytest.mark.deep
@pytest.mark.timeout(3_600)  # also on a machine that does other things
@pytest.mark.parametrize(("fault", "words"), LATER.items(), ids=[fault.__name__ for fault in LATER])
def test_walks_find_what_helps_a_thief(
    patch: pytest.MonkeyPatch, fault: Patch, words: str, record_property: Callable[[str, object], None]
) -> None:
    """A product with this fault breaks a promise within a bounded number of walks, and the walk says which."""
    fault(patch)
    record_property("found after", find_broken_promise(words))
