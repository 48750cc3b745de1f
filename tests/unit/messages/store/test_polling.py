"""What the loops ask again and again costs the same with a long backlog as with a short one.

Cost is counted in steps of SQLite's own machine, so that nothing here is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert
from support import rows
from support.rows import PEER
from support.steps import steps

from gateway.database import content, journal
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.migrating import migrate
from gateway.database.tables import inbox, submission
from gateway.messages.store import conversations, links, local, messages, receipts, reminders
from gateway.messages.store.messages import InboxRow
from gateway.messages.store.receipts import ReceiptRow
from gateway.peers import store

NOW = 1_000_000
SHORT, LONG = 400, 6_000

POLLS: dict[str, Callable[[Connection], object]] = {
    "due": lambda c: messages.due(c, PEER, 0, 32),
    "queued_for": lambda c: messages.queued_for(c, PEER),
    "queued_for nobody": lambda c: messages.queued_for(c, "n1idle"),
    "expired": lambda c: messages.expired(c, NOW, 50, but="voiding"),
    "senders_waiting": messages.senders_waiting,
    "news_waits": messages.news_waits,
    "waiting": lambda c: messages.waiting(c, PEER, 32),
    "owed": lambda c: receipts.owed(c, PEER, 32),
    "owed nobody": lambda c: receipts.owed(c, "n1idle", 32),
    "members": lambda c: receipts.members(c, 3),
    "answers": lambda c: receipts.answers(c, PEER, ["id-7", "id-8"]),
    "notices": lambda c: local.notices(c, NOW, NOW + 300, 32),
    "forget_submissions": lambda c: local.forget_submissions(c, 5),
    "find": lambda c: messages.find(c, "id-7", direction="out"),
    "position": lambda c: links.position(c, PEER, links.OUT),
    "keys_not_of": lambda c: content.keys_not_of(c, 1, 50),
    "events_after": lambda c: journal.events_after(c, SHORT - 5, 5),
    "append_leaf": lambda c: journal.append_leaf(c, lambda _: b""),
    "raise_alarm": lambda c: journal.raise_alarm(c, at=NOW, kind="message.failed", peer=PEER, ref=1),
    "of_conversations": lambda c: messages.of_conversations(c, [b"conversation-7"]),
    "words": lambda c: receipts.words(c, "issued", PEER, ["id-7", "id-8"]),
    "sealings": lambda c: messages.sealings(c, [7, 8]),
    "to_fold": lambda c: conversations.to_fold(c, NOW, 50),
    "conversations due": lambda c: conversations.due(c, 50),
    "conversations due behind": lambda c: conversations.due(
        c, 50, by=conversations.Owing.US, after=(NOW + 200, b"conversation-200", PEER)
    ),
    "alerted": conversations.alerted,
    "conversations": lambda c: messages.conversations(c, limit=50, before=300),
    "told": lambda c: reminders.told(c, [b"conversation-7"]),
    "unsent_consenting": lambda c: messages.unsent_consenting(c, b"consent-7"),
    "withdrawals": lambda c: local.withdrawals(c, [b"consent-7"]),
}


def backlog(connection: Connection, size: int) -> None:
    """Everything that can wait, `size` times, for one peer; another peer has nothing."""
    numbers = range(1, size + 1)
    store.add(connection, rows.peer())
    store.add(connection, rows.peer("n1idle"))
    content.put(connection, (rows.sealed(n) for n in numbers))
    messages.add(
        connection,
        (
            rows.message(n, conversation=b"conversation-%d" % (n // 4), consent=b"consent-%d" % n, expires=NOW + n)
            for n in numbers
        ),
    )
    conversations.changed(connection, ((b"conversation-%d" % n, PEER, "referral") for n in numbers))
    conversations.stand(connection, (standing(n, fold=None if n % 2 else n) for n in numbers))
    reminders.tell(connection, (reminded(n) for n in numbers))
    messages.enqueue(connection, ((n, PEER, NOW + n) for n in numbers))
    messages.arrive(
        connection,
        (InboxRow(ref=n, peer=PEER, n=n, urgent=n % 50 == 0, attempts=0, next_try=0) for n in numbers),
    )
    receipts.add(connection, (rows.receipt(str(n), batch=n // 10) for n in numbers))
    receipts.owe(connection, PEER, ((str(n), "received") for n in numbers))
    connection.execute(
        insert(submission), [{"key": b"%d" % n, "digest": b"", "answer": b"", "at": NOW} for n in numbers]
    )
    links.use(connection, PEER, links.OUT, 1, (number(n) for n in numbers), size)
    journal.append_leaves(connection, [lambda seq: b"%d" % seq for _ in numbers])
    journal.add_events(connection, [(n, "message", n, "queued") for n in numbers])
    for n in numbers:
        local.add_notice(connection, kind="queued", origin=n, at=n)
        local.set_withdrawals(connection, b"consent-%d" % n, n)
    connection.exec_driver_sql(
        "insert into alarm (at, kind, peer, ref) select at, 'message.failed', peer, ref from message"
    )


def standing(n: int, *, fold: int | None) -> conversations.ConversationStatus:
    """A conversation in which something is owed."""
    return conversations.ConversationStatus(
        conversation=b"conversation-%d" % n,
        peer=PEER,
        changes=1,
        state="sent",
        ours=NOW + n,
        theirs=None,
        alert=NOW + n if n < 3 else None,
        fold=fold,
    )


def reminded(n: int) -> reminders.ReminderRow:
    """A reminder that was given."""
    return reminders.ReminderRow(label=b"label-%d" % n, conversation=b"conversation-%d" % n, percent=50)


def number(n: int) -> links.NumberRow:
    """A used number."""
    return links.NumberRow(n=n, id=f"id-{n}", prev=None, link=f"link-{n}")


@pytest.fixture(scope="module")
def queues(tmp_path_factory: pytest.TempPathFactory):
    """Two databases: one with a short backlog, one with a long one."""
    folder: Path = tmp_path_factory.mktemp("queues")
    engines = {size: SqliteFile(folder / f"{size}.db").open_engine(writes=True) for size in (SHORT, LONG)}
    for size, engine in engines.items():
        migrate(engine)
        with engine.connect() as connection, connection.begin():
            backlog(connection, size)
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_costs_the_same_with_a_long_backlog(queues, name: str):
    """Fifteen times the backlog adds at most a tenth to the steps of one poll."""
    short, long = (steps(queues[size], POLLS[name]) for size in (SHORT, LONG))
    assert 0 < long <= short * 1.1 + 20, f"{short} steps grew to {long}"


def test_what_waits_is_found_whatever_was_taken(queues):
    """The last one of many that came, the others of which were handed over: the list of a desk, at each look."""
    polls = [
        steps(
            queues[size],
            lambda c: messages.to_take(c, but="awaiting_order", after=0, limit=50),
            before=lambda c, size=size: c.execute(delete(inbox).where(inbox.c.ref < size)),
        )
        for size in (SHORT, LONG)
    ]
    assert 0 < polls[1] <= polls[0] * 1.1 + 20, polls


def test_a_scan_grows_with_the_backlog(queues):
    """The measure sees what a scan costs: a filter without an index is for a person's question only."""
    short, long = (steps(queues[size], by_state) for size in (SHORT, LONG))
    assert long > short * 3


