"""What is done in a training case: each act is one person's, through the operations that the console uses too.

Whoever begins the case is `ours`, whoever is asked `theirs`. An act is done once (`steps`); it reads the ids that it
needs from the steps before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

from gateway.demo.bodies import Writer
from gateway.demo.cast import AIRPORTS
from gateway.demo.chronicle import Chronicle
from gateway.demo.journey import Journey, Said
from gateway.demo.nodes import format_day
from gateway.demo.training import letters
from gateway.demo.training.clock import LaggingClock
from gateway.demo.training.crew import FOCAL, WORKER, Crew
from gateway.demo.training.personas import Persona
from gateway.demo.training.places import HOSTS
from gateway.demo.training.script import PATHS, Script
from gateway.demo.training.steps import Steps
from gateway.errors import Code, RefusedError
from gateway.ports import Json

PURPOSES = (
    "referral",
    "assistance",
    "family_inquiry",
    "risk_assessment",
    "return",
    "reintegration",
    "monitoring",
)
LONGEST_BEFORE = 2
"""Days of a path on which nobody speaks of the way home."""


class CaseActs:
    """The acts of one case, by name."""

    def __init__(
        self,
        script: Script,
        persona: Persona,
        crews: Mapping[str, Crew],
        *,
        steps: Steps,
        chronicle: Chronicle,
        clock: LaggingClock,
        file: Path,
    ) -> None:
        self.script = script
        self.persona = persona
        self.ours, self.theirs = crews[script.sender], crews[script.recipient]
        self.steps = steps
        self._chronicle = chronicle
        self._clock = clock
        self._file = file

    def do(self, act: str) -> None:
        """Do an act, or nothing where it was done before. Raises GatewayError when a node refuses."""
        self.ACTS[act](self)

    @property
    def case(self) -> str:
        """The id of the case where it was begun."""
        return str(self.steps.answer(self._name("begin"))["id"])

    @property
    def consent(self) -> str:
        """The id of the consent."""
        return str(self.steps.answer(self._name("consent"))["id"])

    @property
    def unread(self) -> Json:
        """The conversation whose request nobody has opened by the script, None where there is none."""
        left = {"sent": "refer", "asked": "ask"}.get(self.script.path)
        return None if left is None or self._name(left) not in self.steps else self.message(left)["conversation"]

    def message(self, what: str) -> dict[str, Json]:
        """Return the id and the conversation of a message that was sent. Raises KeyError."""
        name = self._name(what)
        second = f"{name}.second"
        return self.steps.answer(second if second in self.steps else name)

    def said(
        self, what: str, sender: Crew, to: Crew, said: Said, *, answers: str = "", urgent: bool = False
    ) -> dict[str, Json]:
        """Return the draft of a message of this case. `answers` is what it replies to, or the talk that it goes on."""
        first: dict[str, Json] = {}
        if self._name("refer") in self.steps:
            first = {"conversation": self.message("refer")["conversation"]}
        if answers:
            replied = self.message(answers)
            first = {"conversation": replied["conversation"], "id": replied["id"]}
        draft = Writer(sender.country, self._day(what)).said(said, to.country, first, self.consent)
        header = draft["header"]
        if urgent and isinstance(header, dict):
            header["priority"] = "urgent"
        return {**draft, "case": self.case} if not first and sender is self.ours else draft

    def send(self, what: str, sender: Crew, to: Crew, draft: dict[str, Json]) -> None:
        """Submit a message and release it by as many people as it takes, and wait until it is there."""
        name = self._name(what)
        answer = sender.once(name, WORKER, "message.submit", **draft)
        if answer["state"] == "waiting_second":
            answer = sender.once(f"{name}.second", FOCAL, "draft.release", id=answer["id"])
        message, there = answer["id"], to.country.code
        self._chronicle.wait(
            f"message {message} to be in {to.country.title}",
            lambda event: (event.country, event.id, event.direction) == (there, message, "in"),
        )

    # --- identification and referral ------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.ours.once(self._name("begin"), WORKER, "case.open", label=self.persona.pseudonym, number=self._number())

    def _consent(self) -> None:
        content = Writer(self.ours.country, self._day("consent")).consent(self.ours.country, self.theirs.country)
        grant = content["grants"]
        if not isinstance(grant, list) or not isinstance(grant[0], dict):
            raise TypeError("a consent has grants")
        content |= {
            "language": self.persona.language,
            "grants": [grant[0] | {"purpose": purpose} for purpose in self._purposes()],
        }
        self.ours.once(self._name("consent"), WORKER, "consent.record", case=self.case, content=content)

    def _ask(self) -> None:
        draft = Writer(self.ours.country, self._day("ask")).enquiry(self.theirs.country)
        self.send("ask", self.ours, self.theirs, {**draft, "case": self.case})

    def _offer(self) -> None:
        asked = self.message("ask")
        writer = Writer(self.theirs.country, self._day("offer"))
        offer = letters.write_offer(format_day(self._day("offer"), 30))
        draft = writer.enquiry(self.ours.country) | {"type": offer.type, "content": offer.content}
        answers: dict[str, Json] = {"conversation": asked["conversation"], "in_reply_to": asked["id"]}
        self.send("offer", self.theirs, self.ours, {**draft, **answers})

    def _refer(self) -> None:
        origin = self.script.recipient if self.script.sender in HOSTS else self.script.sender
        said = letters.write_referral(self.persona, origin, returns=self.script.sender in HOSTS)
        draft = self.said("refer", self.ours, self.theirs, said, urgent=self.script.urgent)
        self.send("refer", self.ours, self.theirs, draft)

    def _open(self) -> None:
        self.theirs.once(self._name("open"), WORKER, "message.open", id=self.message("refer")["id"])

    def _question(self) -> None:
        said = letters.write_question("needs", "What is needed in the first days?", blocks=True)
        self.send("question", self.theirs, self.ours, self._reply("question", said, "refer"))

    def _withdraw(self) -> None:
        self.ours.once(self._name("withdraw"), WORKER, "consent.withdraw", id=self.consent)

    def _decline(self) -> None:
        said = letters.write_decline(format_day(self._day("decline"), 30))
        self.send("decline", self.theirs, self.ours, self._reply("decline", said, "refer"))

    def _accept(self) -> None:
        said = letters.write_acceptance(f"{self.script.recipient}-{self.script.key}", self.theirs.country.second)
        self.send("accept", self.theirs, self.ours, self._reply("accept", said, "refer"))
        self.ours.once(self._name("accept.open"), WORKER, "message.open", id=self.message("accept")["id"])

    def _papers(self) -> None:
        said = letters.write_question("documents", "Please send a copy of the travel document.", blocks=False)
        self.send("papers.asked", self.theirs, self.ours, self.said("papers.asked", self.theirs, self.ours, said))
        sealed = self.ours.attach(self._name("file"), WORKER, self._file)
        draft = self.said("papers", self.ours, self.theirs, letters.write_papers(), answers="papers.asked")
        self.send("papers", self.ours, self.theirs, draft | {"message": sealed["message"]})

    # --- assistance and return ------------------------------------------------------------------------------------

    def _plan(self) -> None:
        today = self._day("plan")
        said = letters.write_plan(today.isoformat(), format_day(today, 90))
        self.send("plan", self.theirs, self.ours, self.said("plan", self.theirs, self.ours, said))
        self.send("plan.ours", self.ours, self.theirs, self.said("plan.ours", self.ours, self.theirs, said))

    def _assess(self) -> None:
        said = self._journey("sending").assessment("sending")
        self.send("sending", self.ours, self.theirs, self.said("sending", self.ours, self.theirs, said))
        said = self._journey("receiving").assessment("receiving")
        self.send("receiving", self.theirs, self.ours, self.said("receiving", self.theirs, self.ours, said))
        both = [self.message("sending")["id"], self.message("receiving")["id"]]
        said = self._journey("joint").assessment("joint", based_on=both)
        self.send("joint", self.theirs, self.ours, self.said("joint", self.theirs, self.ours, said))

    def _propose(self) -> None:
        start, goal = AIRPORTS[self.script.sender], AIRPORTS[self.script.recipient]
        said = self._journey("propose").proposal(self.persona.pseudonym, "adult", start=start, goal=goal)
        self.send("propose", self.ours, self.theirs, self.said("propose", self.ours, self.theirs, said))

    def _confirm(self) -> None:
        said = self._journey("confirm").confirmation()
        self.send("confirm", self.theirs, self.ours, self._reply("confirm", said, "propose"))

    def _depart(self) -> None:
        said = self._journey("depart").departure()
        self.send("depart", self.ours, self.theirs, self.said("depart", self.ours, self.theirs, said))

    def _arrive(self) -> None:
        said = self._journey("arrive").arrival()
        self.send("arrive", self.theirs, self.ours, self.said("arrive", self.theirs, self.ours, said))

    # --- monitoring -----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        said = self._journey("settle").plan()
        self.send("settle", self.theirs, self.ours, self.said("settle", self.theirs, self.ours, said))

    def _close(self) -> None:
        said = self._journey("report").monitoring()
        self.send("report", self.theirs, self.ours, self.said("report", self.theirs, self.ours, said))
        said = self._journey("close").closure()
        self.send("close", self.theirs, self.ours, self.said("close", self.theirs, self.ours, said))

    def _agree(self) -> None:
        said = self._journey("agree").agreed()
        self.send("agree", self.ours, self.theirs, self._reply("agree", said, "close"))

    # --- what all of them use -------------------------------------------------------------------------------------

    def _name(self, what: str) -> str:
        return f"{self.script.key}.{what}"

    def _number(self) -> str:
        return f"{self.script.sender}-2026-{self.script.key}"

    def _purposes(self) -> Sequence[str]:
        """What the person agreed to: to be helped, and the way home where it comes to that."""
        return PURPOSES if len(PATHS[self.script.path]) > LONGEST_BEFORE else PURPOSES[:2]

    def _reply(self, what: str, said: Said, answers: str) -> dict[str, Json]:
        sender, to = (self.theirs, self.ours) if what != "agree" else (self.ours, self.theirs)
        return self.said(what, sender, to, said, answers=answers)

    def _now(self, what: str) -> int:
        """The time of a step: the same one when it is done again, so that it asks for the same."""
        at = self.steps.once(f"{self._name(what)}.now", self._clock.now)
        if not isinstance(at, int):
            raise RefusedError(Code.INVALID, "the journal of the training is not as it was written")
        return at

    def _day(self, what: str) -> date:
        return datetime.fromtimestamp(self._now(what), UTC).date()

    def _journey(self, what: str) -> Journey:
        return Journey(self._day(what), self._now(what))

    ACTS: ClassVar[Mapping[str, Callable[[CaseActs], None]]] = {
        "begin": _begin,
        "consent": _consent,
        "ask": _ask,
        "offer": _offer,
        "refer": _refer,
        "open": _open,
        "question": _question,
        "withdraw": _withdraw,
        "decline": _decline,
        "accept": _accept,
        "papers": _papers,
        "plan": _plan,
        "risks": _assess,
        "propose": _propose,
        "confirm": _confirm,
        "depart": _depart,
        "arrive": _arrive,
        "settle": _settle,
        "close": _close,
        "agree": _agree,
    }
    """What the paths of a script are made of."""
