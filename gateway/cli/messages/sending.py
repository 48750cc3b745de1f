"""`trm send`: drafts in files are submitted and released, one alone or many in one call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.api.routes import BATCH_LIMIT
from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json
from keys.primitives.encoding import b64u, sha256

IN_ONE_CALL = 64
"""Messages that the node takes in one call."""
ROOM = 1_000
"""Bytes of a call that are left for what stands around its items."""


@click.command("send", cls=options.Verb, context_settings=CONTEXT)
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...")
@click.option("--key", metavar="KEY", help="Idempotency key; the same key and file never send twice. Default: random.")
@click.option(
    "--attach",
    "attached",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="A file that goes with the one message, in the order of their numbers in the draft; may be repeated.",
)
@click.option("--two-people", is_flag=True, help="A second, different person releases it too, also where one may.")
@options.pass_node
@options.as_json
def send_messages(
    reach: Reach,
    files: tuple[Path, ...],
    key: str | None,
    two_people: bool,
    attached: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Submit and release the message in each FILE, a JSON draft ('-' for standard input), as who is signed in (trm
    login).

    The draft has type, to, header and content, and where they apply purpose, conversation and in_reply_to; the header's
    author_ref is always your pseudonym. Exit 0 means that it is on the disk of the node and goes as soon as the peer
    can be reached; what needs two people waits there until a different one releases it (trm draft release). A script
    that may be cut off names a --key of its own and repeats the same command.

    Several files go 64 at a time, in their order, each for itself under --key and its path: a line is printed for each
    as soon as it is known, and one that is refused keeps no other back. Exit 1 means that at least one was refused. If
    one of the files can not be read, none is sent.

    \b
    Example:
      trm send referral.json --key case-4711-1 --node /srv/trm/fr
      trm send referral.json --attach passport.pdf --attach decision.pdf --node /srv/trm/fr
      trm send enquiries/*.json --key enquiries-2026-11-27 --node /srv/trm/fr
    """
    from gateway.cli.connection import make_idempotency_key

    used = key or make_idempotency_key()
    if len({*files}) == 1:
        _send_one(reach, files[0], used, two_people=two_people, attached=attached, as_json=as_json)
        return
    if attached:
        raise click.UsageError("--attach belongs to one message: send it alone")
    told, refused = list[Json](), 0
    for items in _in_calls(_read_items(files, used, two_people=two_people)):
        answers = _send_many(reach, items, used)
        refused += sum("refused" in answer for answer in answers)
        for item, answer in zip(items, answers, strict=True):
            told.append({"file": str(item.file), **answer})
            if not as_json:
                _show_answer(item.file, answer)
    if as_json:
        output.print_json({"items": told})
    else:
        output.print_line(f"{len(told) - refused} stored, {refused} refused")
    if refused:
        raise click.exceptions.Exit(1)


# --- one message --------------------------------------------------------------------------------------------------


def _send_one(
    reach: Reach, file: Path, used: str, *, two_people: bool, attached: Sequence[Path], as_json: bool
) -> None:
    draft = output.read_object(file)
    if two_people:
        draft = {**draft, "two_people": True}
    if attached:
        draft = {**draft, "message": _attach(reach, attached)}
    try:
        answer = reach.do("message.submit", draft, key=used)
    except RefusedError:
        if attached:  # nothing took them
            reach.ask("attachment.discard", id=draft["message"])
        raise
    except BaseException:
        _hint_key(used)
        raise
    output.print_answer(answer, as_json=as_json, people=show_queued)


def _attach(reach: Reach, paths: Sequence[Path]) -> str:
    """Seal files for one message and return the id that the message must have. If one fails, the ones before are
    discarded.
    """
    from gateway.cli import transfers

    message: str | None = None
    try:
        for path in paths:
            message = str(
                transfers.add_file(reach.folder, path, message, reach.passphrase_file, reach.token)["message"]
            )
    except GatewayError:
        if message is not None:
            reach.ask("attachment.discard", id=message)
        raise
    return str(message)


