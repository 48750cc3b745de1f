"""The history of a case in the reader's words: verdict first, four answers, acts, looks, erasures, proof.

Its page and its file are made of the same text. It names people of this node, and countries; never the person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gateway.console.events import Events
from gateway.console.papers.paper import Paper, Table
from gateway.console.states import RECEIPTS, Says
from gateway.console.states import Table as States
from gateway.console.words import N_, Words

VERDICTS: States = {
    "complete": N_("Complete and unchanged"),
    "incomplete": N_("Not complete"),
    "broken": N_("The log does not hold"),
}
WHO: States = {
    "owner": N_("the owner of the node"),
    "token": N_("a program"),
    "user": N_("a user of the case system"),
    "unknown": N_("somebody whom this node cannot name"),
    "person": N_("somebody whom this node cannot name"),
}
PLACES: States = {
    "here": N_("At this node"),
    "case_system": N_("In the case system"),
    "backups": N_("In backups"),
}
NOTHING = "–"


class HistoryText:
    """Writes the history of one case in one language; `at` formats a moment."""

    def __init__(self, found: Mapping[str, Any], words: Words, at: Callable[[int], str]) -> None:
        self._found = found
        self._words = words
        self._events = Events(words)
        self._at = at

    def write(self) -> Paper:
        """The whole paper."""
        found, words = self._found, self._words
        return Paper(
            title=words("History of case %(name)s", name=name_case(found)),
            mark=name_case(found),
            about=[
                self._list(f"{words.country(one['peer'])} {one['reference']}" for one in found["references"]),
                words("No name of the person and nothing that messages say stands here."),
            ],
            good=found["verdict"] == "complete",
            verdict=words(VERDICTS[found["verdict"]]),
            detail=self._detail(),
            answers=self._answers(),
            tables=[self._acts(), self._looks(), self._erased()],
            proof_title=words("What proves it"),
            proof=self._proof(),
        )

    def _detail(self) -> str:
        found, words = self._found, self._words
        if found["verdict"] == "broken":
            place = found["broken_at"]["place"]
            return words(
                "The first bad place of the log is %(place)s. What stands below is proven by nothing.", place=place
            )
        if found["verdict"] == "incomplete":
            return words.many(
                "The log has no entry of %(n)s message of this case.",
                "The log has no entry of %(n)s messages of this case.",
                found["missing"],
            )
        covered = {one["covered"] for one in found["acts"]} - {None}
        if covered <= {"witnessed"}:
            return words("Every entry of this case was signed by this node and witnessed by other countries.")
        if covered <= {"witnessed", "signed"}:
            return words(
                "Every entry of this case was signed by this node; other countries have not witnessed all of them."
            )
        return words("The newest entries of this case wait for the next checkpoint; all before them are signed.")

    def _answers(self) -> list[tuple[str, str]]:
        found, words = self._found, self._words
        acting = {(who["kind"], who["name"]) for one in found["acts"] for who in one["by"]}
        looking = {(one["by"]["kind"], one["by"]["name"]) for one in found["looks"]}
        consents = {one["basis"]["consent"] for one in found["acts"] if one["basis"]} - {None}
        here = next(one for one in found["erased"] if one["place"] == "here")
        erased = words("%(n)s of %(all)s messages", n=here["erased"], all=here["messages"])
        return [
            (
                words("What was done"),
                self._list(
                    [words.many("%(n)s act", "%(n)s acts", len(found["acts"])), self._people(len(acting))],
                ),
            ),
            (words("On which basis"), words.many("%(n)s consent", "%(n)s consents", len(consents))),
            (words("Who saw it here"), self._people(len(looking))),
            (words("What was erased"), erased if here["erased"] else words("nothing yet")),
        ]

    def _people(self, n: int) -> str:
        return self._words.many("%(n)s person or program here", "%(n)s people or programs here", n)

    def _acts(self) -> Table:
        words = self._words
        return Table(
            id="acts",
            title=words("What was done, by whom, on which basis"),
            heads=[
                words("When"),
                words("What"),
                words("By whom"),
                words("Basis"),
                words("Entry"),
                words("Vouched for"),
            ],
            rows=[
                (
                    self._moment(one["at"]),
                    self._name_act(one),
                    self._list(map(self._name_who, one["by"])),
                    self._basis(one["basis"]),
                    NOTHING if one["entry"] is None else str(one["entry"]),
                    NOTHING if one["covered"] is None else self._events.covered(one["covered"]),
                )
                for one in self._found["acts"]
            ],
            empty=words("There is nothing here."),
        )

    def _looks(self) -> Table:
        words = self._words
        return Table(
            id="looks",
            title=words("Who saw it here"),
            heads=[words("First on that day"), words("Who"), words("What")],
            rows=[
                (
                    self._moment(one["at"]),
                    self._name_who(one["by"]),
                    self._with_message(self._events.read(one["what"]), one),
                )
                for one in self._found["looks"]
            ]
            + ([(NOTHING, words("Older ones"), words("Who was shown what"))] if self._found["more_looks"] else []),
            empty=words("Nobody was shown any of it."),
        )

    def _erased(self) -> Table:
        words = self._words
        return Table(
            id="erased",
            title=words("What was erased, where"),
            heads=[words("Place"), words("Messages"), words("Erased"), words("When")],
            rows=[
                (
                    words(PLACES[one["place"]]) if one["peer"] is None else words.country(one["peer"]),
                    str(one["messages"]),
                    NOTHING if one["place"] == "backups" else str(one["erased"]),
                    self._when(one),
                )
                for one in self._found["erased"]
            ]
            + [(words("Legal hold"), NOTHING, NOTHING, self._hold(one)) for one in self._found["holds"]],
            empty=words("There is nothing here."),
        )

    def _hold(self, hold: Mapping[str, Any]) -> str:
        words = self._words
        return f"{words('Until')} {words.date(hold['until'])}. {Says(words).reason(hold['ground'], 'kept_ground')}"

    def _when(self, place: Mapping[str, Any]) -> str:
        words = self._words
        if place["until"] is not None:
            return words("the last copy ends %(when)s", when=self._at(place["until"]))
        return NOTHING if place["at"] is None else self._at(place["at"])

    def _proof(self) -> list[tuple[str, str]]:
        found, words = self._found, self._words
        log, point = found["log"], found["checkpoint"]
        seen = (log["witnessed"] or log["partly_witnessed"] or {"by": []})["by"]
        return [
            (words("Log"), self._list((log["origin"], str(log["entries"])))),
            (
                words("Signed by us"),
                NOTHING if point is None else self._list((str(point["size"]), self._at(point["at"]), point["root"])),
            ),
            (
                words("Witnessed by others"),
                self._list(f"{words.country(one['peer'])} {self._at(one['at'])}" for one in seen)
                if seen
                else words("nobody"),
            ),
            (words("Fingerprint"), found["fingerprint"]),
            (words("Examined"), self._at(found["now"])),
        ]

    def _list(self, parts: Iterable[str]) -> str:
        return self._words.comma.join(parts) or NOTHING

    # --- one cell -----------------------------------------------------------------------------------------------

    def _moment(self, at: int) -> str:
        """A moment that stands in one line of its column."""
        return self._at(at).replace(" ", "\u00a0")

    def _name_act(self, act: Mapping[str, Any]) -> str:
        said = self._events.event(act["event"])
        if act["status"] in RECEIPTS:
            said = self._words(RECEIPTS[act["status"]])
        elif act["status"] is not None and act["message"] is not None:
            said = Says(self._words).message(act["message"]["direction"], act["status"])
        return self._with_message(said, act)

    def _with_message(self, said: str, told: Mapping[str, Any]) -> str:
        about = told["message"]
        if about is None:
            return said
        way = self._words("To") if about["direction"] == "out" else self._words("From")
        kind = NOTHING if about["kind"] is None else self._words.message(about["kind"])
        return f"{said}{self._words.colon}{kind}. {way} {self._words.country(about['peer'])}"

    def _name_who(self, who: Mapping[str, Any]) -> str:
        return who["name"] or self._words(WHO[who["kind"]])

    def _basis(self, basis: Mapping[str, Any] | None) -> str:
        if basis is None:
            return NOTHING
        words = self._words
        said = [words("consent of %(when)s", when=self._at(basis["consent"]))] if basis["consent"] is not None else []
        said += [words("danger to life")] if basis["vital_interest"] else []
        said += [words.code("legal_basis", code) for code in basis["legal_basis"]]
        return words.semicolon.join(said) or NOTHING


def name_case(case: Mapping[str, Any]) -> str:
    """What an auditor calls a case: its number here, else the reference that a country has, else how its id begins."""
    references: Sequence[Mapping[str, Any]] = case["references"]
    return str(case["number"] or next((one["reference"] for one in references), case["id"][:6]))
