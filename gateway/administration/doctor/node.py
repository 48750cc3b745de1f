"""What `trm doctor` learns from the node itself: keys and their ends, clock, keyset, peers, adapter, alarms."""

from __future__ import annotations

import shlex
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from gateway.administration.doctor import expiry, key_service, machines, people
from gateway.administration.doctor.folder import Check, State, ok, red, skipped, warn
from gateway.administration.doctor.host import hardening
from gateway.administration.doctor.way_out import check_proxy
from gateway.administration.doctor.workers import check_workers
from gateway.errors import GatewayError
from gateway.foundation import time_text
from gateway.foundation.config import ProxySection
from gateway.foundation.json import list_objects
from gateway.ports import Json
from keys.documents.descriptor import Descriptor
from keys.documents.descriptor_chain import accept_chain, decode_chain
from keys.documents.key_records import Use
from keys.primitives.encoding import DAY, canon
from keys.primitives.tls import spki_hash
from schemas.region_pack.policies import FORMAT_1

ASKED = (
    "node.show",
    "node.ready",
    "node.status",
    "node.workers",
    "node.pairing",
    "keys.machines",
    "peer.list",
    "policy.show",
    "adapter.check",
    "audit.show",
    "token.list",
    "person.list",
)
KEYSET_LIFE = 2 * DAY
CLOCK_SLACK = 300
FAILING_LONG = DAY
Ask: TypeAlias = Callable[[Sequence[str]], Mapping[str, Json]]
NEEDS_DAYS = ((7, State.RED), (60, State.WARN))
"""A document or key that ends within so many days: a change of it takes two people and some days of travel."""


def inside(
    ask: Ask, passphrase_file: Path | None, *, running: bool, now: int, proxy: ProxySection | None = None
) -> Iterator[Check]:
    """Every check that needs the node or its passphrase; `ask` has the answers of operations of the node."""
    if not running and not _has_passphrase(passphrase_file):
        yield skipped(
            "keys, peers, adapter", "the node does not run and no passphrase was given", "add --passphrase-file FILE"
        )
        return
    try:
        told = ask(ASKED)
    except GatewayError as error:
        yield red("node", error.what, error.hint or "see the checks above")
        return
    yield ok("node", "it runs and answers" if running else "stopped; its key store opens")
    yield from judged(told, running=running, now=now, proxy=proxy)


def _has_passphrase(file: Path | None) -> bool:
    from gateway.foundation import config

    try:
        config.passphrase(file)
    except GatewayError:
        return file is not None
    return True


def judged(told: Mapping[str, Json], *, running: bool, now: int, proxy: ProxySection | None = None) -> Iterator[Check]:
    """The checks on what the node answered; `now` in Unix seconds, `proxy` is the way out, where there is one."""
    node = _object(told["node.show"])
    newest = accept_chain(decode_chain(canon(told["node.pairing"])), now + 10 * 365 * DAY)[-1]
    yield from hardening(node, running=running)
    yield accepting(_object(told["node.ready"]))
    yield from maintenance(_object(told["node.ready"]), now)
    yield key_service.pace(_object(told["node.status"]))
    yield check_workers(_object(told["node.workers"]))
    yield machines.check_machines(_object(told["keys.machines"]), now)
    yield clock(node, newest, now)
    yield ending("descriptor", newest.expires, now)
    yield signed_form(newest)
    for use in (Use.SIG, Use.HTTP, Use.LOG, Use.WIT):
        yield signing(use, newest, now)
    yield root_count(node, newest)
    yield keyset(node, running=running, now=now)
    if running:
        yield listener(newest)
    if proxy is not None:
        yield check_proxy(proxy, newest.endpoints[0])
    yield from peers(_object(told["peer.list"]), now)
    yield from expiry.peers(node, now)
    yield from expiry.tokens(_object(told["token.list"]), now)
    yield people.vouched(_object(told["person.list"]))
    yield from adapter(_object(told["adapter.check"]))
    yield policy(_object(told["policy.show"]))
    yield alarms(node)
    yield witnesses(_object(told["audit.show"]), now)


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def accepting(told: Mapping[str, Json]) -> Check:
    """Whether it may take what peers send: not after a restore, nor where its database is older than what was seen."""
    for name, state in (("why", red), ("sending_why", warn)):
        codes = told[name]
        if isinstance(codes, list) and "link_reset_required" in codes:
            return state(
                "links",
                "restored, or older than what was seen of it: links have to begin anew",
                "docs/backup.md, steps 5 and 6: trm alarm list, trm peer reset-link",
            )
    return ok("links", "none has to begin anew")


