"""The key service of a node dies and comes back; the process that faces the network holds no key that opens anything
(nrm1 13.6; threats 42, 44, 48).
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from support.keydchild import CHEAP
from support.keystores import opened, read_ring
from support.nodeproc import PASSPHRASE, Away, NodeProcess, Pair, enquiry, eventually, make_pair, references
from support.patience import PATIENCE

from gateway.api.routes import PREFIX
from gateway.errors import TransientError
from keys.keystore.destructible.file import secret_file_of
from keys.keystore.keystore import Keystore, system_rand
from keys.keystore.remote import RemoteKeys
from keys.primitives.encoding import b64u

MESSAGES, KILLS = 80, 8
CLIENTS = 4
CHUNK = 1024 * 1024


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes that are active at each other."""
    made = make_pair(tmp_path)
    try:
        yield made
    finally:
        made.close()


# --- killed during traffic ---------------------------------------------------------------------------------------


@dataclass
class Office:
    """Clients of one node that repeat a submission, under its own key, until it is taken."""

    node: NodeProcess
    to: str
    work: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    ids: dict[str, str] = field(default_factory=dict)
    refused: list[object] = field(default_factory=list)
    later: int = 0

    def run(self) -> None:
        """Submit until nothing is left; only "not now" is repeated."""
        with closing(self.node.client()) as client:
            while True:
                try:
                    reference = self.work.get_nowait()
                except queue.Empty:
                    return
                while reference not in self.ids:
                    try:
                        status, value = client.submit(enquiry(reference, self.to), reference)
                    except Away:
                        self.refused.append("away")
                        return
                    if status in (200, 201):
                        self.ids[reference] = value["id"]
                    elif status == 503:
                        self.later += 1
                        time.sleep(0.05)
                    else:
                        self.refused.append((status, value))
                        return


