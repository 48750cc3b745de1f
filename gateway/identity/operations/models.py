"""What is asked and answered about the keys of this node, and about messages under a key revoked since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gateway.cases.operations.models import OfCase
from gateway.foundation.ids import KeyId, NodeId
from gateway.operations.ids import AlarmId, MessageId
from gateway.operations.models import Answer, Asked, Count, Flag, Object, OneOf, Text, Time
from keys.documents.key_records import Use

KINDS: Mapping[str, frozenset[Use]] = {
    "sig": frozenset({Use.SIG}),
    "log": frozenset({Use.LOG, Use.WIT}),
    "http": frozenset({Use.HTTP}),
}
"""What can be rotated by name; `log` stands for both keys of the audit log."""

Document = Annotated[Object, Field(description="a signed document, as `trm` writes it into a file")]
Took = Annotated[Object, Field(description="by peer, whether it took it at once")]


class Revoke(Asked):
    """Keys that are not to be trusted any more."""

    kids: list[Text]
    since: Annotated[int, Field(ge=0, le=2**40, description="Unix seconds")] | None = None
    reason: Text = Field(default="compromised", description="a word, lower case")


class NewRoots(Asked):
    """A new list of roots."""

    public: list[Object]
    threshold: Annotated[int, Field(ge=0, le=9)] | None = None


class RequestKeys(Asked):
    """What the next descriptor changes."""

    rotate: list[Annotated[str, OneOf(*KINDS)]] = Field(default_factory=list)
    at_once: Flag = False
    revoke: Revoke | None = None
    roots: NewRoots | None = None


class PublishDescriptor(Asked):
    """A descriptor that enough root holders signed."""

    document: Document


class TakeTombstone(Asked):
    """A tombstone that all root holders signed."""

    tombstone: Document


class OneAlarm(Asked):
    """An alarm by its number."""

    id: AlarmId


class OneReview(Asked):
    """A message that somebody has looked at."""

    id: MessageId


class Invite(Asked):
    """An invitation for one more machine; the file of it is written by whoever has the key store and its passphrase."""

    invitation: Text
    half: Text


class OneMachine(Asked):
    """A machine by the id that `keys.machines` tells."""

    machine: Text


class Invited(Answer):
    """Until when an invitation counts."""

    until: Time


class Machine(Answer):
    """A machine that has the keys of this node; `behind` where it has not followed the newest change of them."""

    machine: str
    host: str
    since: Time
    seen: Time
    behind: bool
    here: bool


class Machines(Answer):
    """The machines that have the keys of this node; none where its rows are in its folder."""

    machines: list[Machine]


class Retired(Answer):
    """A machine that has the keys no more, and how its key store stood."""

    machine: str
    host: str
    behind: bool


class Requested(Answer):
    """What root holders sign for the next descriptor."""

    version: Count
    request: Document


class Published(Answer):
    """The descriptor in force now."""

    version: Count
    hash: str
    took: Took
    expires: Time
    fingerprint: str
    silent: list[str] = Field(description="uses of keys for which nothing can be signed now: make a new request")


class Renewed(Answer):
    """Encryption keys that are gone, and the keyset that shows the new one."""

    destroyed: Count
    keyset: Count


class Epoch(Answer):
    """The storage epoch that begins."""

    epoch: int


class TombstoneRequest(Answer):
    """What all root holders sign."""

    request: Document


class Ended(Answer):
    """The end of this node id."""

    node: NodeId
    took: Took


class Buried(Answer):
    """The end of a peer."""

    name: str
    node: NodeId
    new: bool


class Proof(Answer):
    """A portable proof of two descriptors under one version."""

    node: NodeId
    version: Count
    proof: Document


class Review(Answer):
    """A received message whose key was revoked from before it came."""

    message: MessageId
    of_case: OfCase = None
    peer: str
    kid: KeyId
    received: Time


class Reviews(Answer):
    """Messages that nobody has looked at yet."""

    reviews: list[Review]


class Reviewed(Answer):
    """A message that was looked at."""

    message: MessageId
