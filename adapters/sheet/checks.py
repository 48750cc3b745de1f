"""The findings about the files of a line list, in the words that an operator reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from adapters.kit.files import Folder, NotPlainError, TooLargeError
from adapters.kit.setup.local import CHANGED
from adapters.kit.setup.needs import Need, needs_of
from adapters.kit.setup.plan import quoted
from adapters.sheet.headings import SHARED, SHARED_HINT
from adapters.sheet.results.ledger import Journal
from gateway.errors import Code, Finding, RefusedError, TransientError

FOLDER, JOURNAL = "folder of the results", "journal of the results"
P = ParamSpec("P")
T = TypeVar("T")


class CheckedList(Protocol):
    """A line list that can be checked."""

    def check(self) -> Sequence[Finding]:
        """Find what keeps it from being read."""
        ...


def check_results(results: Path, journal: Journal) -> list[Finding]:
    """Check that the results can be written beside the line list, and that their journal is whole."""
    try:
        with Folder(results.parent) as folder:
            folder.stage(f".{results.name}.check.part", b"")
            folder.remove(f".{results.name}.check.part")
            findings = []
            if folder.mode() & 0o007:
                hint = "take the rights of others away: results and journal hold cases"
                findings.append(Finding(place=FOLDER, rule="open_to_others", hint=hint))
        with journal.open():
            pass
    except OSError:
        hint = "the gateway must be able to make and replace files there"
        return [Finding(place=FOLDER, rule="not_writable", hint=hint)]
    except (NotPlainError, TooLargeError):
        return [Finding(place=JOURNAL, rule="not_a_file", hint="restore it from a backup")]
    except RefusedError as exc:
        return [Finding(place=JOURNAL, rule="damaged", hint=exc.what)]
    return findings


def look_at(source: CheckedList, results: Path, journal: Journal) -> list[Need]:
    """Look at everything that the adapter needs; what has no fault is told as good."""
    folder, other = quoted(results.parent), "another process is at work with it; give each node a list of its own"
    try:
        found = check_results(results, journal)
    except TransientError:
        found = [Finding(place=JOURNAL, rule="in_use", hint=other)]
    commands = {"open_to_others": f"chmod o-rwx {folder}", "not_writable": f"chown ACCOUNT {folder}"}
    needs = needs_of([FOLDER, JOURNAL], found) + needs_of(["line list"], source.check())
    return [replace(need, command=commands.get(need.rule, "")) for need in needs]


def missing_column(label: str) -> Finding:
    """Tell that a column is missing by which the reading is steered."""
    return Finding(place=f"label {label}", rule="missing_column", hint="the column steers the reading; add it")


def shared_heading(place: str) -> Finding:
    """Tell that a column has no name of its own, so that what stands in it can be read as nothing."""
    return Finding(place=place, rule=SHARED, hint=SHARED_HINT)


MAPPING_CHANGED = Finding(place="mapping", rule="mapping_changed", hint=CHANGED)
COMMENTS = Finding(
    place="line list",
    rule="comments_not_read",
    hint="comments at cells are never read and go nowhere; who gets the file itself reads the names in them",
)


def guessed_encoding(encoding: str) -> Finding:
    """Tell that nothing said the encoding of the list, and which one its words show."""
    hint = f"read as {encoding}; set adapter.encoding to it if the words are right, else save the list as CSV UTF-8"
    return Finding(place="line list", rule="encoding_guessed", hint=hint)


def read_configured(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work`; raise RefusedError when a configured path is no plain file of sensible size: a person has to look."""
    try:
        return work(*args, **kwargs)
    except (NotPlainError, TooLargeError) as exc:
        what = "the line list, a mapping or the journal is not a plain file, or is too large"
        raise RefusedError(Code.ADAPTER_REFUSED, what, hint="look at the configured paths") from exc
