"""Trust with other countries: who is trusted how far, the ceremony on the telephone step by step, approvals, history.

A change is prepared by the node, shown whole, and approved with the person's own passkey over the hash of exactly that
change (nrm1 8.16). Preparing stores nothing, so a page can hold a stop that needs one touch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.changes.rules import ADMINS, CHANNELS, NODE, ROOTS_CHANGED, RULES, Action
from gateway.console.exact_change import ExactChange, Way, draw_qr, read_exact
from gateway.console.navigation.sections import Section
from gateway.console.pages.entry import read_credential
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, GatewayError, RefusedError
from gateway.operations.roles import Role
from gateway.policy.attestation import DEFAULT, policy_in, upgrade_in_force
from gateway.ports import Json
from keys.documents.change import PERSON, is_person
from keys.documents.fingerprint import read_node, read_pair
from schemas.codelists import code_list
from schemas.region_pack.policies import canonical_bytes

SECTION = Section(
    path="/trust",
    title=N_("Trust"),
    operation="change.list",
    shape="link",
    of=frozenset({Role.TRUST_ADMIN}),
)
SOON = 60 * 24 * 3600
"""Seconds before an end from which a page warns (60, 30 and 7 days)."""

ACTIONS: Mapping[Action, str] = {
    Action.ADMIN_ENROL: N_("Enrol an administrator"),
    Action.ADMIN_RETIRE: N_("Retire an administrator"),
    Action.PEER_ACTIVATE: N_("Trust this country"),
    Action.PEER_CONFIRM_ROOTS: N_("Confirm the new root keys of this country"),
    Action.PEER_RENEW: N_("Trust this country for another year"),
    Action.PEER_WIDEN: N_("Permit this country more"),
    Action.PEER_NARROW: N_("Permit this country less"),
    Action.PEER_SUSPEND: N_("Suspend this country"),
    Action.PEER_RESUME: N_("Resume with this country"),
    Action.PEER_REVOKE: N_("Revoke this country permanently"),
    Action.LINK_RESET: N_("Restart the numbering to this country"),
    Action.LINK_ACCEPT_RESET: N_("Accept that this country restarts its numbering"),
    Action.CLOCK_RESET: N_("Take back a time that was wrongly believed"),
    Action.POLICY_WIDEN: N_("Let more leave this node"),
    Action.POLICY_NARROW: N_("Let less leave this node"),
    Action.PERSON_ENROL: N_("Enrol somebody who may release"),
    Action.PERSON_CHANGE: N_("Let somebody release, or release more"),
    Action.PERSON_INVITE: N_("Give a new code to somebody who may release"),
    Action.PERSON_VOUCH: N_("Vouch for somebody whom you have met"),
    Action.ADMINS_BEGIN: N_("The first two administrators"),
    Action.POLICY_BEGIN: N_("The policy that this node begins with"),
}
STATES: Mapping[str, str] = {
    "proposed": N_("proposed: digits were not compared yet"),
    "verified": N_("verified: waits for its time or for a second person"),
    "active": N_("active"),
    "suspended": N_("suspended by a person"),
    "suspended_for_cause": N_("suspended by this node, with a reason"),
    "revoked": N_("revoked permanently"),
}
STAGES: Mapping[str, str] = {
    "asked": N_("waits for a first person"),
    "pending": N_("waits for a second person"),
    "waiting": N_("approved: waits for its time"),
    "done": N_("complete"),
    "expired": N_("expired: it was not approved in time"),
    "withdrawn": N_("given up"),
}
"""How far a change has come."""
SPOKEN: Mapping[str, str] = {
    "in_person": N_("We sat together"),
    "video": N_("By video: I saw them"),
    "known_phone": N_("By a telephone number I knew before"),
}
SUBJECTS: Mapping[str, str] = {
    "own.descriptor": N_("The descriptor of this node"),
    "own.sig": N_("The signing key of this node"),
    "own.http": N_("The connection key of this node"),
    "own.log": N_("The log key of this node"),
    "own.wit": N_("The witness key of this node"),
    "peer.descriptor": N_("The descriptor of a country"),
    "peer.trust": N_("The agreement with a country"),
}
CHAIN = 1_000_000
"""Characters of a pairing file: that of a node with three roots begins with 26 000, and grows with each change."""
CHANGE = 200_000
"""Characters of a change: that of the policy holds the whole file, which may have 100 000."""
STOP_ALL = "/trust/suspend"
PLAIN = (Action.PEER_RENEW, Action.PEER_RESUME, Action.PEER_REVOKE)
"""Changes of a peer that say nothing but themselves; a stop stands on the page of the peer, ready to be signed."""


async def show_overview(visit: Visit) -> web.StreamResponse:
    """Show every country, the changes that wait for approval, and what expires soon."""
    now = visit.settings.now()
    node, peers = await visit.ask("node.show"), (await visit.ask("peer.list"))["peers"]
    pending = (await visit.ask("change.list", {"state": "pending"}))["changes"]
    ends = [one for one in node["endings"] if one["at"] - now < SOON]
    offered = (await visit.ask("admin.list"))["offered"]
    return visit.page(
        "trust.html",
        node=node,
        peers=peers,
        pending=pending,
        ends=ends,
        now=now,
        states=STATES,
        subjects=SUBJECTS,
        actions=ACTIONS,
        offered=offered,
        signs=_signs(visit),
        people=await _name_people(visit, pending),
    )


async def _name_people(visit: Visit, changes: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Name the people whom changes are about, by subject, as far as this person may know them."""
    if not any(is_person(one["subject"]) for one in changes) or not visit.allows("person.list"):
        return {}
    return {f"{PERSON}{one['id']}": str(one["name"]) for one in (await visit.ask("person.list"))["people"]}


