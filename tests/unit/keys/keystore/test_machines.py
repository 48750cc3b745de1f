"""One keyring on several machines: each follows what the others have done, and what was destroyed is gone on each
(keys.keystore.keyring_file, nrm1 13.5).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.cuts import Cut, Steps, every_fault
from support.keystores import (
    CHEAP,
    ROW,
    copy_keystore,
    fails,
    join_keystore,
    linked_keystore,
    new_keystore,
    opened,
    ring_of,
)
from support.nodes import NOW

from gateway.errors import Code, GatewayError, RefusedError, TransientError
from keys.documents.key_records import Use
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.key_changes import AddKey, BeginEpoch, DestroyAllEnc, FinishEpoch, KeyChange, RemoveKey, RenewEnc
from keys.keystore.keyring_file import read_content
from keys.keystore.keystore import Keystore
from keys.keystore.steps import Step

Two = tuple[Keystore, Keystore]


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    """Where the keystores of two machines lie."""
    found = tmp_path / "one" / "keystore", tmp_path / "two" / "keystore"
    for path in found:
        path.parent.mkdir()
    return found


@pytest.fixture
def two(paths: tuple[Path, Path]) -> Two:
    """The same keys on two machines."""
    one = linked_keystore(paths[0])
    return one, join_keystore(*paths)


def step_of(keys: Keystore, change: KeyChange[object]) -> Step:
    """The step by which it would make a change."""
    step, _ = keys.propose(change)
    assert step is not None
    return step


def look(path: Path, passphrase: str = "another one") -> Keystore:
    """What the second machine finds at its start."""
    return Keystore.open(path, passphrase, at_least=CHEAP)


def test_a_machine_that_joins_has_the_same_keys(paths: tuple[Path, Path], two: Two) -> None:
    """Under a passphrase and a secret of its own, also after a start."""
    one, other = two
    assert ring_of(one) == ring_of(other) == ring_of(look(paths[1]))
    assert (one.step, one.mark) == (other.step, other.mark) == (look(paths[1]).step, look(paths[1]).mark)
    assert one.machine != other.machine
    assert [len(keys.machine) for keys in two] == [16, 16]
    assert secret_file_of(paths[0]).read_bytes() != secret_file_of(paths[1]).read_bytes()


def test_both_follow_one_change(paths: tuple[Path, Path], two: Two) -> None:
    """A proposal changes nothing; followed, it is the same keyring on both, and what either wraps the other unwraps."""
    one, other = two
    before = ring_of(one)
    step, epoch = one.propose(BeginEpoch(NOW))
    assert step is not None
    assert (ring_of(one), epoch) == (before, 2)
    for keys in two:
        keys.follow([step])
    assert ring_of(one) == ring_of(other) == ring_of(opened(paths[0])) == ring_of(look(paths[1]))
    dk, epoch, wrapped = other.wrap(ROW)
    assert (one.unwrap(ROW, epoch, wrapped), epoch, one.step, other.step) == (dk, 2, 2, 2)


def test_what_is_done_already_needs_no_step(two: Two) -> None:
    """It is told as what it comes to, and nothing has to be agreed on."""
    one, _ = two
    one.follow([step_of(one, BeginEpoch(NOW))])
    assert one.propose(BeginEpoch(NOW)) == (None, 2)
    assert one.propose(DestroyAllEnc()) == (None, ())


def test_of_two_proposals_one_is_followed(two: Two) -> None:
    """The other does not fit any more, and the machine that made it follows like everybody."""
    one, other = two
    first, second = step_of(one, AddKey(Use.HTTP, NOW)), step_of(other, RenewEnc(NOW))
    for keys in two:
        keys.follow([first])
        with fails(Code.CONFLICT, "was given step 2"):
            keys.follow([second])
    again = step_of(other, RenewEnc(NOW))
    for keys in two:
        keys.follow([again])
    assert ring_of(one) == ring_of(other)
    assert len(one.public(Use.HTTP)) == 6 and len(one.enc_public(NOW)) == 1


def test_a_machine_that_was_away_for_ten_steps(paths: tuple[Path, Path], two: Two) -> None:
    """It follows all of them at once, and is where the others are."""
    one, _ = two
    steps = []
    for number in range(10):
        steps.append(step_of(one, AddKey(Use.HTTP, NOW + number)))
        one.follow(steps[-1:])
    late = look(paths[1])
    late.follow(steps)
    assert ring_of(late) == ring_of(one) == ring_of(look(paths[1]))
    assert (late.step, late.gen) == (11, 2)


def test_a_step_that_does_not_open_changes_nothing(paths: tuple[Path, Path], two: Two) -> None:
    """Of several steps all are followed or none: one that is missing, twice there, out of order or altered."""
    one, other = two
    steps = []
    for number in range(3):
        steps.append(step_of(one, AddKey(Use.HTTP, NOW + number)))
        one.follow(steps[-1:])
    sealed = steps[2].sealed
    spoilt = Step(n=4, before=steps[2].before, mark=steps[2].mark, sealed=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    before = paths[1].read_bytes()
    for wrong in (steps[1:], [steps[0], steps[2]], [steps[0], steps[0]], steps[::-1], [*steps[:2], spoilt]):
        with pytest.raises(RefusedError):
            other.follow(wrong)
        assert (paths[1].read_bytes(), other.step, other.gen) == (before, 1, 1)
    other.follow(steps)
    assert ring_of(one) == ring_of(other)


def test_what_a_machine_followed_it_opens_no_more(paths: tuple[Path, Path], two: Two, tmp_path: Path) -> None:
    """Whoever has all steps needs a machine that has not followed them: its file and the secret of that day. Where all
    have followed, neither their files of before nor the newest ones open an older step.
    """
    one, _ = two
    alone = tmp_path / "its file of before"
    shutil.copy(paths[1], alone)
    both = tmp_path / "its file and its secret of before"
    copy_keystore(paths[1], both)
    steps = []
    for change in (BeginEpoch(NOW), FinishEpoch(1)):
        steps.append(step_of(one, change))
        for keys in two:
            keys.follow(steps[-1:])
    with fails(Code.UNDECRYPTABLE):
        look(alone)
    with fails(Code.CONFLICT):
        look(paths[1]).follow(steps)
    # The limit of a secret that lies in a file, as docs/keys.md tells it of a copied disk and of a retired machine.
    stolen = look(both)
    stolen.follow(steps)
    assert ring_of(stolen) == ring_of(one)


def test_one_machine_and_several_are_not_mixed(tmp_path: Path) -> None:
    """A linked key store changes by steps alone, and one that is not linked knows none; linking twice is once."""
    alone = new_keystore(tmp_path / "keystore")
    assert (alone.step, alone.mark) == (0, b"")
    with fails(Code.CONFLICT, "on one machine"):
        alone.propose(RenewEnc(NOW))
    with fails(Code.CONFLICT, "on one machine"):
        alone.follow([])
    with fails(Code.CONFLICT, "on this machine alone"):
        read_content(tmp_path / "keystore", "open sesame", at_least=CHEAP)
    alone.link()
    mark = alone.mark
    alone.link()
    assert (alone.step, alone.mark, alone.gen) == (1, mark, 2)
    with fails(Code.CONFLICT, "on several machines"):
        alone.change(RenewEnc(NOW))
    assert alone.gen == 2


def test_reading_for_an_invitation_leaves_everything(paths: tuple[Path, Path], two: Two) -> None:
    """The key service that has the file open goes on with it."""
    one, _ = two
    before = paths[0].read_bytes(), secret_file_of(paths[0]).read_bytes()
    read_content(paths[0], "open sesame", at_least=CHEAP)
    assert (paths[0].read_bytes(), secret_file_of(paths[0]).read_bytes()) == before
    one.follow([step_of(one, RenewEnc(NOW))])


def test_rows_of_an_epoch_that_is_not_known_yet_are_not_lost(two: Two) -> None:
    """A machine that has not followed says that it will, never that the row is closed for ever."""
    one, other = two
    one.follow([step_of(one, BeginEpoch(NOW))])
    _, epoch, wrapped = one.wrap(ROW)
    with pytest.raises(TransientError):
        other.unwrap(ROW, epoch, wrapped)
    with pytest.raises(TransientError):
        other.rewrap([(ROW, epoch, wrapped)])


def test_a_key_that_was_destroyed_elsewhere_signs_no_more(two: Two) -> None:
    """A key in use stays until the machine that would destroy it uses another; on a machine that used it still it is
    gone as soon as that has followed.
    """
    one, other = two
    old = one.sig_kid
    with fails(Code.INVALID, "in use"):
        one.propose(RemoveKey(old))
    one.follow([step := step_of(one, AddKey(Use.SIG, NOW))])
    other.follow([step])
    one._signers[Use.SIG] = one._ring.of(Use.SIG)[1]  # as activate does by a descriptor that lists the new one
    one.follow([step := step_of(one, RemoveKey(old))])
    assert other.sig_kid == old
    other.follow([step])
    with fails(Code.NO_KEY):
        _ = other.sig_kid


@pytest.mark.parametrize("fault", [Cut, lambda _: OSError(28, "No space left on device")], ids=["power", "full disk"])
def test_cut_while_following(fault: type[BaseException], tmp_path: Path) -> None:
    """Wherever the power goes or the disk refuses, the machine opens with the keyring of before or after the steps, and
    follows again.
    """
    made: dict[int, tuple[Path, Keystore, Keystore, list[Step]]] = {}

    def prepare(number: int) -> None:
        paths = tmp_path / f"one {number}", tmp_path / f"two {number}"
        one = linked_keystore(paths[0])
        other = join_keystore(*paths)
        steps = []
        for change in (BeginEpoch(NOW), FinishEpoch(1)):
            steps.append(step_of(one, change))
            one.follow(steps[-1:])
        made[number] = paths[1], one, other, steps

    def run(number: int, cut: Steps) -> None:
        path, one, other, steps = made[number]
        try:
            other.follow(steps)
        except (Cut, GatewayError):
            assert cut.met
        cut.armed = False
        again = look(path)
        assert again.step in (1, 3)
        again.follow(steps[again.step - 1 :])
        assert ring_of(again) == ring_of(one) == ring_of(look(path))

    assert "rename_over" in every_fault(fault, run, prepare)