def show_queued(value: Mapping[str, Json]) -> None:
    """Print a message that was stored for sending, or a draft that waits for a second person."""
    if value["state"] == "waiting_second":
        output.print_line(f"{value['id']} waits for a second person")
        _hint_second()
        return
    output.print_facts([("message", value["id"]), ("conversation", value["conversation"]), ("state", value["state"])])
    hint_warnings(value)


def hint_warnings(value: Mapping[str, Json]) -> None:
    """Print the warnings of a message that nothing holds back, for whoever writes it."""
    if value.get("warnings"):
        output.print_hint(
            "this tells a State that the person fears: it goes at once, in codes, and your words stay here; let a "
            "second person look at it (trm alarm list)"
        )


def _hint_second() -> None:
    output.print_hint("a different person has to release it too: trm draft show, then trm draft release --version")


def _hint_key(used: str) -> None:
    output.print_hint(f"it may have been stored or not; repeat with --key {used}, and it is sent once")


# --- many messages ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """The draft of a file, under the key by which it is sent once."""

    file: Path
    key: str
    draft: Mapping[str, Json]

    @property
    def size(self) -> int:
        """Bytes of it in a call."""
        return len(json.dumps(self.to_json())) + len(", ")

    def to_json(self) -> dict[str, Json]:
        """As the node takes it."""
        return {"key": self.key, "draft": dict(self.draft)}


def _read_items(files: Sequence[Path], used: str, *, two_people: bool) -> list[_Item]:
    """The drafts of all files. The key of each is made of its path: a command that is repeated sends the files that are
    new, no file twice, and refuses one that says something else now. Raises RefusedError, nothing was sent.
    """
    items = list[_Item]()
    for file in dict.fromkeys(files):
        draft = output.read_object(file)
        key = f"{used}.{_digest(str(file.absolute()))}"
        item = _Item(file=file, key=key, draft={**draft, "two_people": True} if two_people else draft)
        if item.size > BATCH_LIMIT - ROOM:
            what = f"{file} is larger than a message can be; nothing was sent"
            raise RefusedError(Code.TOO_LARGE, what, hint="files go beside a message: trm send --attach")
        items.append(item)
    return items


def _digest(text: str) -> str:
    return b64u(sha256(text.encode())[:16])


def _in_calls(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    """The items in their order, so many at a time as the node takes."""
    call, size = list[_Item](), 0
    for item in items:
        if call and (len(call) == IN_ONE_CALL or size + item.size > BATCH_LIMIT - ROOM):
            yield call
            call, size = [], 0
        call.append(item)
        size += item.size
    yield call


def _send_many(reach: Reach, items: Sequence[_Item], used: str) -> list[dict[str, Json]]:
    """What became of each."""
    call: dict[str, Json] = {"items": [item.to_json() for item in items]}
    try:
        answer = reach.do("message.submit_many", call, key=f"{used}.{_digest(json.dumps(call, sort_keys=True))}")
    except RefusedError:
        raise
    except BaseException:
        output.print_hint(f"some may have been stored; repeat with --key {used}, and each is sent once")
        raise
    return list_objects(answer, "items") if isinstance(answer, dict) else []


def _show_answer(file: Path, answer: Mapping[str, Json]) -> None:
    """Print the one line of a file; what stands in the way of one that was refused goes to standard error."""
    submitted, refused = answer.get("submitted"), answer.get("refused")
    if isinstance(submitted, dict):
        output.print_line(f"{file}  {submitted['id']}  {submitted['state']}")
        hint_warnings(submitted)
        if submitted["state"] == "waiting_second":
            _hint_second()
    elif isinstance(refused, dict):
        output.print_line(f"{file}  refused  {refused['code']}")
        output.print_refusal(str(file), refused)
