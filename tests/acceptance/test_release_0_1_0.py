"""Folders that release 0.1.0 left go on with today's program: what they hold, what it proves, what waits in them."""

from __future__ import annotations

import http.client
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from support.authenticator import Authenticator
from support.holders import signed
from support.logs import stranger as audited
from support.nodechild import SteeredClock
from support.nodeproc import NodeProcess, Pair, enquiry
from support.pair import example
from support.patience import PATIENCE
from support.released import (
    AT,
    DATA,
    FACTS,
    FINGERPRINTS,
    NAMES,
    ReleasedProcess,
    alone,
    body,
    checked_out,
    digest,
    first_revision,
    holdings,
    left_by_release,
    listener,
    replay,
    statements,
    trm_then,
    unpack,
    wire,
)
from support.stranger import verify

from gateway.evidence.form import FIRST
from keys.documents.descriptor import DESCRIPTORS
from keys.documents.fingerprint import Party, pair_code
from keys.documents.trust_record import TrustState, parse_trust
from keys.primitives.domains import TRUST
from keys.primitives.encoding import b64u, canon, unb64u
from keys.primitives.sign import SignedDocument

REFERRED, TAKEN_BACK = FACTS["cases"]["referred"], FACTS["cases"]["taken_back"]
LIVE, WITHDRAWN = FACTS["consents"]
PAST_DEPARTURE = ("awaiting_opening", "opened")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both kept folders, not running."""
    with left_by_release(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def fr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """FR as it was left, running by itself, for tests that change nothing which another one looks at."""
    with alone(tmp_path_factory.mktemp("FR-alone"), "FR") as node:
        yield node


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, NodeProcess]]:
    """Both after their ceremonies, each running by itself, at the second at which they were left."""
    with (
        alone(tmp_path_factory.mktemp("FR-met"), "FR") as fr,
        alone(tmp_path_factory.mktemp("AL-met"), "AL") as al,
    ):
        roots_met(fr, al)
        yield {"FR": fr, "AL": al}


@pytest.fixture(scope="module")
def al(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """The same of AL."""
    with alone(tmp_path_factory.mktemp("AL-alone"), "AL") as node:
        yield node


def started(*nodes: NodeProcess) -> None:
    """Start these, both at once."""
    for node in nodes:
        node.launch()
    for node in nodes:
        assert node._line() == "ready", node.log()


def roots_met(*nodes: NodeProcess) -> None:
    """The root holders of these, which run, sign the next descriptor: of today's form, whatever was asked for."""
    for node in nodes:
        request = node.call("keys.request", rotate=["log"], by="admin")["request"]
        document = signed(node.base, node.name, request, passphrase=FACTS["root_passphrase"])
        node.call("keys.publish", document=document, by="admin")
        assert "roots_due" not in node.call("node.ready")["why"]


def is_opened(node: NodeProcess, id: str) -> bool:
    """Whether a person of the other side has opened the message, as its sender knows it."""
    return bool(node.state(id) == "opened")


def arrived(pair: Pair, node: NodeProcess, id: str) -> None:
    """The other side's case system has the message, and its sender the receipt that says so."""
    pair.until(lambda: node.state(id) in PAST_DEPARTURE, seconds=300)


# --- what the folders hold ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_opens_with_all_that_it_held(name: str, request: pytest.FixtureRequest) -> None:
    """States, receipts, bodies, consents, alarms, people and policy are what 0.1.0 answered, but for one alarm; the log
    holds. What one person had released first, under a typed name, waits for two people anew.
    """
    node = request.getfixturevalue(name.lower())
    kept = dict(FACTS["nodes"][name])
    kept["drafts"] = dict.fromkeys(kept["drafts"], "waiting")
    kept["alarms"] = sorted([*kept["alarms"], "own.roots_due"])
    found = holdings(node)
    assert found.keys() == kept.keys() - {"audit", "chain"}
    assert [part for part in found if found[part] != kept[part]] == []
    assert canon(node.call("node.pairing")) == canon(kept["chain"])
    log = node.call("audit.verify")
    assert log["ok"] and log["entries"] >= kept["audit"]["entries"]
    for item in kept["messages"]:
        if item["conversation"] is not None:
            shown = node.call("conversation.show", id=item["conversation"])
            assert item["id"] in {message["id"] for message in shown["messages"]}


