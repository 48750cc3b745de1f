"""Send one fixed text to fixed people over SMTP, always with TLS. Its only variable is the node's name."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path

from adapters.kit.secret import read_secret
from gateway.errors import Code, RefusedError, TransientError

PATIENCE = 30.0
_TEXT = """\
Something waits at the desk of the referral gateway {node}.

Sign in at the usual place to see it. This mail says nothing about it and has no link, on purpose.
"""
_URGENT = "Something urgent waits at the desk of the referral gateway {node}."


class Mailer:
    """Sends from `sender` to `to` by the server `host`. `implicit` is TLS from the first byte (port 465), otherwise
    STARTTLS is demanded; `ca` are the authorities to believe instead of the system's own.
    """

    def __init__(
        self,
        *,
        node: str,
        host: str,
        port: int,
        implicit: bool,
        sender: str,
        to: Sequence[str],
        user: str | None = None,
        password: Path | None = None,
        ca: Path | None = None,
    ) -> None:
        self._node = node
        self._host = host
        self._port = port
        self._implicit = implicit
        self._sender = sender
        self._to = tuple(to)
        self._user = user
        self._password = password
        self._ca = ca

    async def tell(self, *, urgent: bool) -> None:
        """Send the notice that something waits. Raises TransientError without a word of the server; the caller tries
        again.
        """
        try:
            import aiosmtplib
        except ImportError as exc:
            raise RefusedError(Code.INVALID, "nothing is installed for mail", hint="trm-gateway[email]") from exc
        password = None if self._password is None else read_secret(self._password, "the mail password")
        try:
            await aiosmtplib.send(
                self._message(urgent),
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=password,
                use_tls=self._implicit,
                start_tls=not self._implicit,
                timeout=PATIENCE,
                tls_context=ssl.create_default_context(cafile=None if self._ca is None else str(self._ca)),
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as exc:
            what = f"the mail server does not take the notice ({type(exc).__name__})"
            raise TransientError(Code.UNREACHABLE, what, hint="look at [notify.email] and the server") from None

    def _message(self, urgent: bool) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._sender, ", ".join(self._to)
        message["Subject"] = f"TRM Gateway {self._node}: something {'urgent ' if urgent else ''}waits"
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        text = _TEXT.format(node=self._node)
        message.set_content(_URGENT.format(node=self._node) + text[text.index("\n") :] if urgent else text)
        return message