def by_state(connection: Connection) -> object:
    """A query that no index serves."""
    return messages.page(connection, state="nowhere")


def plan(connection: Connection, poll: Callable[[Connection], object]) -> list[str]:
    """How SQLite means to answer the statements of one poll."""
    seen: list[str] = []
    driver = connection.connection.driver_connection
    driver.set_trace_callback(seen.append)
    try:
        poll(connection)
    finally:
        driver.set_trace_callback(None)
    return [row[3] for sql in seen for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]


@pytest.mark.parametrize(
    "name",
    [
        "due",
        "queued_for",
        "expired",
        "waiting",
        "owed",
        "forget_submissions",
        "members",
        "to_fold",
        "conversations due",
    ],
)
def test_a_poll_searches_by_its_index_and_sorts_nothing(queues, name: str):
    """No table is scanned, and the order comes from the index."""
    with queues[SHORT].connect() as connection, connection.begin() as transaction:
        lines = plan(connection, POLLS[name])
        transaction.rollback()
    assert lines
    assert not [line for line in lines if line.startswith("SCAN") or "TEMP B-TREE" in line], lines


def test_the_outbox_is_read_by_its_covering_index(queues):
    """`due` needs the narrow index and not even the rows of the table."""
    with queues[LONG].connect() as connection, connection.begin():
        assert plan(connection, POLLS["due"]) == [
            "SEARCH outbox USING COVERING INDEX outbox_peer (peer=? AND files=? AND ref>?)"
        ]


def test_a_scan_is_seen(queues):
    """The plan of a query without an index says so."""
    with queues[SHORT].connect() as connection, connection.begin():
        assert any(line.startswith("SCAN") for line in plan(connection, by_state))


def test_receipts_are_a_value(queues):
    """What polls return does not hold on to the connection."""
    with queues[SHORT].connect() as connection, connection.begin():
        found = receipts.owed(connection, PEER, 1)
    assert isinstance(found[0][1], ReceiptRow)
