"""Each case of the kit finds what it is there for: an adapter with one thing wrong breaks the case that names it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.desks import run as trm

from adapters import template
from adapters.kit.cases import CASES, Case, Outcome, Trial, Verdict, run
from adapters.kit.contract import NewBench
from adapters.template.adapter import TemplateAdapter
from adapters.template.bench import TemplateBench
from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError
from gateway.mapping.conformance import examine, named
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice

BY_NAME = {case.name: case for case in CASES}


@pytest_asyncio.fixture
async def new(tmp_path: Path) -> AsyncIterator[NewBench]:
    """Benches of the template."""
    async with template.KIND.stand_in(tmp_path) as made:
        yield made


class Doubles(TemplateAdapter):
    """Makes an item of every push."""

    pushed = 0

    async def push(self, item: Delivery | Notice) -> str:
        """Under a new key."""
        Doubles.pushed += 1
        return await super().push(replace(item, key=f"{item.key}.{Doubles.pushed}"))


class Remembers(TemplateAdapter):
    """Keeps in memory what is known, and forgets it with the process."""

    known: dict[str, str]
    pushed = 0

    async def push(self, item: Delivery | Notice) -> str:
        """Once for each key while it lives."""
        self.known = getattr(self, "known", {})
        if item.key not in self.known:
            Remembers.pushed += 1
            self.known[item.key] = await super().push(replace(item, key=f"{item.key}.{Remembers.pushed}"))
        return self.known[item.key]


class Loses(TemplateAdapter):
    """Says that it has handed over what it could not hand over."""

    async def push(self, item: Delivery | Notice) -> str:
        """All is well."""
        try:
            return await super().push(item)
        except GatewayError:
            return "abc"


class GivesUp(TemplateAdapter):
    """Takes a moment for the end."""

    async def push(self, item: Delivery | Notice) -> str:
        """Refused for good."""
        try:
            return await super().push(item)
        except TransientError as exc:
            raise RefusedError(Code.ADAPTER_REFUSED, "no") from exc

    async def pull(self) -> Sequence[LocalRecord]:
        """An empty system."""
        try:
            return await super().pull()
        except GatewayError:
            return []


class Talks(TemplateAdapter):
    """Logs what it handles."""

    async def push(self, item: Delivery | Notice) -> str:
        """Not a word of this."""
        logging.getLogger("a.library").debug("pushing %s", item)
        return await super().push(item)


class Repeats(TemplateAdapter):
    """Puts what it handled into its error."""

    async def push(self, item: Delivery | Notice) -> str:
        """With the item for whoever looks."""
        try:
            return await super().push(item)
        except GatewayError as exc:
            raise TransientError(Code.ADAPTER_BUSY, f"could not push {item}") from exc


class Leaks(TemplateAdapter):
    """Lets the errors of its library out."""

    async def push(self, item: Delivery | Notice) -> str:
        """Untranslated."""
        try:
            return await super().push(item)
        except GatewayError as exc:
            raise ConnectionError("cut") from exc


class Hangs(TemplateAdapter):
    """Waits as long as the system likes."""

    async def push(self, item: Delivery | Notice) -> str:
        """For ever."""
        try:
            return await super().push(item)
        except GatewayError:
            await asyncio.Event().wait()
            raise


class Pretends(TemplateAdapter):
    """Says that it has erased."""

    async def erase(self, local_id: str) -> Erasure:
        """Nothing."""
        await self.status(local_id)
        return Erasure.ERASED


class PretendsOfRecords(TemplateAdapter):
    """Says that it has erased a record."""

    async def erase_record(self, ref: str) -> Erasure:
        """Nothing."""
        return Erasure.ERASED


class ForgetsTheReading(TemplateAdapter):
    """Forgets that a record was read which it cannot erase."""

    async def erase_record(self, ref: str) -> Erasure:
        """Only its own note of it."""
        self.forgotten = ref
        return Erasure.NOT_SUPPORTED

    async def pull(self) -> Sequence[LocalRecord]:
        """With what is not known any more."""
        found = await super().pull()
        ref = getattr(self, "forgotten", None)
        return found if ref is None else [*found, LocalRecord(ref=ref, fields={}, mapping="template")]


class FirstPage(TemplateAdapter):
    """Reads what fits on one page."""

    async def pull(self) -> Sequence[LocalRecord]:
        """And settles nothing of the rest."""
        return (await super().pull())[:0] or [self._of(item) for item in (await self._page(0))[0]][:2]

    def _of(self, item: Any) -> LocalRecord:
        return LocalRecord(ref=item["id"], fields=item["case"], mapping="template")

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """The last of the page, and with it the list."""
        for number in range(1, 8):
            await super().settle(replace(record, ref=f"case-{number}"), notice)


class Defaults(TemplateAdapter):
    """Knows better than the mapping file."""

    async def pull(self) -> Sequence[LocalRecord]:
        """Nobody is left without a gender."""
        return [
            replace(record, fields={**record.fields, "gender": "female"}) if not record.faults else record
            for record in await super().pull()
        ]


class LoggedOut(TemplateAdapter):
    """Never logs in a second time."""

    async def pull(self) -> Sequence[LocalRecord]:
        """While the session lasts."""
        if self._system._token is None:
            await self._page(0)
        status, answer = await self._system._ask("GET", "/records?after=0", None, self._system._token)
        if status != 200:
            raise TransientError(Code.ADAPTER_BUSY, "no session")
        return await super().pull() if answer else []


class Shows(TemplateAdapter):
    """Tells operators how it comes in."""

    def describe(self) -> Description:
        """With user and password."""
        return replace(super().describe(), target="https://user:word@host/")


class Calm(TemplateAdapter):
    """Finds that all is well."""

    async def check(self) -> Sequence[Finding]:
        """Always."""
        return []


class Falls(TemplateAdapter):
    """Has a bug."""

    async def check(self) -> Sequence[Finding]:
        """A list of nothing."""
        return [[][0]]


WRONG = [
    (Doubles, ["one_key_once", "notices_once", "cancelled_anywhere"]),
    (Remembers, ["cut_push_is_one", "one_key_once"]),
    (Loses, ["push_fails_and_goes_on_away", "push_fails_and_goes_on_full", "locked_out_is_told"]),
    (GivesUp, ["push_fails_and_goes_on_failing", "pull_fails_and_goes_on_throttled", "garbled_is_an_error"]),
    (Talks, ["says_nothing"]),
    (Repeats, ["push_fails_and_goes_on_failing", "garbled_push_is_one"]),
    (Leaks, ["push_fails_and_goes_on_away", "locked_out_is_told"]),
    (Pretends, ["erased_is_gone", "erasing_is_honest", "erasing_takes_one"]),
    (PretendsOfRecords, ["erased_record_is_gone", "unknown_record_is_refused"]),
    (ForgetsTheReading, ["erased_record_stays_away", "unknown_record_is_refused"]),
    (FirstPage, ["all_pages_are_read", "many_are_pulled_once"]),
    (Defaults, ["unmapped_code_is_refused"]),
    (LoggedOut, ["session_is_renewed"]),
    (Shows, ["description_says_nothing"]),
    (Calm, ["trouble_is_found_away", "locked_out_is_told"]),
    (Falls, ["is_healthy", "check_changes_nothing"]),
]


async def outcome(new: NewBench, adapter: type[TemplateAdapter], case: Case) -> Outcome:
    """How a case ends for an adapter over the imitation of the template."""
    bench = new()
    assert isinstance(bench, TemplateBench)
    bench.make = adapter
    return await run(case, Trial(bench=bench, node=Mapped() if case.registered else None))


class Mapped:
    """The node's side with the mapping of the template."""

    def __init__(self) -> None:
        from gateway.mapping.case_system import read_mapping
        from gateway.mapping.to_message import map_record

        mapping = read_mapping(Path(template.__file__).with_name("mapping.yaml"))
        self.draft = lambda record: map_record(mapping, record)

    def mapping_faults(self) -> Sequence[Finding]:
        """None."""
        return ()


