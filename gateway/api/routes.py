"""The local API as a table: one line per operation. The OpenAPI document and `trm` follow the same names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`operation` is what the desk is asked; path and query parameters and the JSON body become its arguments.

    `keyed`: it needs an Idempotency-Key. `matched`: it needs If-Match. `paged`: its answer may have a `next`. `takes`
    and `gives`: body or answer is a file as a stream, and arguments stand in the query.
    """

    method: str
    path: str
    operation: str
    summary: str
    keyed: bool = False
    matched: bool = False
    paged: bool = False
    takes: bool = False
    gives: bool = False


PREFIX = "/api/v1"

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST", path="/messages", operation="message.submit", summary="submit and release a message", keyed=True
    ),
    Route(method="POST", path="/messages/preview", operation="message.preview", summary="what of it would leave"),
    Route(method="GET", path="/messages", operation="message.list", summary="messages, newest first", paged=True),
    Route(method="GET", path="/messages/{id}", operation="message.show", summary="one message with its receipts"),
    Route(
        method="POST",
        path="/messages/{id}/ack",
        operation="message.ack",
        summary="the desk has taken an incoming message",
    ),
    Route(method="POST", path="/messages/{id}/open", operation="message.open", summary="a person has opened it"),
    Route(
        method="POST", path="/messages/resend", operation="message.resend_many", summary="try many again, or count them"
    ),
    Route(method="POST", path="/messages/{id}/resend", operation="message.resend", summary="try now"),
    Route(method="POST", path="/messages/{id}/cancel", operation="message.cancel", summary="cancel or void"),
    Route(method="POST", path="/messages/{id}/erase", operation="message.erase", summary="a person erases it"),
    Route(
        method="GET", path="/messages/{id}/attachments", operation="attachment.list", summary="the files of a message"
    ),
    Route(
        method="GET",
        path="/messages/{id}/attachments/{part}",
        operation="attachment.read",
        summary="one file, as a stream",
        gives=True,
    ),
    Route(method="POST", path="/attachments", operation="attachment.add", summary="seal a file", takes=True),
    Route(method="GET", path="/attachments", operation="attachment.moving", summary="files that are on their way"),
    Route(
        method="GET",
        path="/attachments/{id}",
        operation="attachment.waiting",
        summary="the files that wait for a message that was not sent",
    ),
    Route(
        method="POST",
        path="/attachments/{id}/discard",
        operation="attachment.discard",
        summary="forget the files of a message that was not sent",
    ),
    Route(
        method="GET",
        path="/inbox",
        operation="inbox.list",
        summary="what nobody has taken yet, oldest first",
        paged=True,
    ),
    Route(method="POST", path="/drafts", operation="draft.save", summary="keep a draft for a person to release"),
    Route(method="PUT", path="/drafts/{id}", operation="draft.change", summary="change a draft", matched=True),
    Route(method="GET", path="/drafts", operation="draft.list", summary="drafts that wait for a person", paged=True),
    Route(method="GET", path="/drafts/{id}", operation="draft.show", summary="one draft"),
    Route(method="GET", path="/drafts/{id}/preview", operation="draft.preview", summary="what of it would leave"),
    Route(method="POST", path="/drafts/{id}/release", operation="draft.release", summary="a named person releases it"),
    Route(method="POST", path="/drafts/{id}/discard", operation="draft.discard", summary="a named person discards it"),
    Route(
        method="GET",
        path="/conversations",
        operation="conversation.list",
        summary="conversations, most recent first",
        paged=True,
    ),
    Route(
        method="GET",
        path="/conversations/due",
        operation="conversation.due",
        summary="who owes what until when",
        paged=True,
    ),
    Route(
        method="POST",
        path="/conversations/{id}/contact",
        operation="contact.advise",
        summary="may the person be reached so now, and who must not be told",
    ),
    Route(method="GET", path="/conversations/{id}", operation="conversation.show", summary="one conversation in order"),
    Route(
        method="GET",
        path="/conversations/{id}/writable",
        operation="conversation.writable",
        summary="what may be written now, and what it would answer",
    ),
    Route(
        method="POST", path="/conversations/{id}/erase", operation="conversation.erase", summary="a person erases it"
    ),
    Route(method="POST", path="/retention/run", operation="retention.run", summary="erase what may be kept no longer"),
    Route(method="GET", path="/erasures", operation="erasure.list", summary="what peers asked to be erased"),
    Route(method="POST", path="/erasures/{id}/follow", operation="erasure.follow", summary="a person follows it now"),
    Route(method="POST", path="/erasures/{id}/refuse", operation="erasure.refuse", summary="keep it on a legal ground"),
    Route(method="GET", path="/holds", operation="retention.list", summary="legal holds"),
    Route(method="POST", path="/holds/{id}", operation="retention.hold", summary="nothing of it is erased"),
    Route(method="POST", path="/holds/{id}/release", operation="retention.release", summary="lift a legal hold"),
    Route(method="GET", path="/alerts", operation="alert.list", summary="safety alerts that nobody has taken"),
    Route(
        method="POST", path="/alerts/{id}/acknowledge", operation="alert.acknowledge", summary="a named person takes it"
    ),
    Route(method="GET", path="/asylum-holds", operation="asylum.list", summary="asylum holds"),
    Route(
        method="POST",
        path="/asylum-holds/{id}",
        operation="asylum.hold",
        summary="nothing of it goes to the State of nationality",
    ),
    Route(
        method="POST", path="/asylum-holds/{id}/lift", operation="asylum.lift", summary="two people lift an asylum hold"
    ),
    Route(method="POST", path="/consents", operation="consent.record", summary="record a consent that a person gave"),
    Route(method="GET", path="/consents", operation="consent.list", summary="consents held here", paged=True),
    Route(method="GET", path="/consents/{id}", operation="consent.show", summary="one consent"),
    Route(
        method="POST", path="/consents/{id}/withdraw", operation="consent.withdraw", summary="withdraw, never blocked"
    ),
    Route(method="POST", path="/statistics", operation="statistics.make", summary="count a period that is over, once"),
    Route(method="GET", path="/statistics", operation="statistics.list", summary="periods that were released"),
    Route(
        method="GET", path="/statistics/{id}", operation="statistics.show", summary="the released tables of a period"
    ),
    Route(
        method="POST",
        path="/statistics/requests/{id}/draft",
        operation="statistics.draft",
        summary="a draft that answers a request",
    ),
    Route(method="GET", path="/node", operation="node.show", summary="identity, fingerprint, keys, queues, alarms"),
    Route(method="GET", path="/node/status", operation="node.status", summary="queues, failures, storage, log"),
    Route(method="GET", path="/node/ready", operation="node.ready", summary="whether messages can come and go"),
    Route(method="GET", path="/node/pairing", operation="node.pairing", summary="the pairing file for another country"),
    Route(method="GET", path="/keys", operation="keys.list", summary="keys with their ages"),
    Route(
        method="POST", path="/keys/rotate-epoch", operation="keys.rotate_epoch", summary="start a new storage epoch now"
    ),
    Route(
        method="POST", path="/keys/request", operation="keys.request", summary="make keys, ask for the next descriptor"
    ),
    Route(
        method="POST", path="/keys/publish", operation="keys.publish", summary="publish a descriptor that roots signed"
    ),
    Route(
        method="POST", path="/keys/rotate-enc", operation="keys.rotate_enc", summary="destroy every encryption key now"
    ),
    Route(method="GET", path="/keys/tombstone", operation="keys.tombstone", summary="the request for a tombstone"),
    Route(method="POST", path="/keys/end", operation="keys.end", summary="publish this node's own tombstone"),
    Route(method="GET", path="/keys/proofs/{id}", operation="keys.proof", summary="the portable proof of an alarm"),
    Route(method="POST", path="/tombstones", operation="peer.tombstone", summary="take the tombstone of a peer"),
    Route(method="GET", path="/reviews", operation="review.list", summary="messages under a key revoked since"),
    Route(method="POST", path="/reviews/{id}/settle", operation="review.settle", summary="a named person has looked"),
    Route(method="GET", path="/peers", operation="peer.list", summary="peers"),
    Route(method="POST", path="/peers", operation="peer.add", summary="propose a peer from its descriptor chain"),
    Route(method="GET", path="/peers/{id}", operation="peer.show", summary="one peer"),
    Route(method="GET", path="/peers/{id}/code", operation="peer.code", summary="the 60 digits to compare"),
    Route(method="GET", path="/peers/{id}/scope", operation="peer.scope", summary="what we permit the peer"),
    Route(method="GET", path="/admins", operation="admin.list", summary="administrators, and what is pending of them"),
    Route(method="GET", path="/changes", operation="change.list", summary="changes of trust, newest first"),
    Route(method="POST", path="/changes", operation="change.propose", summary="a change with its first approval"),
    Route(method="POST", path="/changes/prepare", operation="change.prepare", summary="the exact change to be signed"),
    Route(method="GET", path="/changes/{id}", operation="change.show", summary="one change and who approved it"),
    Route(method="POST", path="/changes/{id}/approve", operation="change.approve", summary="another person approves"),
    Route(method="POST", path="/changes/{id}/withdraw", operation="change.withdraw", summary="give a change up"),
    Route(method="GET", path="/policy", operation="policy.show", summary="the corridor policy and who adopted it"),
    Route(
        method="POST", path="/peers/{id}/ping", operation="peer.ping", summary="check the way to a peer step by step"
    ),
    Route(method="POST", path="/peers/{id}/probe", operation="peer.probe", summary="send a test message the whole way"),
    Route(method="GET", path="/probes/{id}", operation="peer.probed", summary="how far a test message has come"),
    Route(method="GET", path="/schemas", operation="schema.list", summary="what may be said"),
    Route(method="GET", path="/schemas/{id}", operation="schema.show", summary="one published schema"),
    Route(method="POST", path="/schemas/check", operation="schema.check", summary="check a draft, send nothing"),
    Route(method="GET", path="/codes", operation="code.list", summary="the code lists"),
    Route(method="GET", path="/codes/{id}", operation="code.show", summary="one code list in a language"),
    Route(method="GET", path="/directory", operation="directory.list", summary="units of all countries, by descriptor"),
    Route(method="POST", path="/directory/search", operation="directory.search", summary="whom to ask, in any words"),
    Route(
        method="POST",
        path="/directory",
        operation="directory.publish",
        summary="this country's offices, to every active peer",
    ),
    Route(
        method="GET",
        path="/directory/own",
        operation="directory.own",
        summary="what this node told last, to be changed",
    ),
    Route(method="GET", path="/directory/{id}", operation="directory.show", summary="what a country says of itself"),
    Route(method="GET", path="/guidance", operation="guidance.list", summary="texts of the guidance library"),
    Route(method="POST", path="/guidance/search", operation="guidance.search", summary="texts by words"),
    Route(method="GET", path="/guidance/{id}", operation="guidance.show", summary="one text with its sources"),
    Route(method="GET", path="/evidence/{id}", operation="evidence.export", summary="proof of one conversation"),
    Route(method="GET", path="/audit", operation="audit.show", summary="entries, checkpoints and witnesses of the log"),
    Route(method="GET", path="/audit/entries", operation="audit.list", summary="entries, newest first", paged=True),
    Route(method="GET", path="/audit/reads", operation="audit.reads", summary="who was shown what content", paged=True),
    Route(method="GET", path="/audit/verify", operation="audit.verify", summary="examine every entry of the log"),
    Route(method="GET", path="/audit/export", operation="audit.export", summary="a page of lines for an auditor"),
    Route(method="GET", path="/alarms", operation="alarm.list", summary="what a person has to look at", paged=True),
    Route(method="POST", path="/alarms/{id}/dismiss", operation="alarm.dismiss", summary="a named person has seen it"),
    Route(method="GET", path="/adapter", operation="adapter.check", summary="the case system's adapter, checked"),
    Route(method="GET", path="/webhooks", operation="webhook.list", summary="systems that are told what happens"),
    Route(method="POST", path="/backups", operation="backup.make", summary="two encrypted files for the recovery key"),
    Route(method="GET", path="/tokens", operation="token.list", summary="tokens of this API, without their secrets"),
    Route(method="POST", path="/tokens", operation="token.new", summary="make a token for one role; shown once"),
    Route(method="POST", path="/tokens/{id}/revoke", operation="token.revoke", summary="end a token at once"),
    Route(method="GET", path="/people", operation="person.list", summary="who works at the console"),
    Route(method="POST", path="/people", operation="person.add", summary="invite somebody new; the code is shown once"),
    Route(method="POST", path="/people/{id}/change", operation="person.change", summary="other roles, another unit"),
    Route(
        method="POST", path="/people/{id}/invite", operation="person.invite", summary="let a person make a new passkey"
    ),
    Route(method="POST", path="/people/{id}/sign-out", operation="person.sign_out", summary="end their sessions"),
    Route(method="POST", path="/people/{id}/end", operation="person.end", summary="a person works here no more"),
)