@pytest.mark.parametrize("name", NAMES)
def test_nobody_finds_a_fault_in_a_folder(name: str, tmp_path: Path) -> None:
    """`trm doctor` has nothing red of a stopped folder but that its roots are due; `trm audit verify` finds nothing."""
    node = unpack(tmp_path)[name]
    checks = examined(node, "--passphrase-file", node.passphrase_file)
    assert [check for check, state in checks if state == "red"] == ["signed form"]
    assert ("database", "warn") in checks  # of revision 0001: brought up to date at the next start
    assert {"key store", "keyset", "policy", "audit log", "node"} <= {check for check, _ in checks}
    assert trm_then(["audit", "verify", "--node", node.folder], cwd=tmp_path).returncode == 0


def test_nobody_finds_a_fault_in_a_running_node(met: dict[str, NodeProcess]) -> None:
    """`trm doctor` has nothing red of a node that runs, but that a process under test does not harden itself."""
    assert [check for check, state in examined(met["FR"]) if state == "red"] == ["hardening"]


def examined(node: NodeProcess, *words: str | Path) -> list[tuple[str, str]]:
    """Each check of `trm doctor` and how it ended."""
    ran = trm_then(["doctor", "--json", "--node", node.folder, *words], cwd=node.base)
    return [(item["check"], item["state"]) for item in json.loads(ran.stdout)["checks"]]


def test_the_consent_is_withdrawn(pair: Pair) -> None:
    """What relied on it is refused at both nodes; the other consent still carries a message."""
    started(pair.a, pair.b)
    roots_met(pair.a, pair.b)
    for node in (pair.a, pair.b):
        assert node.call("consent.show", id=WITHDRAWN)["state"] == "withdrawn"
        assert node.call("consent.show", id=LIVE)["state"] == "active"
    question = example("info.request/1", "FR", consent_ref=WITHDRAWN)
    question |= {"purpose": "referral", "conversation": TAKEN_BACK}
    with closing(pair.b.client()) as client:
        status, problem = client.submit(question, "k" * 22)
    assert (status >= 400, problem["code"]) == (True, "gate_g7")
    question = example("info.request/1", "FR", consent_ref=LIVE)
    question |= {"purpose": "referral", "conversation": REFERRED}
    lift(pair.b)
    arrived(pair, pair.b, pair.b.call("message.submit", **question)["id"])


def lift(al: NodeProcess) -> None:
    """The asylum hold over the referral, placed before holds named States, ends by two people: until then nothing of it
    goes to FR.
    """
    assert [hold.get("states", []) for hold in al.call("asylum.list")["holds"]] == [[]]
    assert al.call("asylum.lift", id=REFERRED, by="w-3")["held"]
    assert not al.call("asylum.lift", id=REFERRED, by="w-4")["held"]


def test_people_and_programs_come_in(fr: NodeProcess) -> None:
    """The token opens the local API and the revoked one does not; the passkey signs in at the console."""
    for secret, status in ((FACTS["token"], 200), (FACTS["revoked_token"], 401)):
        headers = {"Authorization": f"Bearer {secret}", "Host": "localhost"}
        assert asked(fr, "GET", "/api/v1/messages", headers)[0] == status
    kept = FACTS["passkey"]
    device = Authenticator(
        origin=kept["origin"],
        id=unb64u(kept["id"]),
        holder=unb64u(kept["holder"]),
        counter=kept["counter"],
        key=load_pem_private_key(kept["key"].encode(), None),
    )
    host = {"Host": kept["origin"].removeprefix("https://"), "Sec-Fetch-Site": "same-origin"}
    _, _, page = asked(fr, "GET", "/sign-in", host)
    (options,) = re.findall(r'data-options="([^"]*)"', page)
    (ceremony,) = re.findall(r'name="ceremony" value="([^"]*)"', page)
    credential = json.dumps(device.get(json.loads(unescape(options))))
    form = urlencode({"ceremony": ceremony, "credential": credential})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    status, cookie, _ = asked(fr, "POST", "/sign-in", host | kind, form)
    assert status == 303 and cookie
    signed_in = host | {"Cookie": cookie.partition(";")[0], "Accept-Language": "en"}
    status, _, page = asked(fr, "GET", "/drafts", signed_in)
    assert status == 200 and FACTS["drafts"]["waiting"] in page
    _, _, page = asked(fr, "GET", "/cases", signed_in)
    assert "Nothing is taken in or sent" in page and "What is here can be read." in page