def maintenance(ready: Mapping[str, Json], now: int) -> Iterator[Check]:
    """That people work on the node, so that nobody looks for another reason why nothing goes."""
    if ready["maintenance"] is not None:
        yield warn(
            "maintenance",
            f"nothing is taken in or sent until {time_text.when(ready['maintenance'], now=now)}",
            "it ends by itself; trm node maintenance off ends it now",
        )


def ending(name: str, at: int, now: int) -> Check:
    """Something that ends: red within 7 days, told from 60 days on, louder from 30."""
    left = (at - now) // DAY
    found = f"ends {time_text.when(at, now=now)}"
    fix = (
        "trm keys rotate sig --out REQUEST renews all that ends; two of the root holders sign it, which takes them days"
    )
    if at <= now:
        return red(name, f"ended {time_text.when(at, now=now)}; peers refuse this node", fix)
    for days, state in NEEDS_DAYS:
        if left < days:
            urgent = "urgent: " if left < 30 else ""
            return Check(name=name, state=state, found=urgent + found, fix=fix)
    return ok(name, found)


def signing(use: Use, newest: Descriptor, now: int) -> Check:
    """A key of this use is valid now, and the last one that is listed does not end soon."""
    listed = [key for key in newest.keys if key.use is use]
    if not any(key.valid_at(now) for key in listed):
        return red(
            f"{use} key",
            "none is valid now: the node runs and signs nothing with it",
            f"trm keys rotate {'log' if use is Use.WIT else use} --now --out REQUEST, then trm keys publish",
        )
    return ending(f"{use} key", max(key.until for key in listed), now)


def clock(node: Mapping[str, Json], newest: Descriptor, now: int) -> Check:
    """The clock is not before what this node has signed already."""
    known = _object(node.get("keyset"))
    expires = known.get("expires")
    last = max(newest.issued, expires - KEYSET_LIFE if isinstance(expires, int) else 0)
    if now + CLOCK_SLACK < last:
        return red(
            "clock",
            f"it shows {time_text.when(now, now=now)}, and something was signed {time_text.distance(last, now)}",
            "set the clock of this machine and keep it right with a time service",
        )
    return ok("clock", "not before anything this node has signed")


def witnesses(told: Mapping[str, Json], now: int) -> Check:
    """Whether peers confirm that the audit log was not rewritten, and when they did last."""
    name, found = "audit log", told["witnessed"]
    if told["halted"] is not None:
        return red(
            name, f"{told['halted']}: nothing departs", "docs/operations.md, A log was rolled back, says what to do"
        )
    if told["quorum"] == 0:
        return warn(name, "unwitnessed: there is no active peer", "pair with a peer: active peers witness each other")
    if not isinstance(found, dict):
        partly = told["partly_witnessed"]
        has = len(list_objects(partly, "by")) if isinstance(partly, dict) else 0
        return warn(name, f"witnessed by {has} of {told['quorum']} needed", "trm peer list; let the node run")
    last = max(at for item in list_objects(found, "by") if isinstance(at := item["at"], int))
    said = f"witnessed up to entry {found['size']} of {told['entries']}, last {time_text.when(last, now=now)}"
    if now - last >= DAY:
        return warn(name, said, "trm peer list: which peers do not answer?")
    return ok(name, said)


def policy(told: Mapping[str, Json]) -> Check:
    """The corridor policy in force; without one that can be applied nothing leaves."""
    held, faults = _object(told["in_force"]), told["faults"]
    if isinstance(faults, list) and faults:
        listed = "; ".join(str(fault) for fault in faults)
        return red("policy", f"its history was altered: {listed}", "compare with the audit log: trm audit verify")
    if not held:
        return red("policy", "none is in force: nothing may leave this node", "two administrators: trm policy adopt")
    name = f"{held['name']} version {held['version']}"
    listed = "; ".join(f"{fault['place']}: {fault['rule']}" for fault in list_objects(held, "faults"))
    if listed:
        fix = "review what it permits, then issue a new version: trm policy show --file, trm policy adopt"
        return red("policy", f"{name} cannot be applied, so nothing may leave: {listed}", fix)
    if not held["ways"]:
        return warn(
            "policy", f"{name} has no rule for the country of this node: nothing may leave it", "trm policy adopt"
        )
    if f'"format": "{FORMAT_1}"' in str(held["file"]):
        found = f"{name} is of format 1: nothing leaves on the attestation of a case system"
        return warn("policy", found, "two administrators: trm policy upgrade")
    return ok("policy", f"{name} is in force")


