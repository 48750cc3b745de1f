"""The tour: ten tasks for somebody who is new to the console, and whether each is done, by what the nodes say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.demo.training.crew import FOCAL, WATCHED, Crew
from gateway.demo.training.desk import ALIKE
from gateway.demo.training.personas import Persona
from gateway.demo.training.play import Training
from gateway.demo.training.script import Script, draw_cases
from gateway.demo.training.steps import Steps
from gateway.errors import Code, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json


@dataclass(frozen=True, slots=True)
class Told:
    """What the checks look at: France's people, who may read cases, and the ids of the training."""

    crew: Crew
    steps: Steps

    def ask(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Ask France's node as its focal point."""
        return self.crew.ask(FOCAL, operation, **arguments)

    def id(self, step: str, member: str = "id") -> str:
        """Return the id that a step was given."""
        second = f"{step}.second"
        return str(self.steps.answer(second if second in self.steps else step)[member])


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task: who does it, what to do, what one sees at the end. `done` is None where no state of a node shows it;
    `about` is the word of the case in the script.
    """

    title: str
    who: str
    what: str
    end: str
    about: str
    done: Callable[[Told], bool] | None = None


def _find(tour: str) -> tuple[Script, Persona]:
    return next((script, persona) for script, persona in draw_cases() if script.tour == tour)


def _name(tour: str) -> str:
    return _find(tour)[1].pseudonym


def _step(tour: str, what: str) -> str:
    return f"{_find(tour)[0].key}.{what}"


def _state(told: Told, tour: str) -> str:
    """How France sees the conversation of a case."""
    shown = told.ask("conversation.show", id=told.id(_step(tour, "refer"), "conversation"))
    return str(list_objects(shown, "standing")[0]["state"])


def _decided(told: Told) -> bool:
    return _state(told, "overdue") not in ("delivered", "under_review", "info_requested")


def _answered(told: Told) -> bool:
    return _state(told, "question") != "info_requested"


def _released(told: Told) -> bool:
    return str(told.ask("draft.show", id=told.id("desk.draft"))["state"]) == "released"


def _withdrawn(told: Told) -> bool:
    states = {which: told.ask("consent.show", id=told.id(_step(which, "consent")))["state"] for which in ALIKE}
    return states == {"right": "withdrawn", "wrong": "active"}


def _alert_taken(told: Told) -> bool:
    return told.id(_step("alert", "alert")) not in {one["id"] for one in list_objects(told.ask("alert.list"), "alerts")}


def _opened(told: Told) -> bool:
    return told.ask("message.show", id=told.id(_step("new", "refer")), direction="in")["state"] == "opened"


def _joined(told: Told) -> bool:
    shown = told.ask("case.show", id=told.id(_step("twin", "begin")))
    return any(one["state"] == "done" for one in list_objects(shown, "changes") if one["id"] == _change(told))


def _change(told: Told) -> str:
    return told.id("desk.join", "change")


def _assigned(told: Told) -> bool:
    wanted, found = told.id(_step("assign", "begin")), told.ask("case.find", text=_name("assign"))
    return any(one["id"] == wanted and one["worker"] is not None for one in list_objects(found, "cases"))


def _lifted(told: Told) -> bool:
    return not list_objects(told.ask("case.show", id=told.id(_step("hold", "begin"))), "case_holds")


TASKS: Sequence[Task] = (
    Task(
        title="Find the overdue case, and decide",
        who="FR focal point",
        what=f"Albania asked for help for {_name('overdue')} more than two weeks ago. Find the case without typing its "
        "name: by what is overdue, and owed by you. Read what is asked, and accept or decline.",
        end="The case is gone from what you owe; its page says that you have decided.",
        about="overdue",
        done=_decided,
    ),
    Task(
        title="Answer the question of Albania",
        who="FR case worker",
        what=f"Albania will not decide about {_name('question')} before it knows what is needed in the first days. "
        "Write the answer from the page of the case.",
        end="The case waits for Albania again; the question has its answer under it.",
        about="question",
        done=_answered,
    ),
    Task(
        title="Release with a second person",
        who="FR focal point",
        what=f"A colleague has written and released a referral of {_name('draft')}; it waits for you. Read "
        "exactly what leaves, and release it too.",
        end="It is approved for sending, and a moment later it is at Albania's node.",
        about="draft",
        done=_released,
    ),
    Task(
        title="Withdraw the right consent",
        who="FR case worker",
        what=f"{ALIKE['right']} has called and takes her consent back. There is a case called {ALIKE['wrong']}, too. "
        "Look at whose consent it is, what stops and who is told before you withdraw it.",
        end=f"The consent of {ALIKE['right']} is withdrawn, Albania is told, and that of {ALIKE['wrong']} holds.",
        about="right",
        done=_withdrawn,
    ),
    Task(
        title="Take the alert",
        who="FR focal point",
        what=f"Albania has not heard of {_name('alert')}, who was on the way. Take the alert, and say what "
        "you have begun.",
        end="The banner is gone from every page, and Albania sees who has taken it.",
        about="alert",
        done=_alert_taken,
    ),
    Task(
        title="Take up what came in",
        who="FR case worker",
        what=f"A request about {_name('new')} came from Albania this morning and nobody has opened it. "
        "Find it among the new messages and open it.",
        end="It is no longer new, and Albania sees that a person has opened it.",
        about="new",
        done=_opened,
    ),
    Task(
        title="Confirm that two cases are one person",
        who="FR focal point",
        what=f"A colleague asks that {_name('same')} becomes part of the case {_name('twin')}. Read the reason, and "
        "confirm it.",
        end="There is one case with everything of both; two people can undo it.",
        about="twin",
        done=_joined,
    ),
    Task(
        title="Give a case to a colleague",
        who="FR focal point",
        what=f"Nobody looks after {_name('assign')}. Let the case worker do it.",
        end="The case is in the case worker's own list.",
        about="assign",
        done=_assigned,
    ),
    Task(
        title="Lift a hold that is over",
        who="FR focal point",
        what=f"Nothing of {_name('hold')} may be erased, since a court asked for it. The court needs nothing more: "
        "lift the hold.",
        end="The page of the case shows no hold.",
        about="hold",
        done=_lifted,
    ),
    Task(
        title="Answer the auditor's question",
        who="FR auditor",
        what="Was anything erased today, by whom, and is the log complete? Find the entry, and let the "
        "node verify its log.",
        end="One case was erased as no longer needed, and the log verifies. No content is shown.",
        about="erased",
    ),
)


def check_tour(training: Training) -> list[tuple[Task, str]]:
    """Return each task of which the case is there, with `done`, `to do`, `gone`, or that a person has to look."""
    steps, told = training.steps, Told(training.crews[WATCHED], training.steps)
    there = [task for task in TASKS if f"{_find(task.about)[0].key}.begin" in steps]
    return [(task, _check(task, told)) for task in there]


def _check(task: Task, told: Told) -> str:
    if task.done is None:
        return "look yourself"
    try:
        return "done" if task.done(told) else "to do"
    except RefusedError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return "gone"
