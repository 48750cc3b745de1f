"""What `trm doctor` finds about disk, process, passphrase file, and what ends, each with its fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.administration.doctor import expiry
from gateway.administration.doctor.folder import Check, State
from gateway.administration.doctor.host import TRIAL, hardening, secret, writing
from keys.primitives.encoding import DAY

NOW = 1_800_000_000
HARD = {"no_core": True, "not_dumpable": True, "no_new_privileges": True, "locked": True}


def states(checks) -> list[str]:
    """How each ended; what is not fine has its fix."""
    found: list[Check] = list(checks)
    assert all(bool(check.fix) == (check.state is not State.OK) for check in found)
    return [str(check.state) for check in found]


# --- disk ---------------------------------------------------------------------------------------------------------


def test_a_disk_that_takes_a_page(tmp_path: Path):
    """Written, read back, and nothing is left behind."""
    assert states([writing(tmp_path)]) == ["ok"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["/proc", "/dev/null/nothing"])
def test_a_place_that_takes_nothing_is_red(place: str):
    """As a disk that is mounted for reading only."""
    assert states([writing(Path(place))]) == ["red"]


def test_what_a_doctor_left_is_named(tmp_path: Path):
    """A doctor that was cut off leaves its page: it is not overwritten."""
    (tmp_path / TRIAL).write_text("x")
    check = writing(tmp_path)
    assert (check.state, check.fix) == (State.RED, f"a doctor was cut off: rm {tmp_path / TRIAL}")
    assert (tmp_path / TRIAL).read_text() == "x"


@pytest.mark.parametrize(("mode", "state"), [(0o600, "ok"), (0o400, "ok"), (0o640, "red"), (0o604, "red")])
def test_the_passphrase_is_for_the_node_alone(tmp_path: Path, mode: int, state: str):
    """Who reads it opens everything."""
    file = tmp_path / "fr.pass"
    file.write_text("correct horse")
    file.chmod(mode)
    assert states(secret(file)) == [state]
    assert states(secret(tmp_path / "none")) == states(secret(None)) == []


# --- process ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "state"), [("no_core", "red"), ("not_dumpable", "red"), ("no_new_privileges", "warn")]
)
def test_a_soft_process_is_told(member: str, state: str, tmp_path: Path):
    """Each promise of the kernel that is missing by itself."""
    told = {"process": HARD | {member: False}}
    assert states(hardening(told, running=True, swaps=tmp_path / "none")) == [state]


@pytest.mark.parametrize(
    ("locked", "swaps", "state"),
    [
        (True, "/dev/sda2 partition 1 0 -2", "ok"),
        (False, "/dev/sda2 partition 1 0 -2", "warn"),
        (False, "/dev/zram0 partition 1 0 100", "ok"),
        (False, "", "ok"),
    ],
)
def test_swap_holds_no_keys(tmp_path: Path, locked: bool, swaps: str, state: str):
    """Memory that may be swapped matters where there is swap on a disk."""
    table = tmp_path / "swaps"
    table.write_text(f"Filename Type Size Used Priority\n{swaps}\n")
    assert states(hardening({"process": HARD | {"locked": locked}}, running=True, swaps=table)) == [state]


def test_a_stopped_node_has_no_process():
    """What the doctor's own process is says nothing."""
    assert states(hardening({"process": HARD}, running=False)) == ["skipped"]


# --- what ends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "days", "state", "fix"),
    [
        ("peer.trust", 61, "ok", ""),
        ("peer.trust", 59, "warn", "trm peer renew AL"),
        ("peer.trust", 6, "red", "trm peer renew AL"),
        ("peer.trust", 0, "red", "trm peer renew AL"),
        ("peer.descriptor", 59, "warn", "call its administrators"),
        ("peer.descriptor", -1, "red", "call its administrators"),
        ("own.sig", 1, "ok", ""),
    ],
)
def test_what_ends_about_a_peer_is_told_in_time(subject: str, days: int, state: str, fix: str):
    """60 days before, louder in the last week; own keys have lines of their own."""
    item = {"subject": subject, "at": NOW + days * DAY, "peer": "AL"}
    (check,) = expiry.peers({"endings": [item]}, NOW)
    assert (str(check.state), check.fix.startswith(fix)) == (state, True)


@pytest.mark.parametrize(
    ("days", "state", "word", "fix"),
    [
        (31, "valid", "ok", ""),
        (29, "valid", "warn", "trm token new"),
        (-1, "expired", "warn", "trm token revoke 7a"),
        (-1, "revoked", "ok", ""),
    ],
)
def test_a_token_that_ends_is_told_in_time(days: int, state: str, word: str, fix: str):
    """A program that is turned away one morning is what nobody wants to meet."""
    item = {"id": "7a", "role": "adapter", "label": "cases", "state": state, "expires": NOW + days * DAY}
    of_a_person = item | {"role": None, "name": "Eva M."}
    (check,) = expiry.tokens({"tokens": [item, of_a_person]}, NOW)
    assert (str(check.state), check.fix.startswith(fix)) == (word, True)
