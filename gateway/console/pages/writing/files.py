"""The files of a draft: sent to the node as a stream, sealed there as they come, and never held whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from email.message import Message
from typing import Any

from aiohttp import StreamReader, web

from gateway.console import choices
from gateway.console.forms.steps import plan_steps
from gateway.console.pages.writing.drafts import load_waiting_draft
from gateway.console.refusals import RefusalText
from gateway.console.visit import Page, Visit
from gateway.errors import Code, RefusedError

LONGEST_HEAD = 4_096
"""Bytes before the file itself: the line of the boundary and the headers of the part."""
AT_ONCE = 64 * 1024
FIELD = "file"


async def show_files(visit: Visit) -> web.StreamResponse:
    """Show the files of a draft, and the form to add another."""
    return await _page(visit)


async def _page(visit: Visit, told: RefusalText | None = None) -> web.StreamResponse:
    shown = await load_waiting_draft(visit)
    message = shown["draft"].get("message")
    there = await choices.list_files(visit, message) if isinstance(message, str) else []
    names = [choices.name_file(file) for file in there]
    return visit.page(
        "draft-files.html", shown=shown, files=names, told=told, back=_step(visit, shown), status=422 if told else 200
    )


def _step(visit: Visit, shown: Mapping[str, Any]) -> str:
    """Return the step of writing from which somebody came; empty for the form of one page."""
    name = visit.request.query.get("step", "")
    return name if name in [step.name for step in plan_steps(str(shown["type"]))] else ""


def _again(visit: Visit, shown: Mapping[str, Any]) -> web.Response:
    step = _step(visit, shown)
    return visit.go(f"/drafts/{shown['id']}/files" + (f"?step={step}" if step else ""))


async def add_file(visit: Visit) -> web.StreamResponse:
    """Add one file. The first one gives the draft's message its id."""
    shown = await load_waiting_draft(visit)
    message = shown["draft"].get("message")
    try:
        size, chunks = await read_file(visit.request)
        done = await visit.attach({"message": message} if isinstance(message, str) else {}, chunks, size=size)
        if done["message"] != message:
            draft = {**shown["draft"], "message": done["message"]}
            await visit.ask("draft.change", {"id": shown["id"], "draft": draft, "if_match": shown["version"]})
    except RefusedError as error:
        return await _page(visit, visit.told(error))
    return _again(visit, shown)


async def clear_files(visit: Visit) -> web.StreamResponse:
    """Remove all files of the draft."""
    shown = await load_waiting_draft(visit)
    message = shown["draft"].get("message")
    if isinstance(message, str):
        await visit.ask("attachment.discard", {"id": message})
        draft = {name: value for name, value in shown["draft"].items() if name != "message"}
        await visit.ask("draft.change", {"id": shown["id"], "draft": draft, "if_match": shown["version"]})
    return _again(visit, shown)


async def read_file(request: web.Request) -> tuple[int, AsyncIterator[bytes]]:
    """Return the size and the content of a form's only part (RFC 7578). The form gives its total length, so the file is
    what lies between the part's head and the closing boundary; its size is known without storing it.

    Raises:
        RefusedError: it is no such form; while it is read, too: it ends elsewhere than it said.
    """
    boundary = _boundary(request)
    head = await _head(request.content, boundary)
    closing = b"\r\n--" + boundary + b"--\r\n"
    size = (request.content_length or 0) - len(head) - len(closing)
    if size < 0:
        raise _malformed()
    return size, _stream(request.content, size, closing)


def _boundary(request: web.Request) -> bytes:
    said = Message()
    said["Content-Type"] = request.headers.get("Content-Type", "")
    boundary = said.get_param("boundary")
    if said.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary.isascii():
        raise _malformed()
    if request.content_length is None or "Transfer-Encoding" in request.headers or not 0 < len(boundary) <= 70:
        raise _malformed()
    return boundary.encode("ascii")


async def _head(content: StreamReader, boundary: bytes) -> bytes:
    """Read the boundary and the headers of the one part, which must be the file."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = await content.readline()
        head += line
        if not line or len(head) > LONGEST_HEAD:
            raise _malformed()
    first, _, rest = head.partition(b"\r\n")
    said = Message()
    for field in rest.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = field.partition(":")
        if colon and name.lower() == "content-disposition":
            said["Content-Disposition"] = value.strip()
    if first != b"--" + boundary or said.get_param("name", header="content-disposition") != FIELD:
        raise _malformed()
    return head


async def _stream(content: StreamReader, size: int, closing: bytes) -> AsyncIterator[bytes]:
    left = size
    while left:
        chunk = await content.read(min(left, AT_ONCE))
        if not chunk:
            raise _malformed()
        left -= len(chunk)
        yield chunk
    end = b""
    while len(end) < len(closing) and (more := await content.read(len(closing) - len(end))):
        end += more
    if end != closing:
        raise _malformed()


def _malformed() -> RefusedError:
    return RefusedError(
        Code.MALFORMED, "the form did not bring one file; nothing was stored", hint="choose a file, then send it again"
    )


PAGES = (
    Page(method="GET", path="/drafts/{draft}/files", handler=show_files, operation="attachment.add"),
    Page(method="POST", path="/drafts/{draft}/files", handler=add_file, operation="attachment.add"),
    Page(method="POST", path="/drafts/{draft}/files/clear", handler=clear_files, operation="attachment.discard"),
)
