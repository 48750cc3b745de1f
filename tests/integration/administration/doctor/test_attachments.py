"""`trm doctor` says of a bucket whether a node can work with it, and what becomes there of what is erased."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from support.buckets import ask, fresh_bucket, objects_of, section_of, text_of
from support.ports import free_port

from gateway.administration.doctor.attachments import check_attachments, judge_rules, judge_versions
from gateway.administration.doctor.folder import Check, State
from gateway.attachments.bucket.setup import Versions
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import AttachmentsSection, parse

PLAIN = """
[node]
name = "FR"
country = "FR"
[federation]
listen = "127.0.0.1:8443"
[[units]]
id = "focal-point"
name = "National focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""


def examine(folder: Path, section: AttachmentsSection | None) -> list[Check]:
    """Every check of the place."""
    text = PLAIN if section is None else PLAIN + text_of(section)
    return [*check_attachments(folder, parse(text, folder / "node.toml"), now=SystemClock().now())]


def states(found: list[Check]) -> dict[str, State]:
    """How each of them ended."""
    return {check.name: check.state for check in found}


def test_a_folder(tmp_path: Path) -> None:
    """There is nothing to try; the disk has a check of its own."""
    assert states(examine(tmp_path, None)) == {"attachments": State.OK}


def test_a_good_bucket(tmp_path: Path) -> None:
    """It is tried with an object, and nothing of that is left."""
    bucket = fresh_bucket()
    assert states(examine(tmp_path, section_of(bucket, tmp_path))) == {
        "attachments": State.OK,
        "bucket versions": State.OK,
        "bucket rules": State.OK,
    }
    assert objects_of(bucket) == {}


def test_files_that_were_left_in_the_folder(tmp_path: Path) -> None:
    """Of a node whose node.toml was changed by hand: they are not seen any more."""
    (tmp_path / "attachments").mkdir()
    (tmp_path / "attachments" / ("0" * 32)).touch()
    (first, *_) = examine(tmp_path, section_of(fresh_bucket(), tmp_path))
    assert first.state is State.WARN and "trm attachment move" in first.fix


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"url": "s3://no-such-bucket/fr"}, "no such bucket"),
        ({"endpoint": "http://127.0.0.1:9"}, "does not answer"),
        ({"credentials_file": "nowhere"}, "credentials_file"),
    ],
)
def test_a_bucket_that_cannot_be_used(tmp_path: Path, wrong: dict[str, str], word: str) -> None:
    """One red check, with the way out."""
    section = section_of(fresh_bucket(), tmp_path).model_copy(update=wrong)
    (found,) = examine(tmp_path, section)
    assert found.state is State.RED and word in found.found and found.fix


@pytest.fixture
def strict() -> Iterator[None]:
    """The server knows no access key, as it lets in everybody else."""
    ask("POST", "moto-api/reset-auth", b"0")
    yield
    ask("POST", "moto-api/reset-auth", b"inf")


@pytest.mark.usefixtures("strict")
def test_a_wrong_key(tmp_path: Path) -> None:
    """It is told apart from a server that is away."""
    section = section_of("any-bucket", tmp_path)
    (found,) = examine(tmp_path, section)
    assert found.state is State.RED and "does not accept the access key" in found.found


def test_a_bucket_that_keeps_versions(tmp_path: Path) -> None:
    """What is erased stays: red for ever, a warning where a rule ends them, and red again while old ones are there."""
    bucket = fresh_bucket()
    section = section_of(bucket, tmp_path)
    ask("PUT", f"{bucket}?versioning", _versioning("Enabled"))
    ask("PUT", f"{bucket}/fr/{'0' * 32}/000000", b"what was erased")
    ask("DELETE", f"{bucket}/fr/{'0' * 32}/000000")
    found = examine(tmp_path, section)
    assert states(found)["bucket versions"] is State.RED
    ends = "<NoncurrentVersionExpiration><NoncurrentDays>30</NoncurrentDays></NoncurrentVersionExpiration>"
    ask("PUT", f"{bucket}?lifecycle", _lifecycle("fr/", ends))
    (told,) = [check for check in examine(tmp_path, section) if check.name == "bucket versions"]
    assert told.state is State.WARN and "30 days" in told.found
    assert states(examine(tmp_path, section))["bucket rules"] is State.OK
    ask("PUT", f"{bucket}?versioning", _versioning("Suspended"))
    (told,) = [check for check in examine(tmp_path, section) if check.name == "bucket versions"]
    assert told.state is State.RED and "still there" in told.found


@pytest.mark.parametrize(
    ("prefix", "state"), [("", State.RED), ("fr/", State.RED), ("fr/0", State.RED), ("other/", State.OK)]
)
def test_a_rule_that_removes(tmp_path: Path, prefix: str, state: State) -> None:
    """Files of messages would be gone after some days."""
    bucket = fresh_bucket()
    ask("PUT", f"{bucket}?lifecycle", _lifecycle(prefix, "<Expiration><Days>30</Days></Expiration>"))
    assert states(examine(tmp_path, section_of(bucket, tmp_path)))["bucket rules"] is state


def _versioning(status: str) -> bytes:
    space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return f"<VersioningConfiguration {space}><Status>{status}</Status></VersioningConfiguration>".encode()


def _lifecycle(prefix: str, does: str) -> bytes:
    rule = f"<ID>r</ID><Filter><Prefix>{prefix}</Prefix></Filter><Status>Enabled</Status>{does}"
    return f"<LifecycleConfiguration><Rule>{rule}</Rule></LifecycleConfiguration>".encode()


@asynccontextmanager
async def careless(*, removes: bool) -> AsyncIterator[str]:
    """A server that writes over what is there, whatever it was told, or lets nobody remove anything."""
    held: dict[str, bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        match request.method:
            case "PUT":
                held[request.path] = await request.read()
                return web.Response(headers={"ETag": '"1"'})
            case "GET" if request.path in held:
                headers = {"ETag": '"1"', "Last-Modified": "Fri, 24 May 2013 00:00:00 GMT"}
                return web.Response(body=held[request.path], headers=headers)
            case "GET" if "list-type" in request.query:
                return web.Response(text="<ListBucketResult></ListBucketResult>", content_type="application/xml")
            case "DELETE" if not removes:
                return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
            case "DELETE":
                del held[request.path]
                return web.Response(status=204)
            case _:
                return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("removes", "word"), [(True, "If-None-Match"), (False, "lacks a right")], ids=["overwrites", "keeps"]
)
async def test_a_server_that_is_not_good_enough(tmp_path: Path, removes: bool, word: str) -> None:
    """Red: where it writes over what is there, an answer that was lost could not be settled by writing again; where
    nothing can be removed, nothing is erased.
    """
    async with careless(removes=removes) as endpoint:
        found = await asyncio.to_thread(examine, tmp_path, section_of("any-bucket", tmp_path, endpoint=endpoint))
    assert [check.state for check in found] == [State.RED] and word in found[0].found


def test_what_may_not_be_asked() -> None:
    """A person looks; a version that was seen is enough to say that they are kept."""
    assert [check.state for check in judge_versions(None, seen=False)] == [State.WARN]
    assert [check.state for check in judge_versions(None, seen=True)] == [State.RED]
    assert [check.state for check in judge_rules(None)] == [State.WARN]
    (many,) = judge_versions(Versions(kept=True, days=None, old=500, more=True), seen=True)
    assert "500 or more" in many.found
