"""What ``trm evidence verify`` tells: words for people, and the same for programs. Nothing of a body is in it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.evidence.weighing import Verdict
from gateway.foundation.ids import ConversationId
from keys.primitives.encoding import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """One signature in words: what it says, what it is worth, and each caveat, which another verifier words alike."""

    verdict: Verdict
    line: str
    caveats: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join((self.line, *self.caveats))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReport:
    """One message in words. `disclosed`: the content is shown and is what was signed; `fields`: the pointers of what is
    shown of it otherwise. Times are Unix seconds.

    `shown` is what the content proves, beside the signatures.
    """

    id: str
    body_type: str
    sender: str
    recipient: str
    created: int
    n: int
    statuses: tuple[tuple[str, int], ...]
    disclosed: bool
    fields: tuple[str, ...]
    signatures: tuple[SignatureReport, ...]
    shown: tuple[str, ...]
    not_proven: tuple[str, ...]

    @property
    def proven(self) -> tuple[str, ...]:
        """What is proven, a line each."""
        return (*self._lines(Verdict.PROVEN), *self.shown)

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Signatures that hold, by keys of which nobody knows that they were good then."""
        return self._lines(Verdict.IN_DOUBT)

    @property
    def disputed(self) -> tuple[str, ...]:
        """Signatures that their node disowns, and that a witness saw before it did."""
        return self._lines(Verdict.DISPUTED)

    def _lines(self, verdict: Verdict) -> tuple[str, ...]:
        return tuple(str(signature) for signature in self.signatures if signature.verdict is verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a bundle proves. `warnings` are contradictions in what was signed; `two_contents` are those of them that
    nobody but the node itself can have signed.
    """

    conversations: tuple[ConversationId, ...]
    parties: tuple[str, ...]
    log: tuple[str, ...]
    messages: tuple[MessageReport, ...]
    warnings: tuple[str, ...]
    two_contents: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def doubts(self) -> int:
        """How many signatures are in doubt."""
        return sum(len(message.in_doubt) for message in self.messages)

    @property
    def disputes(self) -> int:
        """How many signatures are disputed."""
        return sum(len(message.disputed) for message in self.messages)

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, to be printed one under the other."""
        found = [f"conversation {' and '.join(self.conversations)}"]
        found += [f"party: {party}" for party in self.parties]
        found += [f"log: {line}" for line in self.log]
        for place, message in enumerate(self.messages, 1):
            found.append(f"message {place} of {len(self.messages)}: {message.body_type}, id {message.id}")
            found += [f"  proven: {line}" for line in message.proven]
            found += [f"  in doubt: {line}" for line in message.in_doubt]
            found += [f"  disputed: {line}" for line in message.disputed]
            found += [f"  not proven: {line}" for line in message.not_proven]
        found += [f"warning: {line}" for line in self.warnings]
        return (*found, *(f"not proven by this file: {line}" for line in self.limits))

    def to_json(self) -> dict[str, Json]:
        """Return the report as JSON for programs: the same lines, each under its heading."""
        messages: list[Json] = [
            {
                "id": message.id,
                "type": message.body_type,
                "from": message.sender,
                "to": message.recipient,
                "created": message.created,
                "n": message.n,
                "receipts": [{"status": status, "at": at} for status, at in message.statuses],
                "disclosed": message.disclosed,
                "fields": list(message.fields),
                "proven": list(message.proven),
                "in_doubt": list(message.in_doubt),
                "disputed": list(message.disputed),
                "not_proven": list(message.not_proven),
            }
            for message in self.messages
        ]
        return {
            "conversation": self.conversations[0] if len(self.conversations) == 1 else None,
            "conversations": [*self.conversations],
            "parties": list(self.parties),
            "log": list(self.log),
            "messages": messages,
            "warnings": list(self.warnings),
            "two_contents": list(self.two_contents),
            "limits": list(self.limits),
        }
