"""A JSON API by configuration: every paging, one record for each key, signed posts, refusals that repeat nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.kit.contract import MARKER, Trouble, a_delivery, a_notice
from adapters.kit.journal import Journal
from adapters.kit.web import Web
from adapters.rest import KIND
from adapters.rest.bench import SIGNING, RestBench, stand_in
from gateway.errors import RefusedError, TransientError
from gateway.ports import Erasure, MappedRecord, NoticeKind
from keys.primitives.webhook_signature import read_secret, sign_webhook


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[RestBench]:
    """One office."""
    async with stand_in(tmp_path) as new:
        yield new()


@pytest.mark.parametrize("paging", ["none", "page", "offset", "cursor", "link"])
async def test_every_paging_is_read_to_its_end(bench: RestBench, paging: str) -> None:
    """Seven items in pages of three, whatever way the list goes on."""
    for number in range(7):
        bench.offer(f"number {number}")
    bench.office.paging = paging
    records = await bench.adapter(paging=paging, size=3).pull()
    assert [record.ref for record in records] == [str(number) for number in range(1, 8)]
    assert records[0].fields == {"id": 1, "note": "number 0", "person.gender": "female"}
    assert records[0].places["person.gender"] == "item 1, member person.gender"


@pytest.mark.parametrize("paging", ["none", "page", "offset", "cursor", "link"])
async def test_what_a_list_is_asked_for_may_be_said_several_times(bench: RestBench, paging: str) -> None:
    """A filter with two values gives the items of both, on every page."""
    for number in range(7):
        bench.offer(f"number {number}")
    bench.office.paging, bench.office.largest = paging, 1
    records = await bench.adapter(paging=paging, list_path="/ready?number=2&number=5&number=6").pull()
    assert [record.ref for record in records] == ["2", "5", "6"]


async def test_two_items_with_one_name_are_both_told(bench: RestBench) -> None:
    """Neither takes the place of the other, also where one is a draft already; a page that repeats is no fault."""
    bench.offer("one")
    adapter = bench.adapter()
    (first,) = await adapter.pull()
    await adapter.settle(first, a_notice(first.ref, NoticeKind.DRAFTED))
    bench.office.ready += [bench.office.ready[0], {"id": 2, "note": "two"}, {"id": 2, "note": "two"}]
    (second,) = await adapter.pull()
    assert (second.ref, second.faults) == ("2", ())
    bench.office.ready += [{"id": "1", "note": "another"}, {"id": 2, "note": "another"}]
    records = await adapter.pull()
    assert [[fault.rule for fault in record.faults] for record in records] == [["ref_twice"]] * 4
    assert {record.faults[0].place for record in records} == {"item 1, member /id", "item 2, member /id"}
    assert all(record.ref.startswith("~") and not record.fields for record in records)


async def test_a_list_of_numbers_is_a_column(bench: RestBench) -> None:
    """Ids of an office are read like its words."""
    bench.offer("one")
    bench.office.ready[0] |= {"languages": [7, 12], "names": ["a", 3], "ticks": [True], "things": [{"a": 1}]}
    (record,) = await bench.adapter().pull()
    read = {name: value for name, value in record.fields.items() if name in ("languages", "names", "ticks", "things")}
    assert read == {"languages": "7;12", "names": "a;3"}


async def test_a_link_elsewhere_is_not_followed(bench: RestBench) -> None:
    """The login goes to no other address, whatever a list says."""
    adapter = bench.adapter(paging="link")
    answer = await adapter.api._ask("GET", "/ready")
    linked = replace(answer, headers={"Link": '<https://elsewhere.example/a>; rel="next"'})
    with pytest.raises(TransientError, match="goes on at another address"):
        adapter.api._following(linked, "/ready")


async def test_an_item_is_read_again_when_it_was_mended(bench: RestBench) -> None:
    """A refused item when it changes; a drafted one never."""
    bench.offer("one")
    adapter = bench.adapter()
    for kind, text in ((NoticeKind.REFUSED, "mended"), (NoticeKind.DRAFTED, "changed")):
        (record,) = await adapter.pull()
        await adapter.settle(record, a_notice(record.ref, kind, key=f"told-{kind}"))
        assert await bench.adapter().pull() == []
        bench.office.ready[0]["note"] = text
    assert await adapter.pull() == []
    assert bench.noticed() == ["refused", "drafted"]


async def test_posts_are_signed(bench: RestBench) -> None:
    """Another implementation of Standard Webhooks makes the same signature of what arrived."""
    item = a_delivery(text=MARKER)
    await bench.adapter().push(item)
    headers = {name.lower(): value for name, value in bench.office.headers.items()}
    assert headers["webhook-id"] == headers["idempotency-key"] == item.key
    expected = sign_webhook(
        read_secret(SIGNING), item.key, int(headers["webhook-timestamp"]), bench.office.bodies[item.key]
    )
    assert headers["webhook-signature"] == expected


async def test_an_api_that_knows_no_keys_is_asked_before(bench: RestBench) -> None:
    """Without Idempotency-Key on its side, a lost answer doubles nothing where find_path is given."""
    bench.office.keys = False
    with bench.trouble(Trouble.CUT), pytest.raises(TransientError):
        await bench.adapter(find_path="/inbox?key={key}").push(a_delivery())
    assert await bench.adapter(find_path="/inbox?key={key}").push(a_delivery()) == "made-key-1"
    assert len(bench.received()) == 1


@pytest.mark.parametrize(
    "kind", [Trouble.FAILING, Trouble.SLOW, Trouble.CUT, Trouble.THROTTLED, Trouble.LOCKED_OUT, Trouble.GARBLED]
)
async def test_trouble_is_tried_again(bench: RestBench, kind: Trouble) -> None:
    """Whatever goes wrong on the way means later, repeats nothing, and doubles nothing."""
    bench.offer(MARKER)
    with bench.trouble(kind):
        adapter = bench.adapter()
        for work in (adapter.push(a_delivery(text=MARKER)), adapter.pull()):
            with pytest.raises(TransientError) as caught:
                await work
            assert MARKER not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}"
    assert await bench.adapter().push(a_delivery(text=MARKER)) == "made-key-1"
    assert len(bench.received()) == 1


async def test_a_refusal_is_a_number(bench: RestBench) -> None:
    """A conflict, a missing path, a wrong content: for a person, and without the words of the API."""
    await bench.adapter().push(a_delivery())
    (bench.folder / "journal.db").unlink()
    with pytest.raises(RefusedError, match=r"refuses a POST \(409\)"):
        await bench.adapter().push(a_delivery(text=MARKER))
    with pytest.raises(RefusedError, match=r"\(404\)"):
        await bench.adapter(create_path="/nowhere").push(a_delivery(key="key-2"))


async def test_the_record_alone(bench: RestBench) -> None:
    """With body = fields the mapped record is posted, labels as objects; without one a message waits for a person."""
    adapter = bench.adapter(body="fields", notices_path=None)
    with pytest.raises(RefusedError, match="no mapping file"):
        await adapter.push(a_delivery())
    record = MappedRecord(mapping="rest-sample", fields={"note": "hello", "person.gender": "female", "person.age": 20})
    await adapter.push(replace(a_delivery(), record=record))
    assert [*bench.office.posted.values()] == [{"note": "hello", "person": {"gender": "female", "age": 20}}]
    await adapter.push(a_notice("1", NoticeKind.RECEIVED))
    assert len(bench.office.posted) == 1


async def test_erasing_says_what_was_configured(bench: RestBench) -> None:
    """Deleted, hidden, or not at all."""
    for number, (more, said) in enumerate(
        [({}, "erased"), ({"erasing": "disabled_only"}, "disabled_only"), ({"erase_path": None}, "not_supported")]
    ):
        adapter = bench.adapter(**more)
        local_id = await adapter.push(a_delivery(key=f"key-{number}"))
        assert (await adapter.erase(local_id), adapter.describe().erasure) == (Erasure(said), Erasure(said))
    assert [*bench.office.posted] == ["made-key-2"]


async def _drafted(bench: RestBench, name: str, **more: object) -> str:
    """An item of this name became a draft; its ref."""
    bench.offer(name)
    adapter = bench.adapter(**more)
    (record,) = await adapter.pull()
    await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED, key=f"drafted-{name}"))
    return record.ref


async def test_erasing_a_record_says_what_was_configured(bench: RestBench) -> None:
    """Deleted and forgotten; hidden, or not at all, and then still known as read."""
    journal = Journal(bench.folder / "journal.db")
    for name, more, said in (
        ("one", {}, "erased"),
        ("two", {"erasing": "disabled_only"}, "disabled_only"),
        ("three", {"record_path": None}, "not_supported"),
    ):
        ref = await _drafted(bench, name, **more)
        before = bench.adapter(**more)
        assert await before.erase_record(ref) is Erasure(said)
        assert journal.is_settled(ref) == (said != "erased")
    assert [item["note"] for item in bench.office.ready] == ["three"]
    assert await bench.adapter().pull() == []


async def test_a_record_that_the_office_deleted_is_forgotten(bench: RestBench) -> None:
    """The API was asked and has it no more: that is said, and no note of it is left."""
    ref = await _drafted(bench, "one")
    bench.office.ready.clear()
    with pytest.raises(RefusedError, match="does not have the item any more"):
        await bench.adapter().erase_record(ref)
    assert not Journal(bench.folder / "journal.db").is_settled(ref)


async def test_check_names_what_is_wrong(bench: RestBench) -> None:
    """A list that is none, items without a name, two with one."""
    assert await bench.adapter().check() == []
    (finding,) = await bench.adapter(items="/elsewhere").check()
    assert (finding.rule, "without a list at /elsewhere" in finding.hint) == ("not_usable", True)
    bench.offer("one")
    assert [finding.rule for finding in await bench.adapter(ref="/note/x").check()] == ["bad_ref"]
    (record,) = await bench.adapter(ref="/person").pull()
    assert [fault.rule for fault in record.faults] == ["bad_ref"]
    bench.office.ready *= 2
    assert [finding.rule for finding in await bench.adapter().check()] == ["ref_twice"]


@pytest.mark.parametrize(
    "more",
    [
        {"login": "basic"},
        {"user": "trm"},
        {"login": "header"},
        {"erase_path": "/inbox"},
        {"find_path": "/inbox"},
        {"record_path": "/ready"},
        {"list_path": "ready"},
        {"paging": "soap"},
        {"token": "a secret is no setting"},
    ],
)
async def test_settings_that_do_not_fit(bench: RestBench, more: dict[str, str]) -> None:
    """What is unknown or does not belong together is refused before anything is asked."""
    with pytest.raises(ValidationError):
        KIND.settings.model_validate({**bench.settings(), **more})


@pytest.mark.parametrize(
    "url",
    ["http://cases.example/api", "ftp://localhost/", "https://a:b@cases.example/", "https:///x", "https://a/?b=c"],
)
def test_addresses_that_are_refused(url: str) -> None:
    """Plain HTTP to another machine, a login in the address, a query, no host."""
    with pytest.raises(RefusedError):
        Web(url)
