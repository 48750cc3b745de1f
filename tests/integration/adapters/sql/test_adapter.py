"""The database of an office on real servers: no row is lost, none is doubled, and the account can do no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from support.databases import KINDS, SERVERS, office_on

from adapters.kit.contract import MARKER, a_delivery, a_notice
from adapters.kit.names import key_name
from adapters.sql import SqlAdapter
from adapters.sql.bench import SAMPLE, Office
from adapters.sql.database import Address
from adapters.sql.outbox import SWEEP
from gateway.errors import RefusedError, TransientError
from gateway.ports import Erasure, NoticeKind


@pytest.fixture(params=KINDS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """A fresh database of each kind."""
    return office_on(request.param, tmp_path)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """A fresh database of each kind that knows accounts."""
    return office_on(request.param, tmp_path)


async def _take(adapter: SqlAdapter, kind: NoticeKind = NoticeKind.DRAFTED) -> list[str]:
    """Pull once and settle all of it; the refs."""
    records = await adapter.pull()
    for record in records:
        await adapter.settle(record, a_notice(record.ref, kind))
    return [record.ref for record in records]


async def test_equal_stamps_lose_no_row(office: Office) -> None:
    """Rows that changed in one instant are all read, also when a batch ends among them and others come later."""
    for number in range(1, 8):
        office.case(number, "one of many", stamp=5)
    adapter = office.adapter(batch=3)
    assert [await _take(adapter) for _ in range(3)] == [["1", "2", "3"], ["4", "5", "6"], ["7"]]
    assert await adapter.pull() == []
    office.case(8, "in the same instant, later", stamp=5)
    assert await _take(adapter) == ["8"]


async def test_a_late_commit_with_an_old_stamp_is_found(office: Office) -> None:
    """A row that becomes visible behind the cursor is read at the next look at the whole view."""
    office.case(1, "on time", stamp=50)
    adapter = office.adapter()
    assert await _take(adapter) == ["1"]
    office.case(2, "committed late", stamp=10)
    looks = [ref for _ in range(SWEEP) for ref in await _take(adapter)]
    assert looks == ["2"]


async def test_when_a_row_is_read_again(office: Office, tmp_path: Path) -> None:
    """A refused row when it changes, and when a node that has started anew reads another mapping; a drafted one only
    after a person put the draft aside.
    """
    mapping = tmp_path / "office.yaml"
    mapping.write_bytes(SAMPLE.read_bytes())
    office.case(1, "refused")
    adapter = office.adapter(mapping=mapping)
    assert await _take(adapter, NoticeKind.REFUSED) == ["1"]
    assert await adapter.pull() == []
    assert await office.adapter(mapping=mapping).pull() == []
    mapping.write_bytes(SAMPLE.read_bytes() + b"# mended\n")
    assert await adapter.pull() == []
    assert [told.rule for told in await adapter.check()] == ["mapping_changed"]
    adapter = office.adapter(mapping=mapping)
    assert await _take(adapter, NoticeKind.REFUSED) == ["1"]
    assert await adapter.pull() == []
    office.case(1, "mended, in the same instant")
    assert await _take(adapter) == ["1"]
    office.case(1, "changed once it is a draft", stamp=60)
    assert await adapter.pull() == []
    await adapter.push(a_notice("1", NoticeKind.DISCARDED, key="gone-1"))
    (record,) = await adapter.pull()
    assert (record.ref, record.fields["summary"], record.mapping) == ("1~2", "changed once it is a draft", "sql-sample")
    assert await _take(office.adapter(mapping=mapping)) == ["1~2"]
    mapping.write_bytes(SAMPLE.read_bytes())
    assert await adapter.pull() == []


async def test_what_cannot_be_read_is_said(office: Office) -> None:
    """Two rows with one ref, no stamp, a ref that is none: each is told with its place, and good rows still come."""
    office.run("DROP VIEW trm_outbox")
    made = (
        "CREATE VIEW trm_outbox AS SELECT id AS ref, changed_at AS changed, summary, amount FROM cases "
        "UNION ALL SELECT id AS ref, changed_at AS changed, summary, 7 FROM cases WHERE id = 2"
    )
    office.run(made)
    office.grant("trm_outbox", "trm_outbox_file")
    for number in (1, 2, 3):
        office.case(number, MARKER)
    office.run("UPDATE cases SET changed_at = NULL WHERE id = 3")
    adapter = office.adapter()
    records = {record.ref: record for record in await adapter.pull()}
    assert {ref: [fault.rule for fault in record.faults] for ref, record in records.items()} == {
        "1": [],
        "2": ["ref_twice"],
        "3": ["no_stamp"],
    }
    assert records["3"].faults[0].place == "view trm_outbox, row 3, column changed"
    assert records["1"].places["summary"] == "view trm_outbox, row 1, column summary"
    found = [(finding.place, finding.rule) for finding in await adapter.check()]
    lacking = [(f"view trm_outbox, column {name}", "missing_column") for name in ("case_number", "gender")]
    assert found == [*lacking, ("view trm_outbox", "ref_twice")]
    await _take(adapter, NoticeKind.REFUSED)
    assert await office.adapter().pull() == []
    odd = SqlAdapter(office.address, mapping=SAMPLE, ref="summary", changed="changed")
    (bad,) = [record for record in await odd.pull() if record.faults[0].rule == "bad_ref"]
    assert MARKER not in f"{bad!r}"
    assert "bad_ref" in [finding.rule for finding in await odd.check()]


async def test_the_account_can_do_no_more(server: Office) -> None:
    """The scripts give the least: no table of the office, no deleting, no other column for the office's people."""
    ours = create_engine(server.address.engine().url)
    for statement in ("SELECT * FROM cases", "DELETE FROM trm_inbox", "DROP TABLE trm_inbox", "CREATE TABLE t (a int)"):
        with pytest.raises(DBAPIError), ours.begin() as connection:
            connection.exec_driver_sql(statement)
    ours.dispose()
    assert await server.adapter().check() == []
    url = server.admin.set(drivername=server.kind).render_as_string()
    (finding,) = await SqlAdapter(Address(url=url), mapping=SAMPLE).check()
    assert (finding.place, finding.rule) == ("table trm_inbox", "too_many_rights")


