"""A case between two nodes that are processes, which stays open while their programs change.

agree_to_all(fr)                       what FR may say, and what AL may answer
case = Case(pair, conversation)
case.begin()                           referred, and opened at the other side
restart(pair, al, (packages,))         AL goes on with another program
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.ceremony import ADMINS, change, play
from support.nodeproc import UNIT, NodeProcess, Pair
from support.pair import example
from support.policies import open_on, text_of

from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent consent."[:16])


def agree_to_all(fr: NodeProcess, policy: str | None = None) -> None:
    """What the person agreed to, and a policy by which all of it leaves, also before the acceptance; one of this
    program where none is given.
    """
    record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
    record["grants"] = [
        {
            "purpose": "referral",
            "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
            "data_categories": ["identity", "contact", "exploitation", "needs", "immigration", "risk", "documents"],
            "until": "2027-11-30",
        }
    ]
    fr.call("consent.record", by="w-1", number="fr-7f3a", content=record)
    wide = policy or text_of(open_on(("FR", "AL")))
    play(change(ADMINS, "policy.widen", "node", policy=wide), fr.call)


@dataclass
class Case:
    """FR has referred a person to AL; AL asks, FR answers."""

    pair: Pair
    id: str

    def request(self, body_type: str, to: str, **content: Any) -> dict[str, Any]:
        """An example of a type as a message of this case."""
        made = example(body_type, to, consent_ref=CONSENT)
        made["content"] |= content
        return made | {"purpose": "referral", "conversation": self.id}

    def question(self, length: int = 20, body_type: str = "info.request/1") -> dict[str, Any]:
        """A question of so many characters."""
        made = self.request("info.request/1", "FR", blocks_decision=False)
        made["content"]["items"][0]["question"] = "q" * length
        return made | {"type": body_type}

    def begin(self) -> None:
        """The request is there and opened."""
        id = self.send(self.pair.a, self.request("referral.request/1", "AL"))
        self.pair.b.call("message.open", id=id, by="w-2")

    def send(self, node: NodeProcess, request: dict[str, Any]) -> str:
        """Submitted, and in the other side's case system."""
        other = self.pair.a if node is self.pair.b else self.pair.b
        before = other.count()
        id = str(node.call("message.submit", **request)["id"])
        self.pair.until(lambda: other.count() > before or node.state(id) in ("rejected", "failed"))
        assert node.state(id) not in ("rejected", "failed"), node.call("message.show", id=id)
        other.collect()
        return id

    def refused(self, node: NodeProcess, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a draft that is refused."""
        with closing(node.client()) as client:
            status, problem = client.submit(request, b64u(b"k" * 16))
        assert status >= 400, problem
        return dict(problem)

    def standing(self, node: NodeProcess) -> tuple[str, dict[str, str]]:
        """State and outcomes as a node folds them."""
        shown = node.call("conversation.show", id=self.id)
        return shown["standing"][0]["state"], {message["id"]: message["outcome"] for message in shown["messages"]}


def restart(pair: Pair, node: NodeProcess, packages: tuple[Path, ...]) -> None:
    """The node comes back with another program, and is found again."""
    node.stop()
    node.packages = packages
    node.start()
