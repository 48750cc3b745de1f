"""The journal of a training: a step is done once, whatever stops the program."""

from __future__ import annotations

import pytest

from gateway.demo.training.steps import Steps


def test_a_step_is_done_once(tmp_path):
    """The second time, and in another process, the first answer is given."""
    done: list[str] = []

    def act() -> str:
        done.append("acted")
        return "first"

    steps = Steps(tmp_path / "steps")
    assert (steps.once("01.ask", act), steps.once("01.ask", act)) == ("first", "first")
    again = Steps(tmp_path / "steps")
    assert "01.ask" in again and "02.ask" not in again
    assert again.once("01.ask", act) == "first"
    assert done == ["acted"]


def test_half_a_line_is_a_step_that_was_not_done(tmp_path):
    """What a crash left of a line is cut off, so that the next line is whole."""
    path = tmp_path / "steps"
    steps = Steps(path)
    steps.once("01.ask", lambda: {"id": "a"})
    with path.open("a") as file:
        file.write('{"step": "02.ask", "ans')
    assert "02.ask" not in Steps(path)
    Steps(path).once("02.ask", lambda: {"id": "b"})
    assert [Steps(path).answer(name) for name in ("01.ask", "02.ask")] == [{"id": "a"}, {"id": "b"}]


def test_a_step_that_failed_is_not_kept(tmp_path):
    """It is tried again by the next start."""
    steps = Steps(tmp_path / "steps")
    with pytest.raises(OSError):
        steps.once("01.ask", lambda: (_ for _ in ()).throw(OSError()))
    assert "01.ask" not in Steps(tmp_path / "steps")