def root_count(node: Mapping[str, Json], newest: Descriptor) -> Check:
    """Three roots, except on a demonstration node."""
    count = f"{newest.threshold} of {len(newest.roots)} root keys sign changes"
    if len(newest.roots) > 1:
        return ok("roots", count)
    if node.get("demo") is True:
        return warn("roots", f"{count}; a demonstration node", "never send it a real case")
    return red("roots", count, "make a node with three roots: trm init without --demo")


def signed_form(newest: Descriptor) -> Check:
    """Whether the roots have met since release 0.1.0, whose descriptors are of the first form (nrm1 1.17)."""
    if newest.is_first_form:
        return red(
            "signed form",
            "the newest descriptor is of the first form: nothing is taken in, sent or signed",
            "the root holders sign the next one: trm keys rotate log; docs/operations.md, After 0.1.0",
        )
    return ok("signed form", "the second: every key that lasts has both halves")


def keyset(node: Mapping[str, Json], *, running: bool, now: int) -> Check:
    """A keyset that peers still accept."""
    known = _object(node.get("keyset"))
    expires = known.get("expires")
    if not isinstance(expires, int):
        return warn("keyset", "none was issued yet", "run trm serve")
    found = f"version {known['version']}, ends {time_text.when(expires, now=now)}"
    if expires > now:
        return ok("keyset", found)
    return (
        red("keyset", found, "see the log: the node could not issue one")
        if running
        else warn("keyset", found, "run trm serve; a new one is issued at the start")
    )


def listener(newest: Descriptor) -> Check:
    """The address of the descriptor, as seen from here, shows one of the keys that peers have pinned."""
    host, _, port = newest.endpoints[0].removeprefix("https://").rpartition(":")
    if not port.isdigit():
        host, port = newest.endpoints[0].removeprefix("https://"), "443"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the pin is compared instead
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    name = "server key"
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=10) as plain,
            context.wrap_socket(plain) as secured,
        ):
            certificate = secured.getpeercert(binary_form=True)
    except OSError as exc:
        why = (exc.strerror or type(exc).__name__).lower()
        return warn(
            name,
            f"{newest.endpoints[0]} cannot be reached from here: {why}",
            "check the address, the name and the firewall",
        )
    if certificate is None or spki_hash(certificate) not in newest.tls_spki:
        return red(
            name,
            f"{newest.endpoints[0]} presents a key that is not in the descriptor",
            "something in front of the node ends TLS: remove it",
        )
    return ok(name, "the address presents the pinned key")


def peers(told: Mapping[str, Json], now: int) -> Iterator[Check]:
    """Peers that have not answered for a day, and those that wait for a person."""
    listed = list_objects(told, "peers")
    fine = True
    for item in listed:
        since, name, typed = item["failing_since"], f"peer {item['name']}", shlex.quote(str(item["name"]))
        if isinstance(since, int):
            fine = False
            found = f"has not answered since {time_text.when(since, now=now)}"
            state = State.RED if now - since >= FAILING_LONG else State.WARN
            yield Check(name=name, state=state, found=found, fix=f"trm peer ping {typed}")
        elif item["state"] == "proposed":
            fine = False
            yield warn(name, "proposed, not verified", f"trm peer code {typed}, then trm peer verify {typed}")
        elif str(item["state"]).startswith("suspended"):
            fine = False
            yield warn(name, f"{item['state']}", f"trm peer show {typed}")
    if fine:
        yield ok("peers", f"{len(listed)}, none is failing")


def adapter(told: Mapping[str, Json]) -> Iterator[Check]:
    """What the adapter says of itself."""
    if told.get("adapter") is None:
        yield ok("adapter", "none; people work with trm or the local API")
        return
    found = list_objects(told, "findings")
    for item in found:
        yield red("adapter", f"{item['place']}: {item['rule']}", str(item["hint"]) or "trm adapter check")
    if not found:
        yield ok("adapter", str(_object(told["adapter"]).get("kind")))


def alarms(node: Mapping[str, Json]) -> Check:
    """What a person has to look at."""
    if node["alarms"]:
        return warn("alarms", f"{node['alarms']} open", "trm alarm list, then trm alarm dismiss ID")
    return ok("alarms", "none")
