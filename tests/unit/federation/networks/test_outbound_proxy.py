"""Which hosts a proxy leads to, what aiohttp is told, and where its password may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from gateway.federation.networks.outbound_proxy import OutboundProxy, translate_status
from gateway.foundation.config import ProxySection


def of(**settings: object) -> OutboundProxy:
    """The proxy of these settings."""
    return OutboundProxy.of(ProxySection.model_validate({"url": "http://proxy.example:3128", **settings}))


def test_hosts_that_are_reached_directly() -> None:
    """A name is that name alone, an ending any name below it; networks hold addresses, and no name is looked up."""
    proxy = of(direct=["be.example", ".gov.example", "10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])
    asked = (
        "be.example",
        "BE.example.",
        "a.be.example",
        "x.gov.example",
        "gov.example",
        "evilgov.example",
        "10.9.8.7",
        "11.9.8.7",
        "[2001:db8::1]",
        "192.0.2.7",
        "192.0.2.70",
    )
    assert [host for host in asked if proxy.leads_to(host)] == [
        "a.be.example",
        "gov.example",
        "evilgov.example",
        "11.9.8.7",
        "192.0.2.70",
    ]


def test_what_a_request_is_told(tmp_path: Path) -> None:
    """Without TLS nothing goes through a proxy, which could read it; the password is shown by no repr."""
    secret = tmp_path / "password"
    secret.write_text("two words ü\n", "utf-8")
    secret.chmod(0o600)
    proxy = of(user="trm", password_file=secret, direct=["be.example"])
    assert proxy.options("http://127.0.0.1:9/x") == {}
    assert proxy.options("https://be.example:443") == {}
    told = proxy.options("https://al.example:8443/v1/keyset")
    assert told["proxy"] == "http://proxy.example:3128"
    assert told["proxy_headers"] == {"User-Agent": "nrm", "Proxy-Authorization": "Basic dHJtOnR3byB3b3JkcyDDvA=="}
    assert "words" not in repr(proxy)


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("secret", 0o604, "may be read by everybody (chmod 0600)"),
        ("", 0o600, "holds no password: one line of text"),
        ("two\nlines", 0o600, "holds no password: one line of text"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_password_file_that_is_not_right(tmp_path: Path, text: str | None, mode: int, why: str) -> None:
    """The start is refused, and nothing is sent without the login that was meant."""
    secret = tmp_path / "password"
    if text is not None:
        secret.write_text(text)
        secret.chmod(mode)
    with pytest.raises(RefusedError) as refusal:
        of(user="trm", password_file=secret)
    assert refusal.value.code is Code.INVALID
    assert refusal.value.what == f"the password file of the proxy {why}; nothing was started"


def test_each_refusal_of_a_proxy_has_its_code() -> None:
    """What it says of the peer's address is no word of the peer, and no fault of the proxy either."""
    told = {status: str(translate_status(status).code) for status in (0, 302, 403, 405, 407, 502, 503, 504)}
    assert told == {
        **dict.fromkeys((0, 302, 403, 405), "proxy_refused"),
        407: "proxy_login",
        **dict.fromkeys((502, 503, 504), "unreachable"),
    }