def asked(
    node: NodeProcess, method: str, path: str, headers: dict[str, str], form: str | None = None
) -> tuple[int, str, str]:
    """Status, cookie and text of one request at the loopback listener."""
    with closing(http.client.HTTPConnection(*listener(node, "local"), timeout=PATIENCE)) as connection:
        connection.request(method, path, body=form, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Set-Cookie", ""), answer.read().decode()


# --- until the roots have met ---------------------------------------------------------------------------------------

AS_LEFT = ("message", "envelope", "receipt", "receipt_due", "trust_record", "checkpoint", "consent", "link")
"""Tables that a node which waits for its roots leaves as they were."""


def columns(node: NodeProcess) -> dict[str, str]:
    """The columns that these tables have, as a query names them."""
    query = "select group_concat(name, ', ') from pragma_table_info(?)"
    return {table: node.rows(query, table)[0][0] for table in AS_LEFT}


def stored(node: NodeProcess, named: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of these tables."""
    return {table: sorted(node.rows(f"select {names} from {table}"), key=repr) for table, names in named.items()}


def test_a_node_takes_nothing_in_until_its_roots_have_met(pair: Pair) -> None:
    """Both say so, refuse what programs and people bring, and meet each other with a bare 503; an hour later what lay
    there lies there, and nothing was signed.
    """
    fr, al = pair.a, pair.b
    before = columns(fr)
    left = {node.name: stored(node, before) for node in (fr, al)}
    started(fr, al)
    for node in (fr, al):
        assert node.call("node.ready")["why"] == ["roots_due"]
        assert node.call("node.status")["stopped"] == "roots_due"
        assert asked(node, "GET", "/health/ready", {"Host": "localhost"})[0] == 503
        assert "own.roots_due" in node.alarms()
        with closing(node.client()) as client:
            status, problem = client.submit(enquiry("new", "AL" if node is fr else "FR"), "k" * 22)
        assert (status, problem["code"]) == (503, "roots_due")
        assert "trm keys rotate" in problem["hint"]
        for operation, arguments in (
            ("draft.save", {"draft": enquiry("new", "AL")}),
            ("draft.release", {"id": FACTS["drafts"]["waiting"]}),
            ("peer.probe", {"id": "AL" if node is fr else "FR"}),
        ):
            with pytest.raises(AssertionError, match="roots_due"):
                node.call(operation, **arguments, by="w-1")
    for name in ("messages", "schemas", "checkpoint"):
        kept = wire(name)
        answer = replay(kept, fr if kept.to == "FR" else al)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"Signature:" not in answer and answer.endswith(b"\r\n\r\n")
    pair.advance(3_600, step=60)
    for node in (fr, al):
        node.stop()
        assert [table for table, rows in stored(node, before).items() if rows != left[node.name][table]] == []
        chain = [SignedDocument.from_json(one, *DESCRIPTORS) for one in FACTS["nodes"][node.name]["chain"]]
        assert [row for (row,) in node.rows("select document from own_descriptor order by version")] == [
            document.encode() for document in chain
        ]


def test_the_ceremony_by_the_pages_of_this_repository(pair: Pair) -> None:
    """The verbs of docs/operations.md, After 0.1.0, on a folder that does not run: then it is ready, and what waited at
    both sides goes across.
    """
    fr, al = pair.a, pair.b
    for node in (fr, al):
        ceremony(node)
    started(fr, al)
    for node in (fr, al):
        assert "roots_due" not in node.call("node.ready")["why"]
        assert "own.roots_due" not in node.alarms()
        arrived(pair, node, FACTS["waiting"][node.name])


def test_a_peer_whose_roots_have_not_met_is_waited_for(pair: Pair) -> None:
    """FR says of AL in words what is to be done; what is for it waits, and goes when AL's roots have met."""
    fr, al = pair.a, pair.b
    started(fr, al)
    roots_met(fr)
    asked_for = fr.call("message.submit", **enquiry("for AL", al.name))["id"]
    pair.until(lambda: "peer.first_form" in fr.alarms(), seconds=60)
    pair.advance(600, step=30)
    assert [fr.state(id) for id in (asked_for, FACTS["waiting"]["FR"])] == ["queued", "awaiting_receipt"]
    assert not {"peer.refuses", "peer.stale_keyset"} & {*fr.alarms()}
    (standing,) = fr.call("node.status")["peers"]
    assert (standing["delivery"], standing["held"]) == (
        "held",
        "their root holders have not signed since release 0.1.0",
    )
    shown = trm_then(["peer", "show", "AL", "--node", fr.folder], cwd=fr.base)
    assert "its newest descriptor is of release 0.1.0: what is for it waits" in shown.stdout
    assert "call its administrator" in shown.stdout + shown.stderr
    assert fr.call("peer.list")["peers"][0]["first_form"]
    pinged = fr.call("peer.ping", id="AL")["steps"]
    assert [(step["step"], step["code"]) for step in pinged if not step["ok"]] == [("keys", "first_form")]
    roots_met(al)
    for id in (asked_for, FACTS["waiting"]["FR"]):
        arrived(pair, fr, id)
    assert "peer.first_form" not in fr.alarms()
    assert not fr.call("peer.list")["peers"][0]["first_form"]


def test_what_the_nodes_permit_arrives_again(pair: Pair) -> None:
    """A trust record that AL had not taken from 0.1.0, and the whole chain that AL has lost, are said anew, in a chain
    that follows nothing; what was said before stays as history, and each signature verifies.
    """
    fr, al = pair.a, pair.b
    with closing(sqlite3.connect(fr.folder / "node.db")) as database, database:
        database.execute("update trust_record set acked = null where direction = 'out'")
    with closing(sqlite3.connect(al.folder / "node.db")) as database, database:
        assert database.execute("delete from trust_record where direction = 'in'").rowcount
    before = {node.name: said(node) for node in (fr, al)}
    started(fr, al)
    roots_met(fr, al)

    def taken() -> bool:
        return not any(acked is None for node in (fr, al) for *_, acked in said(node))

    pair.until(taken, seconds=120)
    for node in (fr, al):
        kept = {document for *_, document, _ in said(node)}
        assert kept.issuperset(document for *_, document, _ in before[node.name])
    for node, other in ((fr, al), (al, fr)):
        (sent,) = [
            document for direction, _, document, _ in said(node) if direction == "out" and b"trust.v2" in document
        ]
        assert sent in [document for direction, _, document, _ in said(other) if direction == "in"]
        record = parse_trust(SignedDocument.decode(sent, TRUST))
        assert (record.prev, record.state) == (None, TrustState.ACTIVE)
        shown = node.call("peer.show", id=other.name)
        assert (shown["state"], shown["missing"], shown["faults"]) == ("active", None, [])
        arrived(pair, node, node.call("message.submit", **enquiry(f"new from {node.name}", other.name))["id"])


def said(node: NodeProcess) -> list[tuple[str, int, bytes, int | None]]:
    """The trust records of a node in their order: direction, number, document, when it was taken."""
    return node.rows("select direction, seq, document, acked from trust_record order by direction, seq")


def test_what_had_arrived_before_the_upgrade_is_not_asked_twice(pair: Pair) -> None:
    """AL took a message of FR, and its receipt was lost: it comes again in the new form, gets the answer of then, and
    what waits behind it follows the link that it has now.
    """
    fr, al = pair.a, pair.b
    arrived_before, waiting = FACTS["last"], FACTS["waiting"]["FR"]
    with closing(sqlite3.connect(fr.folder / "node.db")) as database, database:
        database.execute("delete from receipt where direction = 'received' and id = ?", (arrived_before,))
        database.execute("update message set state = 'awaiting_receipt' where id = ?", (arrived_before,))
        copied = "insert into outbox select message.ref, outbox.peer, outbox.files, outbox.expires from message, outbox"
        assert database.execute(f"{copied} where message.id = ?", (arrived_before,)).rowcount == 1
    before = al.count()
    started(fr, al)
    roots_met(fr, al)
    arrived(pair, fr, waiting)
    shown = fr.call("message.show", id=arrived_before)["receipts"]
    assert [receipt["status"] for receipt in shown] == ["received"]
    assert al.count() == before + 1
    arrived(pair, fr, fr.call("message.submit", **enquiry("behind both", "AL"))["id"])
    sent = "select n, id, prev, link from link_number where direction = ? order by n"
    assert fr.rows(sent, "out") == al.rows(sent, "in")
    bundle = fr.call("evidence.export", id=fr.call("message.show", id=arrived_before)["conversation"], by="w-1")
    assert verify(canon(bundle), set(FINGERPRINTS.values())).warnings == ()
    assert not {"peer.bad_chain", "peer.equivocation"} & {*fr.alarms(), *al.alarms()}


def ceremony(node: NodeProcess) -> None:
    """Request, signatures and publication as files, by the verbs."""
    base, request = node.base, node.base / f"{node.name}.request"
    own = ("--node", node.folder, "--passphrase-file", node.passphrase_file)
    secret = base / f"{node.name}-roots.secret"
    secret.write_text(FACTS["root_passphrase"])
    signatures = []
    done = [trm_then(["keys", "rotate", "log", "--out", request, *own], cwd=base)]
    for number, root in enumerate(sorted((base / f"{node.name}-roots").glob("*.key"))):
        signatures.append(base / f"{node.name}.{number}.sig")
        words = ["keys", "root", "sign", request, "--root", root, "--out", signatures[-1], "--yes"]
        done.append(trm_then([*words, "--passphrase-file", secret], cwd=base))
    done.append(trm_then(["keys", "publish", request, *signatures, *own], cwd=base))
    for ran in done:
        assert ran.returncode == 0, ran.stderr


# --- going on ---------------------------------------------------------------------------------------------------------


def test_the_two_nodes_go_on(pair: Pair) -> None:
    """What waited departs, arrives once and is receipted; drafts are released; new messages go both ways."""
    fr, al = pair.a, pair.b
    before = {node.name: node.count() for node in (fr, al)}
    started(fr, al)
    roots_met(fr, al)
    for node in (fr, al):
        arrived(pair, node, FACTS["waiting"][node.name])
        receipts = node.call("message.show", id=FACTS["waiting"][node.name])["receipts"]
        assert [receipt["status"] for receipt in receipts] == ["received", "delivered"]
    assert {node.name: node.count() - before[node.name] for node in (fr, al)} == {"FR": 1, "AL": 1}
    drafts = FACTS["drafts"]
    arrived(pair, fr, fr.call("draft.release", id=drafts["waiting"], by="w-1")["id"])
    arrived(pair, fr, released_by_two(fr, drafts["waiting_second"])["id"])
    for node, other in ((fr, al), (al, fr)):
        arrived(pair, node, node.call("message.submit", **enquiry(f"new from {node.name}", other.name))["id"])
        assert f"new from {node.name}" in references_of(other)
    for node in (fr, al):
        assert node.call("audit.verify")["ok"]


def released_by_two(node: NodeProcess, id: str) -> Any:
    """A draft of before names no case and is refused with the consent it relies on. Written anew, it says whose it is;
    two people release it.
    """
    refused = node.client()
    with closing(refused), pytest.raises(AssertionError, match="gate_g2"):
        refused.call("draft.release", id=id, by="w-2")
    shown = node.call("draft.show", id=id)
    case = node.call("consent.show", id=LIVE)["of_case"]["id"]
    anew = node.call("draft.save", draft=shown["draft"] | {"case": case})["id"]
    node.call("draft.discard", id=id, by="w-1")
    node.call("draft.release", id=anew, by="w-1")
    return node.call("draft.release", id=anew, by="w-2")


def references_of(node: NodeProcess) -> list[str]:
    """What the notes in the case system of a node say."""
    return [str(message["content"].get("note")) for message in node.received()]


def test_a_file_is_read(al: NodeProcess) -> None:
    """The file that came with the referral opens at the node that received it."""
    (referral,) = (
        item for item in al.call("conversation.show", id=REFERRED)["messages"] if item["type"] == "referral.request/1"
    )
    listed = al.call("attachment.list", id=referral["id"])["attachments"]
    assert [item["part"] for item in listed] == [0]
    with closing(al.client()) as client:
        connection = client._connected()
        connection.request("GET", f"/api/v1/messages/{referral['id']}/attachments/0")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, FACTS["note"].encode())


def test_administrators_and_root_holders_sign(pair: Pair) -> None:
    """One administrator's file suspends the peer, two resume it; a root file signs a descriptor that the peer takes."""
    fr, al = pair.a, pair.b
    started(fr, al)
    roots_met(fr, al)
    signs = [
        ("--as", fr.base / f"FR-admins/{number}.key", "--admin-passphrase-file", fr.base / "FR-admins/secret")
        for number in (0, 1)
    ]
    on = ("--node", fr.folder)
    for words, state in (
        (["peer", "suspend", "AL", *signs[0]], "suspended"),
        (["peer", "resume", "AL", *signs[0]], "suspended"),
        (["peer", "approve", "AL", *signs[1], "--emergency"], "active"),
    ):
        ran = trm_then([*words, *on], cwd=fr.base)
        assert ran.returncode == 0, ran.stderr
        assert fr.call("peer.show", id="AL")["state"].startswith(state)
    request = fr.call("keys.request", rotate=["sig"], by="admin")["request"]
    document = signed(fr.base, "FR", request, passphrase=FACTS["root_passphrase"])
    assert fr.call("keys.publish", document=document, by="admin")["version"] == 3
    chain = fr.call("node.pairing")
    assert [document["payloadType"].rpartition(".")[2] for document in chain] == ["v1+json", "v2+json", "v2+json"]
    pair.until(lambda: al.call("peer.show", id="FR")["descriptor_version"] == 3, seconds=120)


# --- what was proven --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["finished", "erased"])
def test_a_bundle_of_evidence_still_proves(which: str, tmp_path: Path) -> None:
    """The verb, our verifier and the one for strangers take it with both fingerprints and refuse it with another."""
    file = DATA / f"evidence-{which}.json"
    data, anchors = file.read_bytes(), set(FINGERPRINTS.values())
    report = verify(data, {digits.replace(" ", "") for digits in anchors} | anchors)
    assert report.doubts == 0 and len(report.messages) == {"finished": 2, "erased": 1}[which]
    statuses = [[status for status, _ in message.statuses] for message in report.messages]
    known = ["received", "delivered", "opened"]
    assert statuses == {"finished": [known, known], "erased": [[*known, "erased"]]}[which]
    options = [word for digits in anchors for word in ("--fingerprint", digits)]
    assert trm_then(["evidence", "verify", file, *options], cwd=tmp_path).returncode == 0
    wrong = [word for digits in ("11111 " * 6, FINGERPRINTS["AL"]) for word in ("--fingerprint", digits.strip())]
    assert trm_then(["evidence", "verify", file, *wrong], cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("which", ["finished", "erased"])
def test_a_bundle_is_exported_again(which: str, fr: NodeProcess) -> None:
    """Today's program takes the same from the folder, as a bundle of its own type, but for the entries of the log that
    came later. Both verifiers take it, and tell each signature as of the first form.
    """
    shown = fr.call("evidence.export", id=FACTS[which], disclose="true", by="w-1")
    kept = json.loads((DATA / f"evidence-{which}.json").read_bytes())
    assert (kept["type"], shown["type"]) == ("nrm.evidence/2", "nrm.evidence/3")
    assert digest({**shown, "log": None}) == digest({**kept, "type": "nrm.evidence/3", "batches": [], "log": None})
    for bundle in (kept, shown):
        report = verify(canon(bundle), set(FINGERPRINTS.values()))
        signatures = [signature for message in report.messages for signature in message.signatures]
        assert signatures and all(FIRST.caveat in signature.caveats for signature in signatures)


def test_the_exported_log_still_holds(tmp_path: Path) -> None:
    """The verifier for strangers takes the export of FR with both fingerprints, and finds a changed entry."""
    file = DATA / "audit-FR.jsonl"
    code, lines = audited(file, FINGERPRINTS["FR"], FINGERPRINTS["AL"])
    assert code == 0, lines
    sides = [Party(FINGERPRINTS["FR"], 1), Party(FINGERPRINTS["AL"], 2)]
    assert audited(file, pair_code(*sides))[0] == 0
    for place in (0, 1):
        ahead = [side._replace(version=side.version + (number == place)) for number, side in enumerate(sides)]
        code, lines = audited(file, pair_code(*ahead))
        assert code == 1 and "a chain ends before the version that was compared" in "\n".join(lines)
    entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    revoked = next(entry for entry in entries if b"token.revoked" in unb64u(entry.get("leaf", "")))
    revoked["leaf"] = b64u(unb64u(revoked["leaf"]).replace(b"token.revoked", b"token.invited"))
    spoiled = tmp_path / "spoiled.jsonl"
    spoiled.write_bytes(b"".join(canon(entry) + b"\n" for entry in entries))
    assert audited(spoiled, FINGERPRINTS["FR"], FINGERPRINTS["AL"])[0] == 1


# --- the wire ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["messages", "receipts"])
def test_what_the_release_signed_is_answered_in_words(name: str, met: dict[str, NodeProcess]) -> None:
    """A request of 0.1.0, byte for byte, is refused by a signed code that says why, and changes nothing."""
    kept = wire(name)
    node = met[kept.to]
    before = node.count()
    answer = replay(kept, node)
    head, _, data = answer.partition(b"\r\n\r\n")
    assert (head.split(b" ")[1], data) == (b"400", b'{"code":"wrong_type"}')
    assert b"Signature:" in head
    assert node.count() == before
    assert replay(kept, node).startswith(b"HTTP/1.1 403 "), "one nonce is for one request"


@pytest.mark.parametrize("name", ["keyset_push", "descriptor_push"])
def test_a_push_of_the_release_is_not_taken(name: str, met: dict[str, NodeProcess]) -> None:
    """Byte for byte as 0.1.0 made it: its form is another one."""
    kept = wire(name)
    head, _, data = replay(kept, met[kept.to]).partition(b"\r\n\r\n")
    assert (head.split(b" ")[1], data) == (b"400", b"")


def test_a_peer_is_told_every_schema_of_the_release(met: dict[str, NodeProcess]) -> None:
    """The catalogue that 0.1.0 told its peers is held, so that what they send by it is still read."""
    kept = wire("schemas")
    found = body(replay(kept, met["AL"]))
    assert kept.body["schemas"] and set(kept.body["schemas"]) <= set(found["schemas"])


def test_a_witness_does_not_go_back(met: dict[str, NodeProcess]) -> None:
    """A checkpoint that AL has cosigned is not cosigned from its old size again: AL answers with the size it holds."""
    kept = wire("checkpoint")
    note = kept.request.partition(b"\r\n\r\n")[2].partition(b"\n\n")[2]
    head, _, answer = replay(kept, met["AL"]).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 409 ")
    assert answer.split() == [note.splitlines()[1]]


# --- the database -----------------------------------------------------------------------------------------------------


def test_the_first_revision_is_frozen(tmp_path: Path) -> None:
    """What migration 0001 makes today is what 0.1.0 made, statement by statement: every change is a new revision."""
    assert first_revision(tmp_path / "new.db") == (DATA / "tables.sql").read_text(encoding="utf-8")


def test_a_kept_folder_has_the_tables_of_a_new_one(pair: Pair, tmp_path: Path) -> None:
    """Opened by today's program, the kept database is made of the statements of a node that was made today."""
    for name in NAMES:
        assert statements(pair.a.base / name / "node.db") == (DATA / "tables.sql").read_text(encoding="utf-8")
    pair.a.start()
    pair.a.stop()
    new = NodeProcess(name="UA", base=tmp_path, steered=AT)
    new.make(SteeredClock(AT))
    assert statements(pair.a.folder / "node.db") == statements(new.folder / "node.db")


def test_a_folder_of_the_day_before_is_refused(pair: Pair) -> None:
    """A folder without six of the tables, at the same revision, is not started on: it is told which, and is as it
    was.
    """
    folder = pair.a.folder
    with closing(sqlite3.connect(folder / "node.db")) as connection:
        for table in ("reading", "reminder", "request_onward", "hook_call", "upload", "offer"):
            connection.execute(f"drop table if exists {table}")
        before = [*connection.iterdump()]
    options = ["--node", folder, "--passphrase-file", pair.a.passphrase_file]
    for words in (["serve", *options], ["peer", "list", *options]):
        ran = trm_then(words, cwd=pair.a.base)
        assert ran.returncode == 1 and "ready" not in ran.stdout
        assert "are those of another version of this program; nothing was started or changed" in ran.stderr
        assert "start the version that wrote the folder" in ran.stderr and "table reminder" in ran.stderr
    found = json.loads(trm_then(["doctor", "--json", "--node", folder], cwd=pair.a.base).stdout)
    (database,) = (check for check in found["checks"] if check["check"] == "database")
    assert database["state"] == "red" and "table reminder missing" in database["found"]
    with closing(sqlite3.connect(folder / "node.db")) as connection:
        assert [*connection.iterdump()] == before


# --- with the program of the release ----------------------------------------------------------------------------------


@pytest.mark.deep
def test_the_program_of_the_release_is_a_peer_that_waits(pair: Pair, tmp_path: Path) -> None:
    """AL goes on with the program of 0.1.0 and FR, whose roots have met, with today's: nothing goes across and nothing
    is lost. When AL is brought up to date and its roots have met, what waited on both sides arrives once.
    """
    tree = checked_out(tmp_path)
    if tree is None:
        pytest.skip("the history of this repository is not here: the commit of 0.1.0 can not be checked out")
    fr, al = pair.a, ReleasedProcess(name="AL", base=pair.b.base, steered=AT, tree=tree)
    both = Pair(a=fr, b=al)
    before = {node.name: node.count() for node in (fr, al)}
    try:
        started(fr, al)
        roots_met(fr)
        asked = fr.call("message.submit", **enquiry("across from FR", al.name))["id"]
        both.until(lambda: "peer.first_form" in fr.alarms(), seconds=120)
        both.advance(600, step=30)
        for node, id in ((fr, FACTS["waiting"]["FR"]), (al, FACTS["waiting"]["AL"]), (fr, asked)):
            assert node.state(id) not in PAST_DEPARTURE
        assert {node.name: node.count() for node in (fr, al)} == before
    finally:
        al.stop()
    newer = pair.b
    newer.steered = al.steered
    started(newer)
    roots_met(newer)
    for node, id in ((fr, FACTS["waiting"]["FR"]), (newer, FACTS["waiting"]["AL"]), (fr, asked)):
        arrived(pair, node, id)
    for node in (fr, newer):
        assert node.call("audit.verify")["ok"]
