"""An office that nobody can call and that gets out through a proxy alone, from the first enquiry to the erasure.

FR has one line, to the far end of its tunnel, and listens on its own loopback only. The far end forwards nothing: it
runs tinyproxy with a login, sshd for one account, and HAProxy before the tunnel. AL calls FR there. All that passes the
far end is recorded on every line of it, its own loopback too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.federation import make_certificate
from support.house import ROOT
from support.namespaces import FAR_OFFICE, FAR_PEER, PEER, STRANGER, Namespaces, three_hosts
from support.nodeproc import NodeProcess, enquiry, eventually, introduce, references
from support.tunnel import Tunnel, require_tools

from gateway.federation.listener import CONNECTIONS_PER_ADDRESS
from gateway.foundation.clock import SystemClock

MARK, CONTROL = "words-of-a-case", "words-in-the-clear"
TINYPROXY = """
Port 3128
Listen {host}
ConnectPort 8443
BasicAuth trm secret
LogLevel Error
"""
SETTINGS = """
[proxy]
url = "http://{host}:3128"
user = "trm"
password_file = "{password}"
"""
OTHER_SERVER = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
with socket.create_server((sys.argv[1], 8443), reuse_port=False) as server:
    print("ready", flush=True)
    while True:
        try:
            with context.wrap_socket(server.accept()[0], server_side=True) as taken:
                print("read", len(taken.recv(65536)), flush=True)
        except OSError:
            pass
"""
SILENT = """
import socket, sys, time
held = [socket.create_connection((sys.argv[2], 8443), source_address=(sys.argv[1], 0)) for _ in range(int(sys.argv[3]))]
print("ready", flush=True)
time.sleep(600)
"""


def kill_if_running(node: NodeProcess) -> None:
    """End a node that has not ended by itself."""
    if node.running:
        node.kill()


