"""The notice on a real mail server: over verified TLS only, once for what is new, and never a word about it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from support.pair import two_nodes

from adapters.email import Mailer
from gateway.database import journal
from gateway.errors import RefusedError, TransientError
from gateway.foundation.config import parse
from gateway.notifications.email_notices import EmailNotices
from keys.primitives.tls import self_signed, server_files

NAME = "Xanthippe4711"


@dataclass
class Box:
    """A mail server that keeps what it gets."""

    ca: Path
    port: int = 0
    mails: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append(envelope.content.decode())
        return "250 OK"

    def mailer(self, **more: Any) -> Mailer:
        settings = {"host": "127.0.0.1", "port": self.port, "implicit": False, "ca": self.ca}
        return Mailer(node="FR", sender="gateway@example.org", to=["duty@example.org"], **{**settings, **more})


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    """A mail server with STARTTLS, whose certificate is for 127.0.0.1."""
    secret = b"\x07" * 48
    certificate = self_signed(secret, node="n1" + "a" * 32, hosts=["127.0.0.1"], now=int(time.time()))
    ca = tmp_path / "ca.pem"
    with server_files(secret, certificate) as (certificate_file, key_file):
        ca.write_bytes(Path(certificate_file).read_bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate_file, key_file)
    made = Box(ca)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(made, hostname="mail.example", tls_context=context, require_starttls=True, loop=loop),
        "127.0.0.1",
        0,
    )
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


async def test_the_mail_says_that_something_waits(box: Box) -> None:
    """One fixed text; urgent is a word of the subject."""
    await box.mailer().tell(urgent=False)
    await box.mailer().tell(urgent=True)
    first, second = box.mails
    assert "Subject: TRM Gateway FR: something waits" in first
    assert "Subject: TRM Gateway FR: something urgent waits" in second
    assert "Something waits at the desk of the referral gateway FR." in first
    assert "http" not in first


async def test_an_unknown_server_gets_nothing(box: Box, tmp_path: Path) -> None:
    """A certificate that nobody vouches for, another name, no server: nothing is sent, and it is tried again."""
    for more in ({"ca": None}, {"host": "localhost"}, {"port": 1}, {"implicit": True}):
        with pytest.raises(TransientError, match="does not take the notice"):
            await box.mailer(**more).tell(urgent=False)
    assert box.mails == []


async def test_people_are_told_once_of_what_is_new(box: Box, tmp_path: Path) -> None:
    """A node tells of a new alarm once, waits before the next mail, and sends the next for what is new only."""
    async with two_nodes(tmp_path) as two:
        node = two.fr.running
        notify = EmailNotices(
            store=node.store, adapter=node.adapter, clock=node.clock, notifier=box.mailer(), seconds=3600
        )
        for alarm in await node.store.read(journal.open_alarms):
            await node.store.move(lambda c, seq=alarm.seq: journal.dismiss_alarm(c, seq, at=1))
        assert not await notify.once()
        await node.store.move(lambda c: journal.raise_alarm(c, at=1, kind="adapter.busy", peer=NAME))
        assert await notify.once()
        assert not await notify.once()
        two.clock.advance(3700)
        assert not await notify.once()
        await node.store.move(lambda c: journal.raise_alarm(c, at=1, kind="message.held", peer=NAME))
        assert await notify.once()
    assert len(box.mails) == 2
    assert not any(NAME in mail or "held" in mail for mail in box.mails)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ('user = "gateway"', "notify.email"),
        ('to = ["Duty Desk"]', "notify.email.to.0"),
        ("every_minutes = 1", "notify.email.every_minutes"),
        ('tls = "none"', "notify.email.tls"),
        ('text = "about Ana"', "notify.email.text"),
    ],
)
def test_settings_that_are_refused(more: str, place: str, tmp_path: Path) -> None:
    """An account without a password file, an address that is none, mail every minute, no TLS, a text of one's own."""
    to = "" if more.startswith("to") else 'to = ["duty@example.org"]'
    text = f"""
        node = {{name = "FR", country = "FR"}}
        units = [{{id = "a", name = "A", kind = "ngo", roles = ["service_provider"]}}]
        federation = {{listen = "127.0.0.1:8443"}}
        [notify.email]
        host = "mail.example.org"
        sender = "gateway@example.org"
        {to}
        """
    if to:
        assert parse(text, tmp_path / "node.toml").notify.email is not None
    with pytest.raises(RefusedError) as caught:
        parse(f"{text}{more}\n", tmp_path / "node.toml")
    assert [finding.place for finding in caught.value.findings] == [place]
