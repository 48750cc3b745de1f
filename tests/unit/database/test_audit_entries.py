"""Audit leaves say that something happened and never what it was about (nrm1 13.9)."""

from __future__ import annotations

import ast

import orjson
from support.house import ROOT, syntax
from support.pages import files_that_say
from support.tables import Faults

from gateway.database.audit_entries import leaf

FACTS = {
    "id": "a random message, draft or bundle id",
    "of": "the hash of a statement, or of a signed batch of receipts",
    "sig": "the hash of a signature",
    "peer": "a node id",
    "node": "the own node id",
    "holder": "a node id, or own",
    "n": "a number on a link",
    "state": "a state of a machine, or what a case system said about erasing",
    "code": "a code of the closed list",
    "epoch": "the number of a storage epoch",
    "version": "of a descriptor or keyset",
    "kid": "the id of a key",
    "machine": "the id of a machine that has the keys, made of a random salt",
    "actor": "a keyed hash of a person",
    "role": "what a token is for, one of six words",
    "roles": "what a person may do here, words of a closed list",
    "bound": "whether a person sees the messages of one unit only",
    "instead": "whether a new passkey takes the place of those before",
    "what": "what kind of content was shown, a word of a closed list, or the number of a file",
    "channel": "one of three words",
    "until": "seconds",
    "stopped": "how many messages",
    "count": "how many messages",
    "hash": "the hash of a descriptor of this node",
    "reason": "why a key was revoked, or a message erased or kept; one word of a closed list",
    "change": "the hash of a change of trust",
    "assertion": "the hash of a signed approval",
    "record": "the hash of a trust record",
    "action": "what a change does, a word of the closed list",
    "subject": "what a change is about: a node id, or administrators",
    "effective": "when a change takes effect",
    "size": "how many leaves a log had",
    "root": "the root of a log",
    "period": "a year or a quarter whose cases were counted",
    "digest": "the hash of a corridor policy",
    "dropped": "places in a message, as its schema names them, without what stood there",
    "disclosed": "whether a bundle shows content",
    "fields": "how many fields of a message a bundle shows",
    "use": "what kind of thing a key service was asked for, a word of a closed list",
    "attested": "whether only a case system says who acted",
}
"""Every fact that a leaf may state; a new one is added here by somebody who asked whether it tells of a case."""


def calls(tree: ast.AST) -> list[ast.Call]:
    """Where leaves are made."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == "leaf"]


def test_a_leaf_states_listed_facts_only():
    """Keyword by keyword, without `**`, in the many places that make one; the event is a word of ours."""
    with Faults() as faults:
        for path in files_that_say("leaf("):
            for call in calls(syntax(path)):
                with faults.row(f"{path.relative_to(ROOT)}:{call.lineno}"):
                    assert {keyword.arg for keyword in call.keywords} <= set(FACTS)
                    event = call.args[1]
                    assert isinstance(event, ast.Constant | ast.JoinedStr) or ast.unparse(event) == "event"
    assert faults.rows > 15


def test_a_planted_fact_is_found():
    """One that no leaf may state."""
    planted = calls(ast.parse("leaf(now, 'x', summary=body)"))[0]
    assert not {keyword.arg for keyword in planted.keywords} <= set(FACTS)


def test_a_leaf_is_canonical_and_numbered():
    """The bytes that a later tree hashes are final once they are written."""
    made = leaf(5, "message.state", id="i", code=None)(12)
    assert orjson.loads(made) == {"seq": 12, "at": 5, "ev": "message.state", "id": "i", "code": None}
    assert made == b'{"at":5,"code":null,"ev":"message.state","id":"i","seq":12}'
