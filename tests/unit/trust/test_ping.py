"""gateway.trust.ping: each step is green for what it should be, and red with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from support.connect_proxy import proxying
from support.keystores import fails
from support.nodes import NOW
from support.rest import until_at_rest
from support.trust_homes import SCOPE, Home, agree, answer, first_of

from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.scope import PeerState
from gateway.trust.link_reset import store as resets
from gateway.trust.ping import Pinger
from keys.documents.descriptor import Revocation
from keys.documents.descriptor_chain import encode_chain
from keys.documents.key_records import Use
from keys.documents.succession import Change
from keys.primitives.encoding import DAY
from schemas import load_catalogue

US, PEER = first_of("a"), first_of("b")


@dataclass
class Way:
    """A node that looks at the way to another one, which answers as it should."""

    here: Home
    there: Home

    def __post_init__(self) -> None:
        clock: Any = self.here.clock
        self.pinger = Pinger(identity=self.here.identity, link=self.here.link, sync=self.here.sync, clock=clock)
        keyset = self.there.honest.keyset()
        hashes = sorted(load_catalogue().hashes)
        self.answers = self.here.line.answers
        self.answers |= {
            "get_descriptor": lambda _, first: encode_chain(
                [one.document for one in self.there.honest.chain[first - 1 :]]
            ),
            "get_keyset": lambda *_: keyset.encode(),
            "get_schemas": lambda *_: answer(200, {"schemas": hashes[:3]}),
            "get_link": lambda *_: answer(200, {"high": 7}),
            "time_at": lambda *_: self.here.clock.at,
            "shake_hands": lambda *_: None,
        }

    async def look(self, step: str) -> str:
        """What one step says of the peer as it is held now. Raises as the step does."""
        return await dict(self.pinger._steps())[step](self.here.peer(PEER))

    async def agree(self, **changed: Any) -> None:
        """Both sides permit the same; or this one something else."""
        await agree(self.here, self.there, **changed)


@pytest.fixture
async def way() -> Way:
    """Both, and nothing is wrong."""
    here = await Home.open("a", PEER)
    return Way(here, await Home.open("b", US, clock=here.clock))


def raising(code: Code) -> Callable[..., Any]:
    """A peer that answers with a fault."""

    def told(*_: Any) -> Any:
        raise TransientError(code, "it says so")

    return told


# --- name, tcp, tls ---------------------------------------------------------------------------------------------------


async def stands_at(way: Way, host: str, port: int) -> None:
    """The descriptor of the peer names this place."""
    newest = replace(PEER, endpoints=(f"https://{host}:{port}",))
    way.here.registry._seen[PEER.document.encode()] = newest
    await way.here.registry.refresh()


async def test_a_name_is_looked_up(way: Way) -> None:
    """By this node, or by the proxy that leads there, of which it is not asked here."""
    await stands_at(way, "127.0.0.1", 8443)
    assert await way.look("name") == "127.0.0.1 is 127.0.0.1"
    way.here.line.proxy = OutboundProxy(host="127.0.0.1", port=9)
    await stands_at(way, "nowhere.invalid", 8443)
    assert await way.look("name") == "nowhere.invalid is looked up by the proxy"


async def test_somebody_listens_there(way: Way) -> None:
    """Seen from this node, or through the proxy."""
    async with proxying() as proxy:
        await stands_at(way, "127.0.0.1", proxy.port)
        assert await way.look("tcp") == f"port {proxy.port} is open"
        way.here.line.proxy = OutboundProxy(host="127.0.0.1", port=proxy.port)
        assert await way.look("tcp") == f"port {proxy.port} is open through the proxy"
        assert proxy.heads[-1].startswith(f"CONNECT 127.0.0.1:{proxy.port} ")
        await until_at_rest()  # until nobody there holds a connection any more
    way.here.line.proxy = None
    with pytest.raises(TransientError, match="no connection"):
        await way.look("tcp")


async def test_the_server_shows_a_pinned_key(way: Way) -> None:
    """What the client finds is what is said of it."""
    assert await way.look("tls") == "TLS 1.3, the server key is a pinned one"
    way.answers["shake_hands"] = raising(Code.BAD_KEY)
    with pytest.raises(TransientError):
        await way.look("tls")


# --- clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "said"),
    [(0, "0 s apart, 30 s are allowed"), (30, "30 s apart, 30 s are allowed"), (-30, "30 s apart, 30 s are allowed")],
)
async def test_clocks_that_are_near_enough(way: Way, ahead: int, said: str) -> None:
    """As near as a signature bears."""
    way.answers["time_at"] = lambda *_: way.here.clock.at + ahead
    assert await way.look("clock") == said


@pytest.mark.parametrize(("ahead", "words"), [(31, "31 s ahead of ours"), (-31, "31 s behind ours")])
async def test_clocks_that_are_too_far_apart(way: Way, ahead: int, words: str) -> None:
    """Which way round, and that either may be the wrong one."""
    way.answers["time_at"] = lambda *_: way.here.clock.at + ahead
    with fails(Code.CLOCK, words) as caught:
        await way.look("clock")
    assert caught.value.hint.startswith("30 s are allowed")


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_keys_that_are_good(way: Way) -> None:
    """Of the newest descriptor, which is fetched for that."""
    assert await way.look("keys") == "descriptor version 1, in force; its signing keys are valid"
    way.there.honest.change_keys(Change())
    assert await way.look("keys") == "descriptor version 2, in force; its signing keys are valid"
    assert [one.version for one in way.here.peer(PEER).chain] == [1, 2]


async def test_a_descriptor_that_is_over(way: Way) -> None:
    """Its root holders have to issue the next one."""
    way.here.clock.at = PEER.expires
    with fails(Code.STALE_DESCRIPTOR):
        await way.look("keys")


@pytest.mark.parametrize("use", [Use.SIG, Use.HTTP])
async def test_a_descriptor_without_a_key_of_some_use(way: Way, use: Use) -> None:
    """All of them are revoked: a key that only has not ended is no valid one."""
    gone = [key.kid for key in PEER.keys if key.use is use]
    newest = replace(PEER, revoked=tuple(Revocation(kid=kid, at=NOW, since=NOW, reason="stolen") for kid in gone))
    way.here.registry._seen[PEER.document.encode()] = newest
    await way.here.registry.refresh()
    way.answers["get_descriptor"] = lambda *_: encode_chain([PEER.document])
    with fails(Code.UNKNOWN_KEY, f"version 1 has no valid {use} key"):
        await way.look("keys")


async def test_a_keyset_by_a_key_that_is_no_longer_valid(way: Way) -> None:
    """The peer goes on signing with what it has revoked."""
    stolen = way.there.keys.sig_kid
    way.there.honest.change_keys(Change(revoke=(Revocation(kid=stolen, at=NOW, since=NOW, reason="stolen"),)))
    with fails(Code.REVOKED_KEY, "it signs its keyset with a key that is no longer valid"):
        await way.look("keys")


@pytest.mark.parametrize(("code", "red"), [(Code.BAD_SIGNATURE, True), (Code.UNREACHABLE, False)])
async def test_an_answer_by_a_key_that_is_not_listed(way: Way, code: Code, red: bool) -> None:
    """Of a signed question only the signature of the answer counts here."""
    way.answers["get_link"] = raising(code)
    if red:
        with fails(code, "it signs its answers with a key that its descriptor does not list"):
            await way.look("keys")
        return
    assert (await way.look("keys")).startswith("descriptor version 1")


@pytest.mark.parametrize("use", [Use.SIG, Use.HTTP])
async def test_a_key_of_our_own_that_is_not_allowed(way: Way, use: Use) -> None:
    """This node signs by one that its newest descriptor has revoked."""
    kid = way.here.keys.sig_kid if use is Use.SIG else way.here.keys.http_kid
    await way.here.publish(Change(revoke=(Revocation(kid=kid, at=NOW, since=NOW, reason="stolen"),)))
    with fails(Code.REVOKED_KEY, f"this node signs with a {use} key that its own descriptor does not allow") as caught:
        await way.look("keys")
    assert "start this node again" in caught.value.hint


# --- keyset, versions, schemas ----------------------------------------------------------------------------------------


async def test_what_both_can_do(way: Way) -> None:
    """A keyset that may be used, a suite and types of messages; what is found of them is kept."""
    assert await way.look("keyset") == "version 1, fresh"
    assert await way.look("versions") == "nrm1"
    assert await way.look("schemas") == "3 message types in common; our signature was accepted"
    held = way.here.peer(PEER)
    assert held.keyset is not None and held.schemas is not None and len(held.schemas) == 3


async def test_no_type_in_common(way: Way) -> None:
    """One of the two has to be upgraded."""
    way.answers["get_schemas"] = lambda *_: answer(200, {"schemas": ["sha256:" + "0" * 64]})
    with fails(Code.NO_COMMON_SCHEMA):
        await way.look("schemas")


# --- scope ------------------------------------------------------------------------------------------------------------


async def test_a_scope_that_lets_something_pass(way: Way) -> None:
    """How many types each way, without those that are never blocked."""
    await way.agree()
    assert await way.look("scope") == "1 types may be sent, 1 received"


async def test_a_scope_of_one_direction(way: Way) -> None:
    """What we only send, they only receive."""
    await way.agree(scope=SCOPE.to_json() | {"directions": ["send"]})
    assert await way.look("scope") == "1 types may be sent, 0 received"


async def test_a_scope_that_lets_nothing_pass(way: Way) -> None:
    """What is never blocked does not count."""
    await way.agree(scope=SCOPE.to_json() | {"types": []})
    with fails(Code.OUT_OF_SCOPE, "nothing is permitted"):
        await way.look("scope")


async def test_trust_that_is_not_in_force(way: Way) -> None:
    """Here, on one of both sides, or over."""
    with fails(
        Code.OUT_OF_SCOPE, "trust is not in force on both sides: our administrators have not approved it"
    ) as caught:
        await way.look("scope")
    assert "trm peer show" in caught.value.hint
    await way.agree()
    await way.here.put(PEER, state=str(PeerState.SUSPENDED))
    with fails(Code.NOT_ACTIVE, "the peer is suspended here") as other:
        await way.look("scope")
    assert "trm peer show" in other.value.hint
    await way.here.put(PEER, state=str(PeerState.ACTIVE))
    way.here.clock.at = NOW + 300 * DAY
    with fails(Code.OUT_OF_SCOPE, "our approval has run out"):
        await way.look("scope")


# --- round trip -------------------------------------------------------------------------------------------------------


async def test_a_round_trip(way: Way) -> None:
    """Up to which number of ours the peer has seen."""
    assert await way.look("signed round trip") == "it has seen our messages up to number 7"


@pytest.mark.parametrize(("status", "body"), [(403, {"high": 7}), (200, [7])])
async def test_a_round_trip_that_is_none(way: Way, status: int, body: Any) -> None:
    """Another status, or another shape."""
    way.answers["get_link"] = lambda *_: answer(status, body)
    with fails(Code.REJECTED, "does not answer signed questions"):
        await way.look("signed round trip")


async def test_a_link_that_waits_for_its_reset(way: Way) -> None:
    """One of the two was restored: whose turn it is."""
    row = ResetRow(peer=PEER.node, state=str(ResetState.REQUIRED), at=NOW, backup=NOW - 9)
    resets.put(way.here.connection, row)
    await way.here.registry.refresh()
    with fails(Code.LINK_RESET_REQUIRED, "restored from a backup") as caught:
        await way.look("signed round trip")
    assert "reset-link" in caught.value.hint and "accept-reset over there" in caught.value.hint


# --- one after the other ----------------------------------------------------------------------------------------------


async def steps(way: Way, *ends: str | RefusedError) -> list[tuple[Any, ...]]:
    """How these steps end: each takes as many seconds as its place."""

    def step(place: int) -> Callable[..., Any]:
        async def look(peer: Any) -> str:
            assert peer.node == PEER.node
            way.here.clock.at += place
            end = ends[place - 1]
            if isinstance(end, RefusedError):
                raise end
            return end

        return look

    names = ("name", "tcp", "tls")
    way.pinger._steps = lambda: [(name, step(place)) for place, name in enumerate(names, 1)]
    found = await way.pinger.ping(way.here.peer(PEER))
    return [(one.step, one.ok, one.detail, one.fix, one.code, one.ms) for one in found]


async def test_all_steps_are_green(way: Way) -> None:
    """Each with what it found and how long it took."""
    assert await steps(way, "a", "b", "c") == [
        ("name", True, "a", "", None, 1_000),
        ("tcp", True, "b", "", None, 2_000),
        ("tls", True, "c", "", None, 3_000),
    ]


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (RefusedError(Code.UNREACHABLE, "nobody is there"), "ask the peer whether its node runs and listens"),
        (RefusedError(Code.UNREACHABLE, "nobody is there", hint="do this"), "do this"),
        (RefusedError(Code.NOT_ACTIVE, "nobody is there"), "the peer does not admit this node now"),
        (RefusedError(Code.NOT_ACTIVE, "nobody is there", hint="do this"), "do this"),
    ],
)
async def test_the_first_red_step_ends_it(way: Way, error: RefusedError, fix: str) -> None:
    """With its code, and what to do: what the fault says itself, or what the step says."""
    green, red = await steps(way, "a", error, "c")
    assert green == ("name", True, "a", "", None, 1_000)
    assert (red[:3], red[4:]) == (("tcp", False, "nobody is there"), (error.code, 2_000))
    assert red[3].startswith(fix)


async def test_every_step_says_what_to_do(way: Way) -> None:
    """Whichever is red; they are the ten of the module text, in its order."""
    names = [name for name, _ in way.pinger._steps()]
    assert names == [
        "name",
        "tcp",
        "tls",
        "clock",
        "keys",
        "keyset",
        "versions",
        "schemas",
        "scope",
        "signed round trip",
    ]
    fixes = []
    for name in names:
        way.pinger._steps = lambda name=name: [(name, failing)]
        fixes += [(await way.pinger.ping(way.here.peer(PEER)))[0].fix]
    assert all(fixes)
    assert [fixes[names.index(name)] for name in ("versions", "schemas")] == [
        "one of the two nodes has to be upgraded"
    ] * 2
    assert len(set(fixes)) == len(names) - 1


async def failing(_peer: Any) -> str:
    """A step that is red."""
    raise RefusedError(Code.UNREACHABLE, "nobody is there")
