"""Faults of a node that walks of three of them have to find: each breaks one promise to a person.

The machine is that of `property/test_three_nodes_property.py`, without its last step of making a failure small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.three_walks import MET, WALKS, ThreeNodes

from gateway.consent import effects
from gateway.consent.operations import withdrawing
from gateway.delivery.outbound import exchange, file_carrier
from gateway.delivery.outbound.kept import KeptJudgements
from gateway.delivery.outbound.lookout import Lookout, Waiting
from gateway.erasure import store as erasures
from gateway.erasure.case_system import CaseSystemEraser
from gateway.erasure.erased_receipts import ErasureReceipts
from gateway.erasure.operations.erasing import ErasureOperations
from gateway.erasure.peer_requests.forward import RequestForwarder
from gateway.federation.server import FederationApp
from gateway.messages.store import messages
from gateway.policy.gates import asylum, consent

MOST = 500
"""Walks in which a fault has to be found."""
Patch = Callable[[pytest.MonkeyPatch], None]


def departs_after_a_withdrawal(patch: pytest.MonkeyPatch) -> None:
    """What waits is neither stopped by a withdrawal nor judged again when it departs."""
    patch.setattr(effects, "_relying", lambda *_: [])
    patch.setattr(Lookout, "_closed", lambda *_: None)


def overwrites_a_cancellation(patch: pytest.MonkeyPatch) -> None:
    """What was looked up before is numbered and sent, whatever was written since."""
    patch.setattr(KeptJudgements, "take", lambda *_: [])  # walks compare what was kept, and would find that
    patch.setattr(Waiting, "stands", lambda *_: True)
    patch.setattr(messages, "_require_all", lambda *_: None)
    for module in (exchange, file_carrier):
        patch.setattr(module, "may_go", lambda _, items: list(items))


def leaves_drafts(patch: pytest.MonkeyPatch) -> None:
    """Erasing a message leaves the drafts that it was made of."""
    for name in ("discard_drafts", "erase_drafts", "erase_released"):
        patch.setattr(erasures, name, lambda *_, **__: None)


def compares_no_cases(patch: pytest.MonkeyPatch) -> None:
    """Gate G2 does not ask whose consent it is."""
    patch.setattr(consent, "_another_case", lambda _: None)


def tells_one_conversation(patch: pytest.MonkeyPatch) -> None:
    """A withdrawal is told in the first conversation only."""
    known_by = withdrawing.find_known_by
    patch.setattr(withdrawing, "find_known_by", lambda *given: dict(list(known_by(*given).items())[:1]))


def tells_nothing_on(patch: pytest.MonkeyPatch) -> None:
    """A withdrawal that a peer tells is not told to the others."""

    async def spread(_: RequestForwarder) -> None:
        return None

    patch.setattr(RequestForwarder, "spread", spread)


def erases_what_was_not_told(patch: pytest.MonkeyPatch) -> None:
    """Erasing a conversation takes back a withdrawal that waits in it."""

    async def find_untold(*_: Any) -> frozenset[int]:
        return frozenset()

    patch.setattr(ErasureOperations, "_find_untold", find_untold)


def keeps_seeds(patch: pytest.MonkeyPatch) -> None:
    """A message is said to be erased while the seeds that open its envelope live on."""

    async def destroy_seeds(*_: Any) -> None:
        return None

    patch.setattr(ErasureReceipts, "_destroy_seeds", destroy_seeds)


def keeps_names_on_cards(patch: pytest.MonkeyPatch) -> None:
    """The name that an erased message gave a case stays on its card."""
    patch.setattr("gateway.cases.register.CaseRegister.forget_names", lambda *_: None)
    patch.setattr("gateway.cases.store.forget_finished", lambda *_, **__: [])


def forgets_the_case_system(patch: pytest.MonkeyPatch) -> None:
    """Erasing asks no case system, and says that it did."""

    async def ask_about(self: CaseSystemEraser, _: object, row: Any) -> None:
        await self._content.store.move(lambda c: erasures.answered(c, row, "erased"))

    patch.setattr(CaseSystemEraser, "_ask_about", ask_about)


def ignores_asylum_holds(patch: pytest.MonkeyPatch) -> None:
    """Gate G5 does not look at holds."""
    patch.setattr(asylum, "_protected", lambda *_: False)


def remembers_a_wrong_start(patch: pytest.MonkeyPatch) -> None:
    """A node remembers its start by the clock that was wrong then."""
    patch.setattr(FederationApp, "_started", lambda self, _: self._begun.wall)


SOON: dict[Patch, str] = {
    forgets_the_case_system: "shows an erased message|can read an erased",
    keeps_seeds: "open an erased",
}
"""What the very first walks come to: the short form; and what the walk that finds it says."""
LATER: dict[Patch, str] = {
    departs_after_a_withdrawal: "relies on a consent that was withdrawn|relies on what was withdrawn",
    overwrites_a_cancellation: "was cancelled|was erased|was withdrawn|is feared",
    leaves_drafts: "can read an erased",
    tells_nothing_on: "was not told of a withdrawal|was asked to erase",
    tells_one_conversation: "told no withdrawal|was not told",
    erases_what_was_not_told: "told no withdrawal|was not told",
    keeps_names_on_cards: "can read an erased",
    compares_no_cases: "on the consent of another|another one's consent",
    ignores_asylum_holds: "went to a State that is feared",
    remembers_a_wrong_start: "something waits for ever",
}


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """What a fault changes, for one test."""
    with pytest.MonkeyPatch.context() as patched:
        yield patched


def test_every_fault_has_its_place(patch: pytest.MonkeyPatch) -> None:
    """What the faults change is still there; whether walks find them is asked in the long form."""
    for fault in {**SOON, **LATER}:
        with patch.context() as alone:
            fault(alone)


def find_broken_promise(words: str) -> int:
    """Walk until a promise is broken, and compare what the walk says; after how many walks that was."""
    before = MET["walks"]
    quick = settings(WALKS, max_examples=MOST, derandomize=True, phases=[Phase.generate])
    with pytest.raises(AssertionError, match=words):
        run_state_machine_as_test(ThreeNodes, settings=quick)
    return MET["walks"] - before


@pytest.mark.timeout(1_200)  # also on a machine that does other things
@pytest.mark.parametrize(("fault", "words"), SOON.items(), ids=[fault.__name__ for fault in SOON])
def test_walks_find_a_broken_promise_soon(patch: pytest.MonkeyPatch, fault: Patch, words: str) -> None:
    """A node with this fault breaks a promise within a few walks, and the walk says which."""
    fault(patch)
    find_broken_promise(words)


@pytest.mark.deep
@pytest.mark.timeout(3_600)  # also on a machine that does other things
@pytest.mark.parametrize(("fault", "words"), LATER.items(), ids=[fault.__name__ for fault in LATER])
def test_walks_find_a_broken_promise(
    patch: pytest.MonkeyPatch, fault: Patch, words: str, record_property: Callable[[str, object], None]
) -> None:
    """A node with this fault breaks a promise within a bounded number of walks, and the walk says which."""
    fault(patch)
    record_property("found after", find_broken_promise(words))
