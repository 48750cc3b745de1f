"""People of two countries begin a link anew, by the changes that they approve (nrm1 5.8 to 5.12)."""

from __future__ import annotations

from typing import Any

from support.robbed_nodes import Honest
from support.robbed_stand_ins import done
from support.robbed_world import MET, NAMES, World

from gateway.peers.link_reset_state import new_epoch
from gateway.trust.link_reset import decisions
from keys.documents.change import Change


def begin_anew(world: World, by: str) -> None:
    """Two people of a node that lost something begin the link to the honest peer anew; the peer is asked."""
    home, peer = world.nodes[by], world.other(world.nodes[by])
    if not home.registry.speaks(peer.node):
        return
    now, connection = world.clock.at, home.store.connection
    decisions.mark_link_older(connection, peer.node, made=now - 1, at=now)
    done(home.registry.refresh())
    view = decisions.view_of(peer.store.connection, home.node)
    epoch = new_epoch(view.epoch, *decisions.positions(connection, peer.node))
    body = {"view": view.to_json(), "epoch": epoch, "backup": now - 1}
    _approve(world, home, peer.node, "link.reset", body, decisions.check_reset, decisions.reset)
    world.people.add((by, peer.name))
    _press(world, home)


def _press(world: World, home: Honest) -> None:
    """What a node does every few seconds about a link that it wants to begin anew."""
    world.tell_chain(home.name, world.other(home).name)
    done(home.resets.press())
    done(home.registry.refresh())


def accept_anew(world: World, by: str, of: str) -> None:
    """A person accepts what a peer asks, having heard from the people there that they want it."""
    home, node = world.nodes[by], world.id_of(of)
    row = home.registry.reset(node)
    if row is None or row.offer is None:
        return
    if of in NAMES:
        asked = world.nodes[of].registry.reset(home.node)
        if asked is None or asked.ours != row.offer:
            return
    body = home.resets.offered(home.peer(node))
    _approve(world, home, node, "link.accept_reset", body, decisions.check_accept, decisions.accept)
    world.people.add((by, of))
    origin = world.liar_chain[-1].log if of == "c" else world.nodes[of].descriptor.log
    world.cosigned.pop((by, origin), None)  # its log goes on from a backup: both heads stay as evidence
    MET["people began anew"] += 1
    if of in NAMES:
        _press(world, world.nodes[of])


def _approve(world: World, home: Honest, node: str, action: str, body: Any, check: Any, apply: Any) -> None:
    change = Change(node=home.node, subject=node, prev=None, at=world.clock.at, action=action, body=body)
    check(home.store.connection, change)
    apply(home.store.connection, change, world.clock.at)
    done(home.registry.refresh())