class Offices:
    """Two nodes and what stands between them."""

    def __init__(self, base: Path, hosts: Namespaces, stack: ExitStack) -> None:
        self.base, self.hosts, self.stack = base, hosts, stack
        self.fr = NodeProcess(
            name="FR", base=base, inside=hosts.inside("fr"), listen="127.0.0.1:8443", endpoint=f"{FAR_PEER}:8443"
        )
        self.al = NodeProcess(
            name="AL", base=base, inside=hosts.inside("al"), listen=f"{PEER}:8443", endpoint=f"{PEER}:8443"
        )
        self.capture = base / "far.pcap"

    def open(self) -> None:
        """Start the recording, the far end, the tunnel and the nodes."""
        recorder = self.start("far", "tcpdump", "-i", "any", "-U", "-s", "0", "-w", str(self.capture))
        eventually(lambda: self.capture.exists() and self.capture.stat().st_size >= 24, "the recording begins")
        assert recorder.poll() is None
        (self.base / "tinyproxy.conf").write_text(TINYPROXY.format(host=FAR_OFFICE))
        self.start("far", "tinyproxy", "-d", "-c", str(self.base / "tinyproxy.conf"))
        self.start("far", "haproxy", "-q", "-db", "-f", str(ROOT / "deploy" / "tunnel" / "haproxy.cfg"))
        tunnel = Tunnel(
            *(self.base, FAR_OFFICE, 2222, 18443, 8443),
            near=self.hosts.inside("fr"),
            far=self.hosts.inside("far"),
        )
        self.stack.callback(tunnel.close)
        tunnel.open()
        password = self.base / "proxy-password"
        password.touch(mode=0o600)
        password.write_text("secret\n")
        for node, more in ((self.fr, SETTINGS.format(host=FAR_OFFICE, password=password)), (self.al, "")):
            node.make(SystemClock())
            settings = node.folder / "node.toml"
            text = settings.read_text() + more
            if node is self.fr:
                text = text.replace("[federation]\n", '[federation]\nproxy_protocol = ["127.0.0.1"]\n')
            settings.write_text(text)
            self.stack.callback(kill_if_running, node)
            node.start()

    def start(self, host: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a program that ends with the test."""
        process = self.hosts.start(host, *words)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def script(self, host: str, text: str, *words: str) -> subprocess.Popen[str]:
        """Start a script there and wait until it says that it is ready."""
        command = [*self.hosts.inside(host), sys.executable, "-c", text, *words]
        process = self.stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        self.stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def send(self, here: NodeProcess, there: NodeProcess, mark: str) -> str:
        """Send an enquiry, and wait until it is in the case system of the other side; its id."""
        id = str(here.call("message.submit", **enquiry(mark, there.name))["id"])
        eventually(lambda: mark in references(there), f"{mark} arrives\n{here.log()}")
        eventually(lambda: here.state(id) == "awaiting_opening", "its receipt comes back")
        return id

    def erase(self, here: NodeProcess, there: NodeProcess, id: str) -> None:
        """Erase what came in; the sender has it signed."""
        there.call("message.erase", id=id, direction="in", reason="not_needed")

        def told() -> bool:
            return "erased" in {receipt["status"] for receipt in here.call("message.show", id=id)["receipts"]}

        eventually(told, "the erasure is confirmed")


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Offices]:
    """The two offices, not opened yet."""
    require_tools("sshd", "ssh", "ssh-keygen", "haproxy", "tinyproxy", "tcpdump", "ss")
    with three_hosts() as hosts, ExitStack() as stack:
        yield Offices(tmp_path, hosts, stack)


@pytest.mark.deep
def test_an_office_without_an_address(offices: Offices) -> None:
    """Paired, asked, answered and erased, both ways; another server at the peer's address is refused through the proxy;
    a stranger who uses up what one address may have takes nothing from the peer; the record holds no word of it.
    """
    fr, al = offices.fr, offices.al
    offices.open()
    introduce(fr, al)
    pinged = fr.call("peer.ping", id="AL")
    assert (pinged["ok"], pinged["steps"][0]["detail"]) == (True, f"{PEER} is looked up by the proxy"), pinged
    assert al.call("peer.ping", id="FR")["ok"]

    asked = offices.send(fr, al, f"{MARK}-1")
    offices.script("al", SILENT, STRANGER, FAR_PEER, str(CONNECTIONS_PER_ADDRESS + 20))
    answered = offices.send(al, fr, f"{MARK}-2")

    al.stop()
    shown = make_certificate(offices.base, "other")
    other = offices.script("al", OTHER_SERVER, PEER, str(shown.cert), str(shown.key))
    waiting = str(fr.call("message.submit", **enquiry(f"{MARK}-3"))["id"])
    step = fr.call("peer.ping", id="AL")["steps"][-1]
    assert (step["step"], step["code"]) == ("tls", "bad_key"), step
    other.kill()
    assert other.stdout is not None
    assert {line.strip() for line in other.stdout} == {"read 0"}, "it was called, and nothing was said to it"
    al.start()
    fr.call("message.resend", id=waiting)
    eventually(lambda: f"{MARK}-3" in references(al), "what waited arrives")

    offices.erase(fr, al, asked)
    offices.erase(al, fr, answered)

    offices.hosts.run("far", sys.executable, "-c", _said_in_the_clear())
    record = offices.capture.read_bytes
    eventually(lambda: CONTROL.encode() in record(), "the recording would see it")
    seen = record()
    assert len(seen) > 100_000
    for hidden in (MARK, "/v1/messages", "Signature-Input", fr.node, al.node, "safe_accommodation"):
        assert hidden.encode() not in seen, hidden
    assert b"CONNECT 10.77.2.1:8443" in seen, "this is what the proxy knows"


def _said_in_the_clear() -> str:
    """What shows that the recording misses nothing: a word on the loopback of the far end."""
    return (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        f"socket.create_connection(server.getsockname()).sendall(b'{CONTROL}')\n"
        "server.accept()[0].recv(99)\n"
    )
