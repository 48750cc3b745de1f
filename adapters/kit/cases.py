"""About fifty events that an adapter meets sooner or later, each as a black-box case with advice for a failure.

`CASES` are all of them: the promises of `adapters.kit.conformance`, and the faults of case systems and networks. A case
knows the port and a `Bench`, and nothing of the adapter. `trm adapter check NAME` runs them; a test runs them so:

    async with KIND.stand_in(folder) as new:
        for case in CASES:
            outcome = await run(case, Trial(bench=new()))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from adapters.kit.conformance import files, order, records, trouble
from adapters.kit.conformance.promises import CHECKS
from adapters.kit.contract import Trouble
from adapters.kit.trial import Case, Outcome, Trial, Verdict, run

__all__ = ["CASES", "Case", "Outcome", "Trial", "Verdict", "run"]


def _promise(name: str, mend: str) -> Case:
    check = CHECKS[name]

    async def on_bench(trial: Trial) -> None:
        await check(trial.bench)

    return Case(name=name, about=_first(check), run=on_bench, mend=mend)


def _case(check: Callable[[Trial], Awaitable[None]], mend: str, *needs: Trouble, registered: bool = False) -> Case:
    return Case(
        name=check.__name__, about=_first(check), run=check, mend=mend, needs=frozenset(needs), registered=registered
    )


def _of_files(check: Callable[[Trial], Awaitable[None]], mend: str, *, registered: bool = False) -> Case:
    return Case(name=check.__name__, about=_first(check), run=check, mend=mend, files=True, registered=registered)


class _Troubled(Protocol):
    """A case that is run under one trouble."""

    __name__: str

    def __call__(self, trial: Trial, *, trouble: Trouble) -> Awaitable[None]: ...


def _under(check: _Troubled, kind: Trouble, mend: str) -> Case:
    return Case(
        name=f"{check.__name__}_{kind}",
        about=_first(check),
        run=partial(check, trouble=kind),
        mend=mend,
        needs=frozenset({kind}),
    )


def _first(check: object) -> str:
    return (check.__doc__ or "").partition("\n")[0]


_TRY_AGAIN = (
    "raise TransientError(adapter_busy) for what time can mend: no connection, a time-out, 5xx, 429, a full disk; "
    "translate the errors of your library in one place"
)
_JOURNAL = (
    "make the item and its key durable in one step: one transaction, PUT under an id made from the key, or a marker "
    "that is searched before anything is created; take a lock around search and create"
)
_RECORD = (
    "erase_record() removes the record, the news about it and what you noted of it; while the office still has it, "
    "answer not_supported and keep the note that it was read"
)
_FILE = (
    "write each file under a hidden name made from the key, in pieces, and show it before the message appears; remove "
    "what was begun when its stream raises"
)
_OFFER = (
    "LocalFile(read=...) opens the file anew at each call and yields pieces of a mebibyte; say its size in pull(), and "
    "keep it where it is until settle()"
)
_CURSOR = (
    "read everything that is not settled, and keep what was settled in the local system; a cursor by time needs a "
    "second part that tells records of one stamp apart, and loses what a wrong clock stamped"
)

CASES: tuple[Case, ...] = (
    _promise("is_described", "describe() answers from settings alone; no member is empty"),
    _promise("is_healthy", "check() returns findings for what is wrong, and nothing for a system in order"),
    _promise("pulls_until_settled", "note in the local system that a record was settled, and only in settle()"),
    _promise("settles_once", "settle() finds what it did before and does nothing"),
    _promise("refused_is_told", "show rule and place of each finding where the office looks"),
    _promise("faults_name_places", "return what cannot be read as LocalRecord(faults=...): places, no values"),
    _promise("one_key_once", _JOURNAL),
    _promise("two_keys_twice", "the local id comes from the key, or is kept beside it"),
    _promise("many_at_once", "push_all() does for each item what push() does"),
    _promise("many_settled_at_once", "settle_all() does for each record what settle() does"),
    _promise("content_arrives", "write text as text: no formula, no markup, no loss of a script"),
    _promise("notices_once", _JOURNAL),
    _promise("status_is_known", "status() and erase() refuse an id that you did not give with RefusedError(not_found)"),
    _promise("erased_is_gone", "keep the key of what was erased without its content, so that a repeat finds it"),
    _promise(
        "erased_by_its_key", "erase() takes the key of an item too: look it up in your journal, or make the id of it"
    ),
    _case(order.empty_gives_nothing, "an empty list, and no error"),
    _case(order.many_are_pulled_once, _CURSOR),
    _case(order.check_changes_nothing, "check() reads, or undoes what it tried"),
    _case(order.pull_settles_nothing, "pull() changes nothing that the next pull() depends on"),
    _case(order.drafted_is_told, "push() takes a Notice and shows it at the record of its ref"),
    _case(order.every_kind_of_news, "take every NoticeKind; show the word of one that you have no place for"),
    _case(
        order.every_type_of_message,
        "show as it is what you have no place for, or raise RefusedError: a person looks at it",
    ),
    _case(order.odd_content, "pass values as parameters and never build a statement, a path or a document out of them"),
    _case(order.one_key_also_for_news, "one lock, or one transaction, around each hand-over"),
    _case(order.erasing_is_honest, "answer disabled_only or not_supported where the content stays readable"),
    _case(order.erasing_takes_one, "erase by the local id, and nothing else"),
    _case(records.erased_record_is_gone, _RECORD),
    _case(records.erased_record_stays_away, _RECORD),
    _case(
        records.unknown_record_is_refused, "look the ref up, as a value and never as a path, before anything is erased"
    ),
    _case(files.says_whether_it_holds_files, "describe() has takes_files and gives_files, and the bench shows files"),
    _of_files(files.files_arrive, _FILE),
    _of_files(files.a_broken_file_is_nothing, _FILE),
    _of_files(files.a_file_that_is_away_is_tried_again, _FILE),
    _of_files(files.files_are_erased, "erase() removes the files of a message with it"),
    _of_files(files.a_record_gives_its_file, _OFFER),
    _of_files(files.a_file_comes_again_after_a_restart, _OFFER),
    _of_files(files.an_erased_record_takes_its_file, _RECORD),
    _case(order.cancelled_anywhere, _JOURNAL),
    _case(order.says_nothing, "do not print or log; hide parameters in the log of your library"),
    _case(order.description_says_nothing, "a target without user and password; the kind as it is registered"),
    _case(trouble.killed_before_acknowledged, _JOURNAL, registered=True),
    _case(trouble.killed_while_pushing, _JOURNAL, registered=True),
    _of_files(files.a_killed_hand_over_makes_files_once, _FILE, registered=True),
    *(
        _under(trouble.push_fails_and_goes_on, kind, _TRY_AGAIN)
        for kind in (Trouble.AWAY, Trouble.FAILING, Trouble.SLOW, Trouble.THROTTLED, Trouble.FULL)
    ),
    *(
        _under(trouble.pull_fails_and_goes_on, kind, _TRY_AGAIN)
        for kind in (Trouble.AWAY, Trouble.FAILING, Trouble.SLOW, Trouble.THROTTLED)
    ),
    *(
        _under(records.erase_record_fails_and_goes_on, kind, _TRY_AGAIN)
        for kind in (Trouble.AWAY, Trouble.FAILING, Trouble.SLOW, Trouble.THROTTLED)
    ),
    _case(records.cut_erase_record_is_told, "erase_record() looks before it answers", Trouble.CUT),
    _under(trouble.trouble_is_found, Trouble.AWAY, "check() turns the error into a finding"),
    _under(trouble.trouble_is_found, Trouble.FAILING, "check() turns the error into a finding"),
    _case(trouble.cut_push_is_one, _JOURNAL, Trouble.CUT),
    _case(trouble.cut_settle_is_one, "settle() finds what it did before and does nothing", Trouble.CUT),
    _case(trouble.cut_erase_is_told, "erase() answers for what is gone as it did when it went", Trouble.CUT),
    _case(trouble.session_is_renewed, "on 401 log in again, once, and repeat the call", Trouble.EXPIRED),
    _case(trouble.locked_out_is_told, "a second 401 is an error, and a finding of check()", Trouble.LOCKED_OUT),
    _case(
        trouble.garbled_is_an_error, "judge status, type and form of an answer; never take it as empty", Trouble.GARBLED
    ),
    _case(trouble.garbled_push_is_one, _JOURNAL, Trouble.GARBLED),
    _case(trouble.all_pages_are_read, _CURSOR, Trouble.SMALL_PAGES),
    _case(trouble.equal_stamps_lose_nothing, _CURSOR, Trouble.EQUAL_STAMPS),
    _under(trouble.a_wrong_clock_loses_nothing, Trouble.CLOCK_AHEAD, _CURSOR),
    _under(trouble.a_wrong_clock_loses_nothing, Trouble.CLOCK_BEHIND, _CURSOR),
    _case(
        trouble.unmapped_code_is_refused,
        "hand over the local value as it is; the mapping file decides",
        Trouble.UNMAPPED_CODE,
        registered=True,
    ),
    _case(
        trouble.mapping_is_clean,
        "run trm mapping check FILE; docs/mapping-format.md explains each rule",
        registered=True,
    ),
    _case(
        trouble.record_is_mapped, "trm mapping preview FILE RECORD shows what becomes of each field", registered=True
    ),
)
"""All cases, those of a world in order first."""
