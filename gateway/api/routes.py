"""The local API as a table: one line per operation. The OpenAPI document and `trm` follow the same names."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.strict_json import DEPTH

BODY_LIMIT = 1_500_000
"""Bytes of JSON in a request."""
BATCH_LIMIT = 4 * 1024 * 1024
"""Bytes of a call with many messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`operation` is what the desk is asked; path and query parameters and the JSON body become its arguments.

    `keyed`: it needs an Idempotency-Key. `matched`: it needs If-Match. `paged`: its answer may have a `next`. `takes`
    and `gives`: body or answer is a file as a stream, and arguments stand in the query. `largest` and `deepest`: the
    bytes and levels that a body has at most.
    """

    method: str
    path: str
    operation: str
    keyed: bool = False
    matched: bool = False
    paged: bool = False
    takes: bool = False
    gives: bool = False
    largest: int = BODY_LIMIT
    deepest: int = DEPTH


PREFIX = "/api/v1"

ROUTES: tuple[Route, ...] = (
    Route(method="POST", path="/messages", operation="message.submit", keyed=True),
    Route(
        method="POST",
        path="/messages/batch",
        operation="message.submit_many",
        keyed=True,
        largest=BATCH_LIMIT,
        deepest=DEPTH + 3,  # a draft of it stands in an item of a list of an object
    ),
    Route(method="POST", path="/messages/preview", operation="message.preview"),
    Route(method="GET", path="/messages", operation="message.list", paged=True),
    Route(method="GET", path="/messages/{id}", operation="message.show"),
    Route(method="POST", path="/messages/{id}/ack", operation="message.ack"),
    Route(method="POST", path="/messages/{id}/open", operation="message.open"),
    Route(method="POST", path="/messages/resend", operation="message.resend_many"),
    Route(method="POST", path="/messages/{id}/resend", operation="message.resend"),
    Route(method="POST", path="/messages/{id}/cancel", operation="message.cancel"),
    Route(method="POST", path="/messages/{id}/erase", operation="message.erase"),
    Route(method="POST", path="/messages/{id}/content", operation="content.ask"),
    Route(method="GET", path="/messages/{id}/attachments", operation="attachment.list"),
    Route(method="GET", path="/messages/{id}/attachments/{part}", operation="attachment.read", gives=True),
    Route(method="POST", path="/attachments", operation="attachment.add", takes=True),
    Route(method="GET", path="/attachments", operation="attachment.moving"),
    Route(method="GET", path="/attachments/{id}", operation="attachment.waiting"),
    Route(method="POST", path="/attachments/{id}/discard", operation="attachment.discard"),
    Route(method="GET", path="/inbox", operation="inbox.list", paged=True),
    Route(method="POST", path="/drafts", operation="draft.save"),
    Route(method="PUT", path="/drafts/{id}", operation="draft.change", matched=True),
    Route(method="GET", path="/drafts", operation="draft.list", paged=True),
    Route(method="GET", path="/drafts/{id}", operation="draft.show"),
    Route(method="GET", path="/drafts/{id}/preview", operation="draft.preview"),
    Route(method="POST", path="/drafts/{id}/release", operation="draft.release"),
    Route(method="POST", path="/drafts/{id}/discard", operation="draft.discard"),
    Route(method="GET", path="/conversations", operation="conversation.list", paged=True),
    Route(method="GET", path="/conversations/due", operation="conversation.due", paged=True),
    Route(method="POST", path="/conversations/{id}/contact", operation="contact.advise"),
    Route(method="GET", path="/conversations/{id}", operation="conversation.show"),
    Route(method="GET", path="/conversations/{id}/writable", operation="conversation.writable"),
    Route(method="POST", path="/conversations/{id}/erase", operation="conversation.erase"),
    Route(method="POST", path="/retention/run", operation="retention.run"),
    Route(method="GET", path="/erasures", operation="erasure.list"),
    Route(method="POST", path="/erasures/{id}/follow", operation="erasure.follow"),
    Route(method="POST", path="/erasures/{id}/refuse", operation="erasure.refuse"),
    Route(method="GET", path="/holds", operation="retention.list"),
    Route(method="POST", path="/holds/{id}", operation="retention.hold"),
    Route(method="POST", path="/holds/{id}/release", operation="retention.release"),
    Route(method="GET", path="/alerts", operation="alert.list"),
    Route(method="POST", path="/alerts/{id}/acknowledge", operation="alert.acknowledge"),
    Route(method="POST", path="/alerts/{id}/review", operation="alert.review"),
    Route(method="GET", path="/asylum-holds", operation="asylum.list"),
    Route(method="POST", path="/asylum-holds/{id}", operation="asylum.hold"),
    Route(method="POST", path="/asylum-holds/{id}/lift", operation="asylum.lift"),
    Route(method="GET", path="/cases", operation="case.list", paged=True),
    Route(method="POST", path="/cases", operation="case.open"),
    Route(method="POST", path="/cases/find", operation="case.find"),
    Route(method="POST", path="/cases/move", operation="case.move"),
    Route(method="GET", path="/cases/{id}", operation="case.show"),
    Route(method="GET", path="/cases/{id}/grounds", operation="case.grounds"),
    Route(method="POST", path="/cases/{id}/label", operation="case.label"),
    Route(method="POST", path="/cases/{id}/hand-over", operation="case.hand_over"),
    Route(method="POST", path="/cases/{id}/relate", operation="case.relate"),
    Route(method="POST", path="/cases/{id}/join", operation="case.join"),
    Route(method="POST", path="/cases/{id}/merge", operation="case.merge"),
    Route(method="POST", path="/cases/{id}/split", operation="case.split"),
    Route(method="POST", path="/cases/{id}/status", operation="case.note_status"),
    Route(method="POST", path="/cases/{id}/role", operation="case.note_role"),
    Route(method="POST", path="/cases/{id}/block", operation="case.block"),
    Route(method="POST", path="/cases/{id}/unblock", operation="case.unblock"),
    Route(method="POST", path="/cases/{id}/hold", operation="case.hold"),
    Route(method="POST", path="/cases/{id}/release", operation="case.release"),
    Route(method="POST", path="/cases/{id}/erase", operation="case.erase"),
    Route(method="GET", path="/cases/{id}/consents", operation="consent.of_case"),
    Route(method="POST", path="/cases/{id}/withdraw", operation="consent.withdraw_all"),
    Route(method="POST", path="/case-changes/{id}/confirm", operation="case.confirm"),
    Route(method="POST", path="/case-changes/{id}/undo", operation="case.undo"),
    Route(method="POST", path="/consents", operation="consent.record"),
    Route(method="GET", path="/consents", operation="consent.list", paged=True),
    Route(method="GET", path="/consents/unconfirmed", operation="consent.unconfirmed"),
    Route(method="POST", path="/consents/confirm", operation="consent.confirm"),
    Route(method="GET", path="/consents/{id}", operation="consent.show"),
    Route(method="POST", path="/consents/{id}/withdraw", operation="consent.withdraw"),
    Route(method="POST", path="/statistics", operation="statistics.make"),
    Route(method="GET", path="/statistics", operation="statistics.list"),
    Route(method="GET", path="/statistics/{id}", operation="statistics.show"),
    Route(method="POST", path="/statistics/requests/{id}/draft", operation="statistics.draft"),
    Route(method="GET", path="/node", operation="node.show"),
    Route(method="GET", path="/node/status", operation="node.status"),
    Route(method="GET", path="/node/ready", operation="node.ready"),
    Route(method="GET", path="/node/workers", operation="node.workers"),
    Route(method="GET", path="/node/maintenance", operation="maintenance.show"),
    Route(method="POST", path="/node/maintenance", operation="maintenance.begin"),
    Route(method="POST", path="/node/maintenance/end", operation="maintenance.end"),
    Route(method="GET", path="/node/diagnostics", operation="node.diagnostics"),
    Route(method="GET", path="/node/pairing", operation="node.pairing"),
    Route(method="GET", path="/clock", operation="clock.show"),
    Route(method="POST", path="/clock/confirm", operation="clock.confirm"),
    Route(method="GET", path="/keys", operation="keys.list"),
    Route(method="GET", path="/keys/machines", operation="keys.machines"),
    Route(method="POST", path="/keys/machines/retire", operation="keys.retire"),
    Route(method="POST", path="/keys/invitations", operation="keys.invite"),
    Route(method="POST", path="/keys/rotate-epoch", operation="keys.rotate_epoch"),
    Route(method="POST", path="/keys/request", operation="keys.request"),
    Route(method="POST", path="/keys/publish", operation="keys.publish"),
    Route(method="POST", path="/keys/rotate-enc", operation="keys.rotate_enc"),
    Route(method="GET", path="/keys/tombstone", operation="keys.tombstone"),
    Route(method="POST", path="/keys/end", operation="keys.end"),
    Route(method="GET", path="/keys/proofs/{id}", operation="keys.proof"),
    Route(method="POST", path="/tombstones", operation="peer.tombstone"),
    Route(method="GET", path="/reviews", operation="review.list"),
    Route(method="POST", path="/reviews/{id}/settle", operation="review.settle"),
    Route(method="GET", path="/peers", operation="peer.list"),
    Route(method="POST", path="/peers", operation="peer.add"),
    Route(method="GET", path="/peers/{id}", operation="peer.show"),
    Route(method="GET", path="/peers/{id}/code", operation="peer.code"),
    Route(method="GET", path="/peers/{id}/scope", operation="peer.scope"),
    Route(method="GET", path="/admins", operation="admin.list"),
    Route(method="GET", path="/changes", operation="change.list"),
    Route(method="POST", path="/changes", operation="change.propose"),
    Route(method="POST", path="/changes/prepare", operation="change.prepare"),
    Route(method="POST", path="/changes/ask", operation="change.ask"),
    Route(method="GET", path="/changes/{id}", operation="change.show"),
    Route(method="POST", path="/changes/{id}/approve", operation="change.approve"),
    Route(method="POST", path="/changes/{id}/withdraw", operation="change.withdraw"),
    Route(method="GET", path="/policy", operation="policy.show"),
    Route(method="POST", path="/peers/{id}/ping", operation="peer.ping"),
    Route(method="POST", path="/peers/{id}/probe", operation="peer.probe"),
    Route(method="GET", path="/probes/{id}", operation="peer.probed"),
    Route(method="GET", path="/schemas", operation="schema.list"),
    Route(method="GET", path="/schemas/{id}", operation="schema.show"),
    Route(method="POST", path="/schemas/check", operation="schema.check"),
    Route(method="GET", path="/codes", operation="code.list"),
    Route(method="GET", path="/codes/{id}", operation="code.show"),
    Route(method="GET", path="/directory", operation="directory.list"),
    Route(method="POST", path="/directory/search", operation="directory.search"),
    Route(method="POST", path="/directory", operation="directory.publish"),
    Route(method="GET", path="/directory/own", operation="directory.own"),
    Route(method="GET", path="/directory/{id}", operation="directory.show"),
    Route(method="GET", path="/guidance", operation="guidance.list"),
    Route(method="POST", path="/guidance/search", operation="guidance.search"),
    Route(method="GET", path="/guidance/{id}", operation="guidance.show"),
    Route(method="GET", path="/evidence/{id}", operation="evidence.export"),
    Route(method="GET", path="/alarms/{id}/evidence", operation="evidence.contradiction"),
    Route(method="GET", path="/evidence/{id}/fields", operation="evidence.fields"),
    Route(method="GET", path="/audit", operation="audit.show"),
    Route(method="GET", path="/audit/entries", operation="audit.list", paged=True),
    Route(method="GET", path="/audit/reads", operation="audit.reads", paged=True),
    Route(method="GET", path="/audit/reasons", operation="content.reasons", paged=True),
    Route(method="GET", path="/audit/verify", operation="audit.verify"),
    Route(method="GET", path="/audit/export", operation="audit.export"),
    Route(method="GET", path="/alarms", operation="alarm.list", paged=True),
    Route(method="POST", path="/alarms/{id}/dismiss", operation="alarm.dismiss"),
    Route(method="GET", path="/adapter", operation="adapter.check"),
    Route(method="GET", path="/webhooks", operation="webhook.list"),
    Route(method="POST", path="/backups", operation="backup.make"),
    Route(method="GET", path="/tokens", operation="token.list"),
    Route(method="POST", path="/tokens", operation="token.new"),
    Route(method="POST", path="/tokens/{id}/revoke", operation="token.revoke"),
    Route(method="POST", path="/logins", operation="login.begin"),
    Route(method="POST", path="/logins/take", operation="login.take"),
    Route(method="POST", path="/logins/invitation", operation="login.enrol"),
    Route(method="GET", path="/logins/own", operation="login.show"),
    Route(method="POST", path="/logins/own/end", operation="login.end"),
    Route(method="GET", path="/people", operation="person.list"),
    Route(method="POST", path="/people", operation="person.add"),
    Route(method="POST", path="/people/{id}/change", operation="person.change"),
    Route(method="POST", path="/people/{id}/invite", operation="person.invite"),
    Route(method="POST", path="/people/{id}/vouch", operation="person.vouch"),
    Route(method="POST", path="/people/changes/{id}/approve", operation="person.approve"),
    Route(method="POST", path="/people/{id}/sign-out", operation="person.sign_out"),
    Route(method="POST", path="/people/{id}/end", operation="person.end"),
)