def test_killed_during_traffic(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    """With both key services killed again and again under messages each way nothing is lost, doubled or refused."""
    offices = [Office(pair.a, "AL"), Office(pair.b, "FR")]
    for office in offices:
        office.node.sign_in()
    threads = []
    for office in offices:
        for number in range(MESSAGES):
            office.work.put(f"{office.node.name}-{number}")
        threads += [threading.Thread(target=office.run) for _ in range(CLIENTS)]
    kills = 0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or pair.a.count() + pair.b.count() < 2 * MESSAGES:
        time.sleep(0.05)
        if kills < KILLS and sum(len(office.ids) for office in offices) >= 2 * MESSAGES * kills // KILLS:
            kills += kill_keyd((pair.a, pair.b)[kills % 2])
        assert not [office.refused for office in offices if office.refused]
    for thread in threads:
        thread.join(PATIENCE)
    for office, other in zip(offices, (pair.b, pair.a), strict=True):
        assert len(office.ids) == MESSAGES
        eventually(partial(has_all, other), f"not all arrived: {other.log()}")
        assert sorted(references(other)) == sorted(office.ids)
    for office in offices:
        eventually(partial(has_receipts, office), "not all receipts came")
        assert not set(office.node.alarms()) & {"message.failed", "message.rejected", "content.damaged", "message.held"}
    assert kills >= 4
    with capsys.disabled():
        print(f"\nkey services killed {kills} times; {sum(office.later for office in offices)} submissions came again")


def kill_keyd(node: NodeProcess) -> bool:
    """SIGKILL to the key service of a node, if there is one just now."""
    try:
        os.kill(node.keyd, signal.SIGKILL)
    except (ValueError, ProcessLookupError):
        return False
    return True


def told(office: Office) -> set[str]:
    """The states of everything an office has sent; `later` where the key service is still away after its last end."""
    with closing(office.node.client()) as client:
        answers = [client.ask("GET", f"{PREFIX}/messages/{id}") for id in office.ids.values()]
    assert {status for status, _ in answers} <= {200, 503}
    return {value["state"] if status == 200 else "later" for status, value in answers}


def has_all(node: NodeProcess) -> bool:
    """Whether every message of the other side is in the case system of a node."""
    return node.count() == MESSAGES


def has_receipts(office: Office) -> bool:
    """Whether everything an office has sent was taken up on the other side."""
    return told(office) == {"awaiting_opening"}


def test_stopped_for_a_while(pair: Pair) -> None:
    """A key service that hangs: submissions are answered "not now", what was taken arrives once it goes on."""
    a, b = pair.a, pair.b
    hung = b.keyd
    os.kill(hung, signal.SIGSTOP)
    try:
        with closing(a.client()) as client:
            sent = [client.call("message.submit", **enquiry(f"h-{number}"))["id"] for number in range(5)]
        time.sleep(3)
        assert {a.state(id) for id in sent} <= {"queued", "awaiting_receipt"}
        assert b.count() == 0
    finally:
        os.kill(hung, signal.SIGCONT)
    eventually(lambda: b.count() == 5, f"not all arrived: {b.log()}")
    assert sorted(references(b)) == [f"h-{number}" for number in range(5)]


def test_it_ends_with_its_node(pair: Pair) -> None:
    """A node that is killed leaves no key service behind, and the next one of the folder comes up."""
    keyd = pair.a.keyd
    pair.a.kill()
    eventually(lambda: not running(keyd), "the key service outlived its node")
    pair.a.start()
    assert running(pair.a.keyd)
    pair.a.stop()
    assert not (pair.a.folder / "run" / "keyd.sock").exists()


def test_row_215_another_process_of_the_same_user_gets_nothing(pair: Pair) -> None:
    """Whoever runs as the user of the node and finds the socket hears nothing; the node goes on."""
    with pytest.raises(TransientError):
        RemoteKeys.reach(pair.a.folder / "run" / "keyd.sock", 0.5)
    with closing(pair.a.client()) as client:
        client.call("message.submit", **enquiry("still"))
    eventually(lambda: pair.b.count() == 1, f"it did not arrive: {pair.b.log()}")


def running(pid: int) -> bool:
    """Whether there is such a process that is not dead and unburied."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- memory ------------------------------------------------------------------------------------------------------


def reseal(node: NodeProcess, passphrase: str) -> None:
    """Give the key store of a stopped node another passphrase: one that can not be in a memory by chance."""
    path = node.folder / "keystore"
    store = opened(path, passphrase=PASSPHRASE)
    path.unlink()
    secret_file_of(path).unlink()
    Keystore.restore(path, passphrase, store._ring, store.gen, cost=CHEAP)
    node.passphrase_file.write_text(passphrase)


def secrets_of(node: NodeProcess, passphrase: str) -> dict[str, bytes]:
    """Every secret of the keyring that opens or signs something, by a name for the failed assertion. The key of the
    listener is the exception: its TLS library needs it.
    """
    path = node.folder / "keystore"
    ring = read_ring(path, passphrase)
    found = {"index": ring.index, "actor": ring.actor}
    found |= {f"epoch {epoch.n}": epoch.key for epoch in ring.epochs}
    found |= {f"enc {held.key.kid}": held.key.seed() for held in ring.enc}
    for held in ring.keys:
        ed25519, mldsa65 = held.key.seeds()
        found[f"{held.use} {held.kid}"] = ed25519
        if mldsa65 is not None:
            found[f"{held.use} {held.kid} mldsa65"] = mldsa65
    return found


def forms(secret: bytes) -> tuple[bytes, bytes]:
    """As it is, and as text of the keyring holds it."""
    return secret, b64u(secret).encode()


def found_in(pid: int, secrets: Mapping[str, bytes]) -> set[str]:
    """The names of the secrets that lie in the memory of a process, in either form."""
    wanted = [(name, form) for name, secret in secrets.items() for form in forms(secret)]
    found: set[str] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_, last = line.split()
            if not rights.startswith("r") or last in ("[vvar]", "[vsyscall]"):
                continue
            first, end = (int(part, 16) for part in span.split("-"))
            data = read(memory, first, end)
            found |= {name for name, form in wanted if form in data}
    return found


def read(memory: object, first: int, end: int) -> bytes:
    """One mapping in one piece, so that nothing is cut by a border; what can not be read is left out."""
    pieces = []
    for at in range(first, end, CHUNK):
        try:
            memory.seek(at)  # type: ignore[attr-defined]
            pieces.append(memory.read(min(CHUNK, end - at)))  # type: ignore[attr-defined]
        except OSError:
            pieces.append(b"")
    return b"".join(pieces)


def test_the_node_holds_no_key(pair: Pair) -> None:
    """After traffic both ways the memory of the process at the network holds no secret of the keyring and not the
    passphrase; the same search finds every one of them in the key service.
    """
    a, b = pair.a, pair.b
    a.stop()
    phrase = b64u(system_rand(24))
    reseal(a, phrase)
    a.start()
    for sender, other in ((a, b), (b, a)):
        with closing(sender.client()) as client:
            for number in range(20):
                client.call("message.submit", **enquiry(f"{sender.name}-{number}", other.name))
    eventually(lambda: (a.count(), b.count()) == (20, 20), "not all arrived")
    a.call("keys.rotate_enc", by="admin")
    secrets = secrets_of(a, phrase)
    assert sum(name.startswith(("enc ", "epoch ")) for name in secrets) >= 2
    assert sum(name.startswith(("sig ", "http ", "log ", "wit ")) for name in secrets) >= 9
    keyd = a.keyd
    assert found_in(keyd, secrets) >= secrets.keys()
    assert a.process is not None
    assert found_in(a.process.pid, secrets | {"passphrase": phrase.encode()}) == set()