async def show_own_pairing(visit: Visit) -> web.StreamResponse:
    """Show what the other side needs to know about this node: the pairing file, or a code to scan."""
    node = await visit.ask("node.show")
    return visit.page("trust-own.html", node=node, qr=draw_qr(node["scanned"]))


async def download_pairing_file(visit: Visit) -> web.StreamResponse:
    """Download the pairing file; it is not secret, since the digits decide."""
    chain = await visit.ask("node.pairing")
    headers = {"Content-Disposition": f'attachment; filename="{visit.settings.node}.pairing"'}
    return web.json_response(chain, headers=headers)


async def show_new_peer(visit: Visit) -> web.StreamResponse:
    """Ask for another country's pairing file, address or scanned code."""
    return visit.page("trust-new.html", form=Form({}), told=None)


async def add_peer(visit: Visit) -> web.StreamResponse:
    """Propose the peer; nothing is exchanged before the digits are compared."""
    form = await visit.form(longest=CHAIN)
    try:
        arguments = _proposed(form)
        peer = await visit.act("peer.add", arguments)
    except GatewayError as error:
        return visit.page("trust-new.html", status=422, form=form, told=visit.told(error))
    return visit.go(f"/trust/peers/{peer['node']}/compare")


def _proposed(form: Form) -> dict[str, Json]:
    given = [name for name in ("file", "chain", "url", "scanned") if name in form]
    if len(given) != 1:
        raise RefusedError(Code.INVALID, "give exactly one of file, address and scanned text; nothing was changed")
    name: dict[str, Json] = {"name": form.one("name")} if "name" in form else {}
    match given[0]:
        case "url":
            return name | {"url": form.one("url")}
        case "scanned":
            found = read_node(form.one("scanned"))
            return name | {"url": found.endpoint, "fingerprint": found.fingerprint, "version": found.version}
    try:
        return name | {"chain": json.loads(form.one(given[0]))}
    except (ValueError, RecursionError) as exc:
        raise RefusedError(Code.MALFORMED, "this is not the text of a pairing file; nothing was changed") from exc


async def show_peer(visit: Visit) -> web.StreamResponse:
    """Show one country: state, keys with their ages, what both sides permit, the verified history, and the actions."""
    found = await visit.ask("peer.show", {"id": visit.request.match_info["peer"]})
    stop: ExactChange | None = None
    if _signs(visit) and found["state"] in ("active", "verified"):
        stop = await _prepared(visit, Action.PEER_SUSPEND, found["node"])
    offered = {
        "active": (Action.PEER_RENEW, Action.PEER_REVOKE),
        "suspended": (Action.PEER_RESUME, Action.PEER_REVOKE),
        "suspended_for_cause": (Action.PEER_RESUME, Action.PEER_REVOKE),
    }.get(found["state"], ())
    return visit.page(
        "trust-peer.html",
        peer=found,
        stop=stop,
        stopping=[] if stop is None else await stop.list_ways(visit),
        offered=offered,
        actions=ACTIONS,
        states=STATES,
        rules=RULES,
        now=visit.settings.now(),
        soon=SOON,
        signs=_signs(visit),
        units=await load_units(visit),
    )


async def stop_next(visit: Visit) -> web.StreamResponse:
    """Stop every country, one signature after the other: the next one, ready to be signed, and how many are left."""
    peers = (await visit.ask("peer.list"))["peers"]
    left = [peer for peer in peers if peer["state"] in ("active", "verified")]
    if not left:
        return visit.go("/trust")
    return await _to_sign(visit, Action.PEER_SUSPEND, left[0]["node"], {}, stopping=left)


