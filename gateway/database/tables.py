"""The tables. The schema a new node gets comes from the migrations; a test proves both equal.

In the clear: random ids, peer node ids, states, days and sizes, hashes of statements, protocol documents that peers
publish anyway. Sealed: everything said about a person, and every name a local system uses for a case (nrm1 13.1).

`sealed.ref` is the time-ordered local number of a piece of content; a message row has the number of its content.
Bodies are kept out of the tables that are polled.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy import Integer as _Integer

metadata = MetaData()

Integer = _Integer().with_variant(BigInteger(), "postgresql")
"""Numbers of 64 bits, which each integer of SQLite is."""


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of the rows of which a condition is true."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


# --- the node and its peers ---------------------------------------------------------------------------------------

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

own_descriptor = Table(
    "own_descriptor",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

peer = Table(
    "peer",
    metadata,
    Column("node", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("cause", Text),
    Column("demo", Boolean, nullable=False),
    Column("keyset", LargeBinary),
    Column("keyset_seen", Integer),
    Column("schemas", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Integer, nullable=False),
    Column("failing_since", Integer),
    Column("added", Integer, nullable=False),
    Column("verified", Integer),
)

peer_refusal = Table(
    "peer_refusal",
    metadata,
    Column("peer", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("since", Integer, nullable=False),
)

peer_descriptor = Table(
    "peer_descriptor",
    metadata,
    Column("node", Text, ForeignKey("peer.node"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    PrimaryKeyConstraint("node", "version"),
)

# --- trust: what people decided, and the records that say so (nrm1 8.13) -----------------------------------------

change = Table(
    "change",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("seq", Integer),
    Column("payload", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("effective", Integer),
    UniqueConstraint("subject", "seq"),
    Index("change_state", "state", "subject"),
)

approval = Table(
    "approval",
    metadata,
    Column("change", Text, ForeignKey("change.hash"), nullable=False),
    Column("admin", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("at", Integer, nullable=False),
    Column("place", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("change", "admin"),
)

trust_record = Table(
    "trust_record",
    metadata,
    Column("peer", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("acked", Integer),
    PrimaryKeyConstraint("peer", "direction", "seq"),
)

# --- content, only ever sealed ------------------------------------------------------------------------------------

datakey = Table(
    "datakey",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Index("datakey_epoch", "epoch"),
)

sealed = Table(
    "sealed",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    Column("form", Integer, nullable=False, server_default="0"),
)

# --- numbering of the ordered links (nrm1 5.1) -----------------------------------------------------------------

link = Table(
    "link",
    metadata,
    Column("peer", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("high", Integer, nullable=False),
    PrimaryKeyConstraint("peer", "direction"),
)

link_number = Table(
    "link_number",
    metadata,
    Column("peer", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("prev", Text),
    Column("link", Text, nullable=False),
    PrimaryKeyConstraint("peer", "direction", "epoch", "n"),
)

link_gap = Table(
    "link_gap",
    metadata,
    Column("peer", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    PrimaryKeyConstraint("peer", "epoch", "first"),
)

link_reset = Table(
    "link_reset",
    metadata,
    Column("peer", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("backup", Integer),
    Column("epoch", Integer),
    Column("change", Text),
    Column("view", LargeBinary),
    Column("ours", LargeBinary),
    Column("offer", LargeBinary),
    Column("accepted", LargeBinary),
)

# --- messages -----------------------------------------------------------------------------------------------------

message = Table(
    "message",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("direction", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("conversation", LargeBinary, nullable=False),
    Column("consent", LargeBinary),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("epoch", Integer),
    Column("n", Integer),
    Column("prev", Text),
    Column("size", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("expires", Integer, nullable=False),
    Column("out_of_order", Boolean, nullable=False),
    Column("origin", Integer),
    Column("changed", Integer, nullable=False, server_default="0"),
    UniqueConstraint("id", "direction", "peer"),
    Index("message_conversation", "conversation", "ref", "changed"),
    _partial("message_consent", "consent", where="consent is not null"),
    _partial("message_undelivered", "peer", "at", where="direction = 'out' and state = 'awaiting_handover'"),
)

conversation = Table(
    "conversation",
    metadata,
    Column("conversation", LargeBinary, nullable=False),
    Column("peer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("quoted", Integer),
    Column("state", Text),
    Column("since", Integer),
    Column("arrived", Integer),
    Column("upto", Integer),
    Column("due", Integer),
    Column("ours", Integer),
    Column("theirs", Integer),
    Column("alert", Integer),
    Column("fold", Integer),
    Column("worded", Integer, nullable=False, server_default="0"),
    Column("moved", Integer),
    Column("stage", LargeBinary),
    PrimaryKeyConstraint("conversation", "peer"),
    _partial("conversation_fold", "fold", where="fold is not null"),
    _partial("conversation_due", "due", "conversation", "peer", where="due is not null"),
    _partial("conversation_ours", "ours", "conversation", "peer", where="ours is not null"),
    _partial("conversation_theirs", "theirs", "conversation", "peer", where="theirs is not null"),
    _partial("conversation_alert", "alert", where="alert is not null"),
    _partial("conversation_unworded", "conversation", "peer", where="worded < changes"),
)

conversation_word = Table(
    "conversation_word",
    metadata,
    Column("word", LargeBinary, nullable=False),
    Column("conversation", LargeBinary, nullable=False),
    Column("peer", Text, nullable=False),
    PrimaryKeyConstraint("word", "conversation", "peer"),
    Index("conversation_word_of", "conversation", "peer"),
)

reminder = Table(
    "reminder",
    metadata,
    Column("label", LargeBinary, primary_key=True),
    Column("conversation", LargeBinary, nullable=False),
    Column("percent", Integer, nullable=False),
    Index("reminder_conversation", "conversation"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("peer", Text, nullable=False),
    Column("files", Boolean, nullable=False),
    Column("expires", Integer, nullable=False),
    Index("outbox_peer", "peer", "files", "ref"),
    Index("outbox_expires", "expires"),
)

envelope = Table(
    "envelope",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

attachment = Table(
    "attachment",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("file", Text, nullable=False, unique=True),
    Column("direction", Text, nullable=False),
    Column("peer", Text),
    Column("id", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("message", Integer),
    Column("length", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Index("attachment_id", "id", "n"),
    Index("attachment_message", "message", "n"),
)

upload = Table(
    "upload",
    metadata,
    Column("peer", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("began", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("expires", Integer, nullable=False),
    PrimaryKeyConstraint("peer", "id"),
)

statement = Table(
    "statement",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("message", Integer, nullable=False),
    Column("evidence", Integer, nullable=False),
    Column("created", Integer, nullable=False),
    Index("statement_message", "message"),
)

statement_batch = Table(
    "statement_batch",
    metadata,
    Column("name", LargeBinary, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("peer", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Integer, nullable=False),
    Index("inbox_peer", "peer", text("urgent desc"), "n"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("of", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("code", Text),
    Column("at", Integer, nullable=False),
    Column("object", LargeBinary, nullable=False),
    Column("batch", Integer),
    Column("proof", LargeBinary),
    PrimaryKeyConstraint("of", "status"),
    Index("receipt_message", "direction", "peer", "id"),
    _partial("receipt_members", "batch", where="batch is not null"),
)

receipt_batch = Table(
    "receipt_batch",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("document", LargeBinary, nullable=False),
)

receipt_due = Table(
    "receipt_due",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("peer", Text, nullable=False),
    Column("of", Text, nullable=False),
    Column("status", Text, nullable=False),
    Index("receipt_due_peer", "peer", "seq"),
)

# --- the local side -----------------------------------------------------------------------------------------------

draft = Table(
    "draft",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("origin", Integer),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("first", LargeBinary),
    Index("draft_state", "state", "ref"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("card", Integer),
    Column("worded", Boolean, nullable=False, server_default=false()),
    Column("listed", Boolean, nullable=False, server_default=false()),
    Column("ours", Integer),
    Column("theirs", Integer),
    Column("moved", Integer),
    Column("stage", LargeBinary),
    Column("closed", Boolean, nullable=False, server_default=false()),
    Index("cases_at", "at", "id"),
    _partial("cases_unworded", "id", where="not worded"),
    _partial("cases_unlisted", "id", where="not listed"),
)

case_word = Table(
    "case_word",
    metadata,
    Column("word", LargeBinary, nullable=False),
    Column("case_id", Text, nullable=False),
    PrimaryKeyConstraint("word", "case_id"),
    Index("case_word_case", "case_id"),
)

case_link = Table(
    "case_link",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Index("case_link_case", "case_id", "kind"),
)

case_change = Table(
    "case_change",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("first", LargeBinary, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
)

case_moved = Table(
    "case_moved",
    metadata,
    Column("change", Integer, ForeignKey("case_change.ref"), nullable=False),
    Column("key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("change", "key"),
)

content_reason = Table(
    "content_reason",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("message", Integer, ForeignKey("message.ref"), nullable=False),
    Column("reader", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Index("content_reason_message", "message"),
)

long_reference = Table("long_reference", metadata, Column("mark", LargeBinary, primary_key=True))

submission = Table(
    "submission",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", Integer, nullable=False),
    Index("submission_at", "at"),
)

consent = Table(
    "consent",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("consent", LargeBinary, nullable=False),
    Column("holder", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    UniqueConstraint("consent", "holder"),
)

consent_told = Table(
    "consent_told",
    metadata,
    Column("consent", LargeBinary, nullable=False),
    Column("peer", Text, nullable=False),
    Column("ref", Integer, nullable=False),
    PrimaryKeyConstraint("consent", "peer"),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("consent", LargeBinary, primary_key=True),
    Column("ref", Integer, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("origin", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("next_try", Integer, nullable=False),
    Column("message", Text),
    Column("code", Text),
    Column("at", Integer, nullable=False),
    Index("notice_origin", "origin", "seq"),
    sqlite_autoincrement=True,  # `seq` makes the idempotency key: it is never used again, also after the row is gone
)

origin = Table(
    "origin",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("version", LargeBinary, nullable=False),
    Column("at", Integer, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("role", Text),
    Column("person", Text, ForeignKey("person.id")),
    Column("unit", Text),
    Column("label", Text, nullable=False),
    Column("made", Integer, nullable=False),
    Column("expires", Integer, nullable=False),
    Column("revoked", Integer),
    Index("token_person", "person"),
)

reading = Table(
    "reading",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("reader", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    UniqueConstraint("id", "what", "reader", "day"),
    Index("reading_reader", "reader", "seq"),
)

review = Table(
    "review",
    metadata,
    Column("message", Integer, primary_key=True, autoincrement=False),
    Column("peer", Text, nullable=False),
    Column("kid", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("done", Integer),
)

# --- who stands at the console -------------------------------------------------------------------------------------

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("unit", Text),
    Column("language", Text),
    Column("made", Integer, nullable=False),
    Column("ended", Integer),
    Column("admin", Text, unique=True),
    Column("card", LargeBinary),
    Column("vouched", Text),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, ForeignKey("person.id"), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("synced", Boolean, nullable=False),
    Column("made", Integer, nullable=False),
    Column("used", Integer),
    Index("passkey_person", "person"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, ForeignKey("person.id"), nullable=False, unique=True),
    Column("expires", Integer, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person", Text, ForeignKey("person.id"), nullable=False),
    Column("made", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Index("session_person", "person"),
)

# --- erasing (nrm1 13.3) -----------------------------------------------------------------------------------------

erasure = Table(
    "erasure",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("message", Integer, nullable=False, unique=True),
    Column("at", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("told", Integer),
    Column("request", Integer),
    Column("found", Text),
    _partial("erasure_request", "request", where="request is not null"),
    _partial("erasure_untold", "ref", where="told is null"),
    _partial("erasure_due", "ref", where="place = 'due'"),
)

request = Table(
    "request",
    metadata,
    Column("ref", Integer, primary_key=True, autoincrement=False),
    Column("message", Integer, nullable=False, unique=True),
    Column("peer", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("follow", Integer),
    Column("due", Integer, nullable=False),
    Column("done", Integer),
    Column("answered", Integer),
    _partial("request_open", "ref", where="state != 'over'"),
)

request_onward = Table(
    "request_onward",
    metadata,
    Column("message", Integer, primary_key=True, autoincrement=False),
    Column("request", Integer, nullable=False),
    Column("answer", Integer),
    Index("request_onward_of", "request"),
)

local_item = Table(
    "local_item",
    metadata,
    Column("message", Integer, primary_key=True, autoincrement=False),
    Column("ref", Integer, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", LargeBinary),
    Column("message", Integer),
    Column("grants", Text),
    Column("why", Text),
    Column("due", Boolean, nullable=False),
    Column("detail", Text),
    _partial("ledger_due", "n", where="due"),
)

consent_unconfirmed = Table(
    "consent_unconfirmed",
    metadata,
    Column("consent", LargeBinary, primary_key=True),
    Column("at", Integer, nullable=False),
)

hold = Table(
    "hold",
    metadata,
    Column("conversation", LargeBinary, primary_key=True),
    Column("ground", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("at", Integer, nullable=False),
)

# --- safety of the person ------------------------------------------------------------------------------------------

asylum_hold = Table(
    "asylum_hold",
    metadata,
    Column("label", LargeBinary, nullable=False),
    Column("ref", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("lift", LargeBinary),
    PrimaryKeyConstraint("label", "ref"),
)

# --- what each country says of its own offices ----------------------------------------------------------------------

directory = Table(
    "directory",
    metadata,
    Column("node", Text, primary_key=True),
    Column("ref", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("n", Integer, nullable=False),
)

# --- what was published about all cases (gate G12) ------------------------------------------------------------------

release = Table(
    "release",
    metadata,
    Column("period", Text, primary_key=True),
    Column("ref", Integer, nullable=False),
    Column("at", Integer, nullable=False),
)

submitted = Table(
    "submitted",
    metadata,
    Column("by", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("dimensions", Text, nullable=False),
    Column("at", Integer, nullable=False),
    PrimaryKeyConstraint("by", "period", "digest"),
)

tally = Table(
    "tally",
    metadata,
    Column("period", Text, primary_key=True),
    Column("ref", Integer, nullable=False),
)

counted = Table(
    "counted",
    metadata,
    Column("conversation", LargeBinary, nullable=False),
    Column("peer", Text, nullable=False),
    PrimaryKeyConstraint("conversation", "peer"),
)

# --- what happened ------------------------------------------------------------------------------------------------

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
)

audit_tile = Table(
    "audit_tile",
    metadata,
    Column("level", Integer, nullable=False),
    Column("idx", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "idx"),
)

audit_words = Table(
    "audit_words",
    metadata,
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("words", LargeBinary, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("at", Integer, nullable=False),
)

cosignature = Table(
    "cosignature",
    metadata,
    Column("size", Integer, nullable=False),
    Column("peer", Text, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Column("at", Integer, nullable=False),
    Column("first", LargeBinary, nullable=False),
    PrimaryKeyConstraint("size", "peer"),
)

witnessed = Table(
    "witnessed",
    metadata,
    Column("peer", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
    PrimaryKeyConstraint("peer", "origin"),
)

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Integer),
    Column("state", Text),
    sqlite_autoincrement=True,
)

hook = Table(
    "hook",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)

hook_call = Table(
    "hook_call",
    metadata,
    Column("hook", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("conversation", LargeBinary),
    Column("since", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Integer, nullable=False),
    Index("hook_call_order", "hook", "conversation", "seq"),
)

alarm = Table(
    "alarm",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("peer", Text),
    Column("ref", Integer),
    Column("proof", LargeBinary),
    Column("dismissed", Integer),
    _partial("alarm_open", "kind", "peer", "ref", where="dismissed is null"),
)

# --- several workers on one database (empty where one process has it) ----------------------------------------------

cluster = Table(
    "cluster",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("since", Integer, nullable=False),
    Column("moves", Integer, nullable=False),
    Column("pictures", Integer, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("id", Text, primary_key=True),
    Column("place", Integer, nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("since", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("off", Integer, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("what", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("until", Integer, nullable=False),
)

nonce = Table(
    "nonce",
    metadata,
    Column("key", Text, primary_key=True),
    Column("until", Integer, nullable=False),
    Index("nonce_until", "until"),
)

closed_epoch = Table("closed_epoch", metadata, Column("n", Integer, primary_key=True, autoincrement=False))

keystore_step = Table(
    "keystore_step",
    metadata,
    Column("gen", Integer, primary_key=True, autoincrement=False),
    Column("before", LargeBinary, nullable=False),
    Column("mark", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
)

key_machine = Table(
    "key_machine",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("gen", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("since", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
)

key_invitation = Table(
    "key_invitation",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("half", LargeBinary, nullable=False),
    Column("step", Integer, nullable=False),
    Column("until", Integer, nullable=False),
)