async def test_a_refused_item_stops_no_other(server: Office) -> None:
    """What the database does not take is for a person; what stands beside it in one hand-over is taken."""
    good, bad, last = (a_delivery(key=f"key-{n}", message_id=f"{n:022d}", text=MARKER) for n in range(3))
    server.run("ALTER TABLE trm_inbox ADD CONSTRAINT office_rule CHECK (message_id <> '0000000000000000000001')")
    outcomes = await server.adapter().push_all([good, bad, last])
    assert [outcomes[0], outcomes[2]] == ["key-0", "key-2"]
    assert isinstance(outcomes[1], RefusedError)
    error = outcomes[1]
    assert MARKER not in f"{error!r}{error.hint}{error.__cause__!r}"
    assert [row[0] for row in server.inbox("item_key")] == ["key-0", "key-2"]


async def test_trouble_is_tried_again_and_repeats_nothing(office: Office) -> None:
    """A database without its inbox, or one that is away, means later; the error holds no word of the item."""
    adapter = office.adapter()
    office.case(1, MARKER)
    office.run("ALTER TABLE trm_inbox RENAME TO elsewhere")
    for trouble in (adapter.push(a_delivery(text=MARKER)), adapter.pull()):
        with pytest.raises(TransientError) as caught:
            await trouble
        assert MARKER not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.hint}"
    assert [type(outcome) for outcome in await adapter.push_all([a_delivery()])] == [TransientError]
    assert [finding.rule for finding in await adapter.check()] == ["missing_inbox"]
    office.run("ALTER TABLE elsewhere RENAME TO trm_inbox")
    assert await adapter.push(a_delivery(text=MARKER)) == "key-1"
    office.run("DROP VIEW trm_outbox")
    assert [finding.rule for finding in await adapter.check()] == ["missing_view"]
    away = Address(url=f"sqlite:///{office.admin.database}-none")
    assert [finding.rule for finding in await SqlAdapter(away, mapping=SAMPLE).check()] == ["not_reachable"]


async def test_an_erased_row_is_empty_and_keeps_its_key(office: Office) -> None:
    """Nothing of the message is left in its row, nor in the file of SQLite, and a repeat does not bring it back."""
    adapter = office.adapter()
    item = a_delivery(text=MARKER)
    await adapter.push(item)
    office.run("UPDATE trm_inbox SET state = 'seen'")
    assert await adapter.status("key-1") == "seen"
    await adapter.erase("key-1")
    await adapter.push(item)
    (row,) = office.inbox("item_key, message_id, state, document, sender_name")
    assert tuple(row) == ("key-1", item.message_id, "erased", None, None)
    if office.kind == "sqlite":
        assert MARKER.encode() not in Path(str(office.admin.database)).read_bytes()


async def test_a_record_is_for_the_office_to_erase(office: Office) -> None:
    """The view may only be read: a row that is there is named as left; when the office has deleted it, the inbox says
    nothing of it any more, and only then is it said to be erased.
    """
    adapter = office.adapter()
    office.case(1, "one")
    office.case(2, "two")
    assert await _take(adapter) == ["1", "2"]
    await adapter.push(a_notice("1", NoticeKind.RECEIVED, key="notice-2"))
    assert await adapter.erase_record("1") is Erasure.NOT_SUPPORTED
    assert await office.adapter().pull() == []
    office.run("DELETE FROM cases WHERE id = 1")
    assert await adapter.erase_record("1") is Erasure.ERASED
    rows = office.inbox("record, document, version, state", "record = '1' OR record IS NULL")
    assert [tuple(row) for row in rows] == [(None, None, None, "erased")] * 2
    assert [row.record for row in office.inbox("record", "record IS NOT NULL")] == ["2"]
    assert [row.item_key for row in office.inbox("item_key") if key_name("1") == row.item_key[1:]] == []
    with pytest.raises(RefusedError, match="no such record"):
        await adapter.erase_record("1")


async def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    """The password is read at each connection, so that a new one needs no restart."""
    office = office_on("mariadb", tmp_path)
    office.run("CREATE USER one@localhost IDENTIFIED BY 'first'", "GRANT SELECT ON trm_inbox TO one@localhost")
    file = tmp_path / "password"
    file.write_text("first\n")
    file.chmod(0o600)
    url = office.address.url.replace("trm_adapter@", "one@")
    adapter = SqlAdapter(Address(url=url, password=file), mapping=SAMPLE)
    with pytest.raises(RefusedError, match="nothing with this local id"):
        await adapter.status("nothing")
    office.run("ALTER USER one@localhost IDENTIFIED BY 'second'")
    with pytest.raises(TransientError, match="28000"):
        await adapter.status("nothing")
    file.write_text("second\n")
    with pytest.raises(RefusedError, match="nothing with this local id"):
        await adapter.status("nothing")