async def show_digits(visit: Visit) -> web.StreamResponse:
    """Show the ceremony: call, read aloud, listen, type, say how you spoke."""
    return await _comparing(visit, Form({}), None)


async def verify_digits(visit: Visit) -> web.StreamResponse:
    """Check the digits that were typed; if they are right, show the change to be signed."""
    form = await visit.form()
    subject = visit.request.match_info["peer"]
    try:
        digits = read_pair(form.one("scanned")) if "scanned" in form else form.one("digits")
        channel = form.one("channel")
        if channel not in CHANNELS:
            raise RefusedError(Code.INVALID, "say how you spoke with them; nothing was changed")
        roots = (await visit.ask("peer.show", {"id": subject}))["cause"] == ROOTS_CHANGED
        action = Action.PEER_CONFIRM_ROOTS if roots else Action.PEER_ACTIVATE
        return await _to_sign(visit, action, subject, {"digits": digits, "channel": channel})
    except GatewayError as error:
        return await _comparing(visit, form, error)


async def _comparing(visit: Visit, form: Form, error: GatewayError | None) -> web.Response:
    subject = visit.request.match_info["peer"]
    found, code = [await visit.ask(operation, {"id": subject}) for operation in ("peer.show", "peer.code")]
    told = None if error is None else visit.told(error)
    wrong = error is not None and error.code is Code.WRONG_NODE
    return visit.page(
        "trust-compare.html",
        status=200 if error is None else 422,
        peer=found,
        groups=code["code"].split(),
        qr=draw_qr(code["scanned"]),
        channels=[(name, visit.words(said)) for name, said in SPOKEN.items()],
        form=form,
        told=told,
        wrong=wrong,
        demo=code["demo"],
    )


async def show_scope(visit: Visit) -> web.StreamResponse:
    """Show what this node permits a country, to be narrowed or widened."""
    subject = visit.request.match_info["peer"]
    found, scope = [await visit.ask(operation, {"id": subject}) for operation in ("peer.show", "peer.scope")]
    return visit.page("trust-scope.html", peer=found, scope=scope, choices=await _choices(visit), told=None)


async def change_scope(visit: Visit) -> web.StreamResponse:
    """Prepare a change of scope: one person may narrow it, two may widen it; the node decides which it is."""
    form, subject = await visit.form(), visit.request.match_info["peer"]
    before = await visit.ask("peer.scope", {"id": subject})
    wanted = {
        **before,
        **{name: [*form.every(name)] for name in ("types", "directions", "units", "roles", "purposes")},
    }
    action = Action.PEER_WIDEN if form.one("act") == "widen" else Action.PEER_NARROW
    try:
        return await _to_sign(visit, action, subject, {"scope": wanted})
    except GatewayError as error:
        found = await visit.ask("peer.show", {"id": subject})
        choices = await _choices(visit)
        return visit.page(
            "trust-scope.html", status=422, peer=found, scope=wanted, choices=choices, told=visit.told(error)
        )


async def _choices(visit: Visit) -> dict[str, list[tuple[str, str]]]:
    """List everything that a scope can contain, named in the reader's language."""
    types = {entry["type"].rpartition("/")[0]: entry["type"] for entry in (await visit.ask("schema.list"))["schemas"]}
    return {
        "types": [(name, visit.words.message(whole)) for name, whole in sorted(types.items())],
        "units": (await load_units(visit)).of(),
        **{
            f"{name}s": [(one.code, visit.words.code(name, one.code)) for one in code_list(name).codes]
            for name in ("purpose", "role")
        },
    }


async def prepare_change(visit: Visit) -> web.StreamResponse:
    """Prepare a change that needs nothing but its kind, such as a suspension."""
    form = await visit.form()
    action = form.one("action")
    if action not in PLAIN:
        raise RefusedError(Code.INVALID, "this is not begun here; nothing was changed")
    return await _to_sign(visit, Action(action), visit.request.match_info["peer"], {})


# --- signing -----------------------------------------------------------------------------------------------------


async def propose_change(visit: Visit) -> web.StreamResponse:
    """Propose a prepared change with the first person's signature."""
    form = await visit.form(longest=CHANGE)
    done = await visit.ask("change.propose", {"change": _read_change(form), **_signature(form)})
    return visit.go(STOP_ALL if form.one("then", "") == "stop" else f"/trust/changes/{done['id']}")


