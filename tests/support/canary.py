"""The search for marked values that the demonstration uses, over more encodings, bytes in memory and a real wire.

`Wiretap` stands between two nodes: it ends TLS with the key of the node behind it, so that the pin of the other side
holds, keeps every byte of HTTP in both directions, and speaks TLS to that node.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.composition.node import Node
from gateway.demo.marks import list_encodings, list_files
from gateway.federation.tls import client_context, server_context
from keys.primitives.tls import self_signed, server_files


def forms(value: str) -> dict[str, bytes]:
    """What the product's own search knows, and texts in which every single character is escaped."""
    units = value.encode("utf-16-be").hex()
    escaped = "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    percent = "".join(f"%{byte:02x}" for byte in value.encode())
    return list_encodings(value) | {
        "json, all escaped": escaped.encode(),
        "json, all escaped, upper": escaped.upper().replace("\\U", "\\u").encode(),
        "percent, all": percent.encode(),
        "percent, all, upper": percent.upper().encode(),
        "base64 of utf-16 with mark": list_encodings("\ufeff" + value)["base64 of utf-16-le, shift 0"],
    }


@dataclass(frozen=True)
class Scanner:
    """Knows the forms of every mark once."""

    needles: tuple[tuple[str, str, bytes], ...]

    @classmethod
    def of(cls, marks: Mapping[str, str]) -> Scanner:
        """For marks by name."""
        return cls(tuple((mark, name, form) for mark, value in marks.items() for name, form in forms(value).items()))

    def data(self, place: str, data: bytes) -> Iterator[str]:
        """Each mark in `data`, as "place: mark as encoding"; never the value."""
        return (f"{place}: {mark} as {name}" for mark, name, form in self.needles if form in data)

    def folders(self, roots: Iterable[Path]) -> Iterator[str]:
        """Each mark in a file, or in the name of a file, below `roots`."""
        for path in list_files(roots):
            with contextlib.suppress(FileNotFoundError):
                yield from self.data(str(path), path.read_bytes())
            yield from self.data(f"the name of {path}", str(path).encode(errors="surrogateescape"))


@dataclass
class Wiretap:
    """Everything that went over the wire to one node, in the clear of HTTP, by direction."""

    asked: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)
    _server: asyncio.Server | None = None

    async def start(self, node: Node, endpoint: int, listen: int) -> None:
        """Listen at `endpoint` as `node` would, and carry on to `listen`."""
        secret = node.keys.tls_secrets()[0]  # type: ignore[attr-defined]
        certificate = self_signed(secret, node=node.own.node, hosts=["127.0.0.1"], now=node.clock.now())
        with server_files(secret, certificate) as (certificate_file, key_file):
            context = server_context(certificate_file, key_file)

        async def carry(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                far, on = await asyncio.open_connection("127.0.0.1", listen, ssl=client_context())
                ways = {
                    asyncio.ensure_future(_pump(near, on, self.asked)),
                    asyncio.ensure_future(_pump(far, back, self.answered)),
                }
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                    on.close()
            back.close()

        self._server = await asyncio.start_server(carry, "127.0.0.1", endpoint, ssl=context)

    def close(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            kept += data
            sink.write(data)
            await sink.drain()
