"""What an adapter says is heard, wherever it says it, and nothing is left behind."""

from __future__ import annotations

import logging
import sys
import warnings

from adapters.kit.silence import heard, place


def test_every_way_of_speaking_is_heard() -> None:
    """Logs of every level, standard output and error, and warnings."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with warnings.catch_warnings(action="default"), heard() as said:
        logging.getLogger("adapter").debug("a log line")
        print("an output")
        sys.stderr.write("an error")
        warnings.warn("a warning", stacklevel=1)
    assert all(words in said() for words in ("a log line", "an output", "an error", "a warning"))
    assert (root.level, list(root.handlers)) == before


def test_the_place_of_an_error_has_none_of_its_words() -> None:
    """File and line, never the text, which may hold content."""
    try:
        raise ValueError("a secret")
    except ValueError as error:
        told = place(error)
    assert told.startswith(" at test_silence.py:")
    assert "secret" not in told
    assert place(ValueError("never raised")) == ""