async def ask_change(visit: Visit) -> web.StreamResponse:
    """Keep a prepared change that nobody has signed yet, and show it as every other device will."""
    change = _read_change(await visit.form(longest=CHANGE))
    kept = await visit.ask("change.ask", {"change": change})
    return visit.go(f"/trust/changes/{kept['id']}")


def _read_change(form: Form) -> Json:
    try:
        change: Json = json.loads(form.one("change"))
    except (ValueError, RecursionError) as exc:
        raise RefusedError(Code.INVALID, "this is not a change; nothing was changed") from exc
    return change


async def show_change(visit: Visit) -> web.StreamResponse:
    """Show one change: its exact content, who approved it, and the forms to approve or withdraw it."""
    found = await visit.ask("change.show", {"id": visit.request.match_info["change"]})
    if is_person(found["subject"]) and found["state"] == "pending" and visit.allows("person.list"):
        return visit.go(f"/people/{found['subject'].removeprefix(PERSON)}")  # where it is approved
    exact = None if found["change"] is None else read_exact(found["change"], visit.request.match_info["change"])
    ways: list[Way] = []
    approved = {one["admin"] for one in found["approvals"]}
    signs = _signs(visit) and not is_person(found["subject"])
    if exact and found["state"] == "pending" and signs and visit.who.admin not in approved:
        ways = await exact.list_ways(visit)
    return visit.page(
        "trust-change.html",
        change=found,
        exact=exact,
        here=draw_qr(f"{visit.settings.origin}{visit.request.path}"),
        ways=ways,
        actions=ACTIONS,
        stages=STAGES,
        mine=approved,
        people=await _name_people(visit, [found]),
    )


async def approve_change(visit: Visit) -> web.StreamResponse:
    """Approve a change with the next person's signature."""
    form, id = await visit.form(), visit.request.match_info["change"]
    await visit.ask("change.approve", {"id": id, **_signature(form)})
    return visit.go(f"/trust/changes/{id}")


async def withdraw_change(visit: Visit) -> web.StreamResponse:
    """Withdraw a pending change."""
    id = visit.request.match_info["change"]
    await visit.act("change.withdraw", {"id": id})
    return visit.go(f"/trust/changes/{id}")


async def show_offer(visit: Visit) -> web.StreamResponse:
    """Offer this person's passkey for enrolment as an administrator."""
    return visit.page("trust-offer.html", ceremony=await visit.console.sign_in.offer(visit.who), offered=None)


async def take_offer(visit: Visit) -> web.StreamResponse:
    """Show the signed offer with its key, to be read aloud to whoever enrols it."""
    form = await visit.form()
    card = await visit.console.sign_in.offered(visit.who, form.one("ceremony"), read_credential(form))
    found = await visit.ask("admin.list")
    (own,) = [one for one in found["offered"] if one["card"] == card]
    return visit.page("trust-offer.html", ceremony=None, offered=own)


async def enrol_administrator(visit: Visit) -> web.StreamResponse:
    """Propose somebody who has offered a passkey as an administrator."""
    chosen, found = (await visit.form()).one("pseudonym"), await visit.ask("admin.list")
    cards = [one["card"] for one in found["offered"] if one["pseudonym"] == chosen]
    if not cards:
        raise RefusedError(Code.NOT_FOUND, "nobody offers this passkey any more; nothing was changed")
    return await _to_sign(visit, Action.ADMIN_ENROL, ADMINS, {"admin": cards[0]})


async def show_history(visit: Visit) -> web.StreamResponse:
    """List every change, newest first."""
    changes = (await visit.ask("change.list"))["changes"]
    people = await _name_people(visit, changes)
    return visit.page("trust-history.html", changes=changes, people=people, actions=ACTIONS, stages=STAGES)


async def show_policy(visit: Visit) -> web.StreamResponse:
    """Show the corridor policy in force, the ones that wait, and the form to adopt another."""
    return await _policy_page(visit, "")


async def adopt_policy(visit: Visit) -> web.StreamResponse:
    """Propose a policy file as this node's next policy. The form loses the file's final line break; it is put back."""
    form = await visit.form(longest=CHANGE)
    action = Action.POLICY_WIDEN if form.one("act") == "widen" else Action.POLICY_NARROW
    try:
        return await _to_sign(visit, action, NODE, {"policy": form.one("policy") + "\n"})
    except GatewayError as error:
        return await _policy_page(visit, form.one("policy"), told=visit.told(error))