@pytest.mark.parametrize(
    ("adapter", "name"),
    [(adapter, name) for adapter, names in WRONG for name in names],
    ids=lambda value: value if isinstance(value, str) else value.__name__.lower(),
)
async def test_what_is_wrong_is_found(new: NewBench, adapter: type[TemplateAdapter], name: str) -> None:
    """The case that is about it is broken, says why, and says what to mend; the words hold nothing of the item."""
    found = await outcome(new, adapter, BY_NAME[name])
    assert found.verdict is Verdict.BROKEN
    assert found.why and found.case.mend
    assert "Xanthippe" not in found.why


async def test_a_call_without_end_is_found(new: NewBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The case ends although the adapter does not."""
    monkeypatch.setattr("adapters.kit.trial.LONGEST", 3.0)
    found = await outcome(new, Hangs, BY_NAME["push_fails_and_goes_on_away"])
    assert (found.verdict, found.why) == (Verdict.BROKEN, "push waits without end")


FORGETFUL = """
from pathlib import Path
from adapters.folder import FolderAdapter, FolderSettings
from adapters.folder.bench import FolderBench
from adapters.kit.contract import in_folders
from adapters.kit.kind import Kind
from dataclasses import replace
import os

class Forgetful(FolderAdapter):
    known = {}
    async def push(self, item):
        if item.key not in self.known:
            self.known[item.key] = await super().push(replace(item, key=f"{item.key}.{os.getpid()}"))
        return self.known[item.key]

KIND = Kind(name="forgetful", what="-", whom="-", settings=FolderSettings, make=lambda s: Forgetful(s.path),
            stand_in=lambda folder: in_folders(Bench, folder))

class Bench(FolderBench):
    def adapter(self):
        return Forgetful(self.root)
"""


@pytest.fixture
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of somebody else on the path: its adapter keeps the keys in memory."""
    path = tmp_path / "packages"
    about = path / "forgetful-1.dist-info"
    about.mkdir(parents=True)
    (path / "forgetful.py").write_text(FORGETFUL, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: forgetful\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[trm_gateway.adapters]\nforgetful = forgetful:KIND\n", encoding="utf-8")
    monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", str(path), prepend=os.pathsep)
    return "forgetful"


async def test_a_kill_is_found(forgetful: str, tmp_path: Path) -> None:
    """What lives in memory only is gone with the process, and the repeat makes a second item."""
    work = tmp_path / "work"
    work.mkdir()
    (found,) = [found async for found in examine(forgetful, work, named(["killed_before_acknowledged"]))]
    assert (found.verdict, found.why) == (Verdict.BROKEN, "the repeat gets another local id")


def test_the_verb_tells_what_to_mend(forgetful: str) -> None:
    """Exit 1, one line for each case, and for a broken one the promise, what was found and what to do."""
    ran = trm("adapter", "check", forgetful, "--case", "killed_before_acknowledged", "--case", "is_described")
    assert ran.exit_code == 1
    assert "ok        is_described\n" in ran.stdout
    assert "BROKEN    killed_before_acknowledged\n" in ran.stdout
    assert "          mend: make the item and its key durable" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "1 kept, 1 broken, 0 not tried"
    told = json.loads(trm("adapter", "check", forgetful, "--case", "is_described", "--json").stdout)
    assert (told["ok"], [case["outcome"] for case in told["cases"]]) == (True, ["kept"])
    listed = json.loads(trm("adapter", "list", "--json").stdout)["adapters"]
    assert ("forgetful", "forgetful") in {(kind["kind"], kind["package"]) for kind in listed}


@pytest.mark.parametrize("words", [["folder", "--node", "x"], ["--case", "is_described"]])
def test_a_kind_and_a_node_are_two_things(words: list[str]) -> None:
    """Wrong usage, exit 2."""
    assert trm("adapter", "check", *words).exit_code == 2


def test_every_case_says_what_it_is_about():
    """A name of its own, a sentence, and what to mend."""
    assert len(BY_NAME) == len(CASES) >= 40
    assert all(case.about.endswith((".", ":")) and case.mend for case in CASES)


def test_an_unknown_case_is_refused():
    """A slip of the pen does not mean that nothing is checked."""
    assert [case.name for case in named(["is_described"])] == ["is_described"]
    with pytest.raises(RefusedError, match="there is no case"):
        named(["is_describd"])


async def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    """With the kinds that there are."""
    with pytest.raises(RefusedError, match="no such kind"):
        _ = [found async for found in examine("fax", tmp_path)]