async def upgrade_policy(visit: Visit) -> web.StreamResponse:
    """Propose the policy in force in format 2, with what begins as attested (`gateway.policy.attestation`)."""
    try:
        wanted = canonical_bytes(upgrade_in_force(await visit.ask("policy.show"))).decode()
        return await _to_sign(visit, Action.POLICY_WIDEN, NODE, {"policy": wanted})
    except GatewayError as error:
        return await _policy_page(visit, "", told=visit.told(error))


async def _policy_page(visit: Visit, text: str, *, told: RefusalText | None = None) -> web.Response:
    found = await visit.ask("policy.show")
    held = policy_in(found["in_force"])
    return visit.page(
        "trust-policy.html",
        status=200 if told is None else 422,
        policy=found,
        old=held is not None and held.attested is None,
        upgrades=sorted(DEFAULT.first),
        text=text,
        told=told,
        signs=_signs(visit),
    )


def _signs(visit: Visit) -> bool:
    """Whether this person is an administrator who can approve with a passkey."""
    return visit.who.admin is not None and visit.allows("change.propose")


async def _prepared(visit: Visit, action: Action, subject: str, **choices: Json) -> ExactChange:
    """Have the node prepare a change."""
    found = await visit.ask("change.prepare", {"action": str(action), "subject": subject, **choices})
    return read_exact(found["change"], found["hash"])


def _signature(form: Form) -> dict[str, Json]:
    """Read the browser's signature from a form."""
    return {"assertion": dict(read_credential(form)), "emergency": form.one("emergency") == "yes"}


async def _to_sign(
    visit: Visit, action: Action, subject: str, choices: Mapping[str, Json], stopping: Sequence[Any] = ()
) -> web.Response:
    """Show the page on which a change is read and signed; `stopping` are the countries that are stopped in turn."""
    if not _signs(visit):
        raise RefusedError(
            Code.FORBIDDEN,
            "only an administrator with a passkey can sign here; nothing was changed",
            hint="with a key file: the verbs of trm peer",
        )
    prepared = await _prepared(visit, action, subject, **choices)
    return visit.page(
        "trust-sign.html",
        prepared=prepared,
        ways=await prepared.list_ways(visit),
        action=ACTIONS[action],
        rule=RULES[action],
        stopping=stopping,
    )


PAGES = (
    Page(method="GET", path="/trust", handler=show_overview, operation="change.list"),
    Page(method="GET", path=STOP_ALL, handler=stop_next, operation="change.propose"),
    Page(method="GET", path="/trust/own", handler=show_own_pairing, operation="node.pairing"),
    Page(method="GET", path="/trust/own/file", handler=download_pairing_file, operation="node.pairing"),
    Page(method="GET", path="/trust/new", handler=show_new_peer, operation="peer.add"),
    Page(method="POST", path="/trust/new", handler=add_peer, operation="peer.add"),
    Page(method="GET", path="/trust/offer", handler=show_offer, operation="change.propose"),
    Page(method="POST", path="/trust/offer", handler=take_offer, operation="change.propose"),
    Page(method="POST", path="/trust/enrol", handler=enrol_administrator, operation="change.prepare"),
    Page(method="GET", path="/trust/history", handler=show_history, operation="change.list"),
    Page(method="GET", path="/trust/policy", handler=show_policy, operation="change.list"),
    Page(method="POST", path="/trust/policy", handler=adopt_policy, operation="change.propose"),
    Page(method="POST", path="/trust/policy/upgrade", handler=upgrade_policy, operation="change.propose"),
    Page(method="POST", path="/trust/changes", handler=propose_change, operation="change.propose"),
    Page(method="POST", path="/trust/changes/ask", handler=ask_change, operation="change.ask"),
    Page(method="GET", path="/trust/changes/{change}", handler=show_change, operation="change.show"),
    Page(method="POST", path="/trust/changes/{change}/approve", handler=approve_change, operation="change.approve"),
    Page(method="POST", path="/trust/changes/{change}/withdraw", handler=withdraw_change, operation="change.withdraw"),
    Page(method="GET", path="/trust/peers/{peer}", handler=show_peer, operation="change.list"),
    Page(method="GET", path="/trust/peers/{peer}/compare", handler=show_digits, operation="peer.code"),
    Page(method="POST", path="/trust/peers/{peer}/compare", handler=verify_digits, operation="change.prepare"),
    Page(method="GET", path="/trust/peers/{peer}/scope", handler=show_scope, operation="peer.scope"),
    Page(method="POST", path="/trust/peers/{peer}/scope", handler=change_scope, operation="change.prepare"),
    Page(method="POST", path="/trust/peers/{peer}/begin", handler=prepare_change, operation="change.prepare"),
)
