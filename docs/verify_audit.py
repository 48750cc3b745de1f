#!/usr/bin/env python3
"""A second verifier of TRM audit logs (nrm.audit/1), written from the specification, to be read in one go.

It shares no line with the gateway, so that nobody has to believe the gateway about its own log. It needs Python 3.11
and two packages for the signatures (pip install cryptography pynacl), no network, no clock and no gateway:

    python3 verify_audit.py FILE FINGERPRINT [FINGERPRINT ...]

A fingerprint is six groups of five digits, from a source other than the file: the first is that of the node whose log
it is, the others are those of nodes that witnessed it. Twelve groups and two versions, as two people compare them, are
two fingerprints, and refuse a chain that ends before its version. A witness without its fingerprint proves nothing
here, and neither does a key that its witness revoked.
Exit code 0: the log holds, 1: it does not, 2: no fingerprint.

    1 form          one object a line, one spelling of JSON, the announced number of entries
    2 who           the descriptor chains, signed by their roots; the fingerprints fit the newest roots
    3 entries       each says its own number, none is missing
    4 checkpoints   signed by the log; the root is that of the entries before it (RFC 9162)
    5 tiles         the recorded hashes are those of the entries
    6 witnesses     cosignatures over the checkpoints (C2SP tlog-cosignature), and the checkpoint kept beside the log

The first finding is the first bad entry. Entries behind the newest checkpoint are in nobody's signature yet.
"""

import base64
import hashlib
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey

LEAF_LIMIT = 16_384
DESCRIPTORS = ["application/vnd.nrm.descriptor.v1+json", "application/vnd.nrm.descriptor.v2+json"]
KINDS = [{"checkpoint", "note"}, {"cosignature", "by", "line"}, {"kept"}, {"seq", "leaf"}, {"tile", "hashes"}, {"end"}]


class Refused(Exception):
    """Why something proves nothing."""


def need(condition, why):
    """Refuse unless `condition` holds."""
    if not condition:
        raise Refused(why)


# --- 1 form ---------------------------------------------------------------------------------------------------------


def canon(value):
    """The one spelling of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def no_number(text):
    """Only whole numbers are in the profile."""
    raise Refused("a fraction")


def parse(data):
    """JSON that is spelled in the one allowed way: sorted names, no white space, nothing twice, no fractions."""
    try:
        value = json.loads(data.decode("utf-8"), parse_float=no_number, parse_constant=no_number)
        again = canon(value)
    except (ValueError, RecursionError) as exc:
        raise Refused("not JSON") from exc
    need(again == data, "not canonical JSON")
    return value


def unb64(text, pad=False):
    """Base64url without padding, or the base64 of notes; only its one spelling."""
    try:
        data = base64.b64decode(text, validate=True) if pad else base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, TypeError) as exc:
        raise Refused("not base64") from exc
    need((base64.b64encode(data).decode() if pad else b64(data)) == text, "not the one spelling of base64")
    return data


def b64(data):
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_file(path):
    """The head and, by the names of their members, all other lines."""
    with Path(path).open("rb") as file:
        lines = [parse(line.rstrip(b"\n")) for line in file]
    need(lines and isinstance(lines[0], dict) and lines[0].get("type") == "nrm.audit/1", "not an audit export")
    found = {name: [] for name in ("checkpoint", "cosignature", "kept", "seq", "tile", "end")}
    for line in lines[1:]:
        need(isinstance(line, dict) and line.keys() in KINDS, "a line of another kind")
        found[next(name for name in found if name in line)].append(line)
    last = found["seq"][-1]["seq"] if found["seq"] else 0
    need(found["end"] == [lines[-1]] == [{"end": last}] and len(found["kept"]) <= 1, "the file is cut short")
    return lines[0], found


# --- 2 who: the descriptor chains -----------------------------------------------------------------------------------


def H(label, data):
    """SHA-256 of a label and data."""
    return hashlib.sha256(b"nrm1/" + label.encode() + b"\0" + data).digest()


def lp(data):
    """A four-byte length, then the data."""
    return len(data).to_bytes(4, "big") + data


def verify_ed25519(key, message, signature):
    """By libsodium, which refuses keys and signatures of low order."""
    try:
        need(len(signature) == 64, "a signature of another length")
        nacl.bindings.crypto_sign_open(signature + message, key)
    except nacl.exceptions.BadSignatureError as exc:
        raise Refused("an Ed25519 signature does not verify") from exc


def key_hash(key):
    """What names a whole key; a kid is the first half of it. Keys of logs and witnesses have an ML-DSA-44 half."""
    notes = key.get("mldsa44")
    halves = lp(unb64(key["ed25519"])) + lp(unb64(key.get("mldsa65") or ""))
    return H("kid", halves + (b"" if notes is None else lp(unb64(notes))))


def verify_root(root, kind, payload, signature):
    """Both halves of a root's signature of a descriptor: the number in its type says over what (nrm1 1.9, 1.17)."""
    signed, context = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload), b""
    if kind != DESCRIPTORS[0]:
        signed, context = b"nrm1-sig\0" + key_hash(root) + signed, b"nrm1"
    verify_ed25519(unb64(root["ed25519"]), signed, unb64(signature["ed25519"]))
    half = MLDSA65PublicKey.from_public_bytes(unb64(root["mldsa65"]))
    try:
        half.verify(unb64(signature["mldsa65"]), signed, context)
    except InvalidSignature as exc:
        raise Refused("an ML-DSA-65 signature does not verify") from exc


def read_chain(documents):
    """All versions of one node, 1 to the newest: each signed by its own roots and by those of the version before."""
    chain, last, parts, kinds = [], None, {}, DESCRIPTORS[:1]
    for document in documents:
        kind = document["payloadType"]
        need(kind in DESCRIPTORS, "not a descriptor")
        need(kind >= kinds[-1], "a descriptor of the first form follows one of the second")
        kinds.append(kind)
        payload, signatures = unb64(document["payload"]), document["signatures"]
        kids = [signature["kid"] for signature in signatures]
        need(kids == sorted(set(kids)), "signatures in another order, or one twice")
        new, old = parse(payload), chain[-1] if chain else None
        need(new["type"] == f"nrm.descriptor/{1 + DESCRIPTORS.index(kind)}", "a type of another number")
        for key in (*new["roots"], *new["keys"]):
            need(nacl.bindings.crypto_core_ed25519_is_valid_point(unb64(key["ed25519"])), "a key of low order")
            need(key["kid"] == b64(key_hash(key)[:16]), "a kid is not of its key")
        for voters in (new, old or new):
            roots = {key["kid"]: key for key in voters["roots"] if key["from"] <= new["issued"] < key["until"]}
            signers = {signature["kid"]: signature for signature in signatures if signature["kid"] in roots}
            for kid, signature in signers.items():
                verify_root(roots[kid], kind, payload, signature)
            need(len(signers) >= voters["threshold"] >= 1, "not enough roots signed")
        need((new["version"], new["prev"]) == (len(chain) + 1, last), "a version is missing, or another one")
        if old is None:
            text = base64.b32encode(H("node", roots_of(new))[:20]).decode().lower()
            need(new["node"] == "n1" + text, "a node id is not that of its roots")
        log = new["log"]
        need(log == f"nrm1/{new['node']}" or log.endswith(f".{new['node']}.trm"), "another node's log")
        need(old is None or (new["node"], log) == (old["node"], old["log"]), "a chain turns into another one")
        for gone in new["revoked"]:
            need(gone["since"] <= gone["at"] <= new["issued"] + 300, "a key is revoked in the future")
        for key in (*new["roots"], *new["keys"]):
            for part in filter(None, (key["ed25519"], key.get("mldsa65"), key.get("mldsa44"))):
                same = parts.setdefault(part, (key["kid"], key["use"])) == (key["kid"], key["use"])
                need(same, "a key of an earlier version has another half or another use")
        last = b64(H("desc", payload))
        chain.append(new)
    need(chain, "a node without a descriptor")
    return chain


def roots_of(descriptor):
    """What a node id and a fingerprint are computed from."""
    return canon({"roots": descriptor["roots"], "threshold": descriptor["threshold"]})


def fingerprint(descriptor):
    """The thirty digits that people compare."""
    x = digest = H("fp", descriptor["node"].encode() + roots_of(descriptor))
    for _ in range(5200):
        digest = hashlib.sha512(digest + x).digest()
    return "".join(f"{int.from_bytes(digest[5 * i : 5 * i + 5], 'big') % 100_000:05d}" for i in range(6))


def check_version(chain, lowest):
    """A chain does not end before the version that was compared with its fingerprint."""
    enough = chain[-1]["version"] >= (lowest or {}).get(fingerprint(chain[-1]), 1)
    need(enough, "a chain ends before the version that was compared: ask for a newer file")


def keys_of(chain, use, name, mark, without=()):
    """Note key id of its Ed25519 half -> key, for every key of this use that the chain ever listed."""
    listed = [key for version in chain for key in version["keys"] if key["use"] == use]
    return {note_id(name, mark, unb64(key["ed25519"])): key for key in listed if key["kid"] not in without}


def note_id(name, mark, key):
    """What a line of a note calls its key."""
    return hashlib.sha256(name.encode() + b"\n" + mark + key).digest()[:4]


def check_other_half(text, name, values, key, at):
    """A key of two halves has signed with both: the line of ML-DSA-44 is there too (C2SP tlog-cosignature)."""
    if key.get("mldsa44") is None:
        return
    half = unb64(key["mldsa44"])
    ours = [value for value in values if value[:4] == note_id(name, b"\6", half)]
    need(ours, "signed by one half of a key only")
    origin, size, root = text.decode().split("\n")[:3]
    head = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + at.to_bytes(8, "big")
    tree = bytes([len(origin)]) + origin.encode() + bytes(8) + int(size).to_bytes(8, "big")
    need(at in {int.from_bytes(value[4:12], "big") for value in ours}, "the two halves say different times")
    for value in ours:
        if value[4:12] == at.to_bytes(8, "big"):
            try:
                MLDSA44PublicKey.from_public_bytes(half).verify(value[12:], head + tree + unb64(root, pad=True))
            except InvalidSignature as exc:
                raise Refused("an ML-DSA-44 signature does not verify") from exc


# --- 3 to 5: entries, checkpoints, tiles ----------------------------------------------------------------------------


def leaf_hash(leaf):
    """RFC 9162, 2.1.1."""
    return hashlib.sha256(b"\0" + leaf).digest()


def fold(peaks, sizes, hash):
    """Append one hash to the peaks of a tree; equal sizes are joined."""
    size = 1
    while sizes and sizes[-1] == size:
        hash, size = hashlib.sha256(b"\1" + peaks.pop() + hash).digest(), size + sizes.pop()
    peaks.append(hash)
    sizes.append(size)


def root_of(peaks):
    """The root over the peaks, the smallest first."""
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = hashlib.sha256(b"\1" + peak + found).digest()
    return found


def read_note(data, origin):
    """(text, size, root, signature lines) of a checkpoint; None for the log that this one replaced."""
    need(len(data) <= 262_144, "too large")
    try:
        text, blank, rest = data.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError as exc:
        raise Refused("not UTF-8") from exc
    head = re.fullmatch(r"([!-*,-~]{1,200})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)", text)
    lines = [re.fullmatch("\u2014 ([!-*,-~]{1,200}) ([A-Za-z0-9+/]+=*)", line) for line in rest.split("\n")[:-1]]
    need(head and blank and rest.endswith("\n") and 1 <= len(lines) <= 128 and all(lines), "no checkpoint")
    if head[1] != origin:
        return None
    return (
        (text + "\n").encode(),
        int(head[2]),
        unb64(head[3], pad=True),
        [(x[1], unb64(x[2], pad=True)) for x in lines],
    )


def open_note(data, origin, keys):
    """The same, with the log's own signature verified."""
    note = read_note(data, origin)
    if note is not None:
        ours = [value for name, value in note[3] if name == origin and value[:4] in keys]
        for value in ours:
            verify_ed25519(unb64(keys[value[:4]]["ed25519"]), note[0], value[4:])
            check_other_half(note[0], origin, [other for name, other in note[3] if name == origin], keys[value[:4]], 0)
        need(ours, "no key of the log has signed")
    return note


def read_checkpoints(lines, origin, keys, findings):
    """Size -> (text, root) of the checkpoints that the log signed."""
    heads = {}
    for line in lines:
        try:
            note = open_note(unb64(line["note"]), origin, keys)
            need(note is None or note[1] == line["checkpoint"], "another size than its row")
            if note is not None:
                heads[note[1]] = (note[0], note[2])
        except Refused as why:
            findings.append((f"checkpoint {line['checkpoint']}", f"is not signed by the log: {why}"))
    return heads


def leaf_fault(number, leaf):
    """What is wrong with an entry, None for nothing."""
    try:
        value = parse(leaf) if len(leaf) <= LEAF_LIMIT else None
    except Refused as why:
        return f"is no leaf: {why}"
    if not isinstance(value, dict) or not isinstance(value.get("ev"), str):
        return "is no leaf"
    return None if value.get("seq") == number else "says that it is another number"


class Tiles:
    """The recorded hashes, 256 at a time, compared with those of the entries, level by level.

    A difference is the entry's (`differing`) until a signed root proves the entries; then it is the tile's (`wrong`).
    """

    def __init__(self, stored):
        self.stored, self.made, self.differing, self.wrong, self.missing = stored, {}, [], {}, []

    def take(self, seq, index, hash, level=0):
        """One more hash of a level; a full tile gives one to the level above."""
        tile, place = divmod(index, 256)
        if place == 0:
            self.made[level] = []
        stored = self.stored.get((level, tile), b"")
        recorded = stored[32 * place : 32 * place + 32]
        if recorded and recorded != hash:
            if level == 0:
                self.differing.append(seq)
            else:
                self.wrong[level, tile] = None
        self.made[level].append(hash)
        if place == 255:
            if len(stored) != 8192:
                self.missing.append((level, tile, seq))
            peaks, sizes = [], []
            for item in self.made[level]:
                fold(peaks, sizes, item)
            self.take(seq, tile, root_of(peaks), level + 1)

    def settle(self):
        """The entries so far are under a signed root."""
        self.wrong |= {(0, (seq - 1) // 256): None for seq in self.differing}
        self.differing = []

    def findings(self, good):
        """What is wrong with tiles; one is missed only where a checkpoint covers it."""
        found = [(f"leaf {seq}", "is not what its tile recorded") for seq in self.differing]
        found += [(f"tile {level}/{index}", "is not what the entries give") for level, index in self.wrong]
        return found + [(f"tile {level}/{index}", "is missing") for level, index, end in self.missing if end <= good]


def walk(entries, stored, heads):
    """(number of entries, findings) of one pass over the entries, against checkpoints and tiles."""
    findings, tiles, peaks, sizes, good, spoilt, count = [], Tiles(stored), [], [], 0, False, 0
    for seq, leaf in entries:
        if seq != count + 1:
            findings.append((f"leaf {count + 1}", "is missing"))
            break
        count, fault = seq, leaf_fault(seq, leaf)
        if fault:
            findings.append((f"leaf {seq}", fault))
        fold(peaks, sizes, leaf_hash(leaf))
        tiles.take(seq, seq - 1, leaf_hash(leaf))
        if seq not in heads or spoilt:
            continue
        if heads[seq][1] == root_of(peaks):
            good = seq
            tiles.settle()
            continue
        spoilt = True
        if not findings:
            named = f"leaf {tiles.differing[0]}" if tiles.differing else f"checkpoint {seq}"
            findings.append((named, f"does not fit what was signed: see the entries {good + 1} to {seq}"))
    lost = min((size for size in heads if size > count), default=None)
    if lost is not None and not findings:
        findings.append((f"leaf {count + 1}", f"is missing: checkpoint {lost} was signed over it"))
    return count, findings or tiles.findings(good)


# --- 6 witnesses ----------------------------------------------------------------------------------------------------


def cosigned_at(text, name, values, keys):
    """(when a witness signed, note key id); the time is in front of the signature and inside of what is signed."""
    value = values[0]
    need(value[:4] in keys and len(value) == 76, "no key of the witness")
    at, key = int.from_bytes(value[4:12], "big"), keys[value[:4]]
    verify_ed25519(unb64(key["ed25519"]), f"cosignature/v1\ntime {at}\n".encode() + text, value[12:])
    check_other_half(text, name, values, key, at)
    return at, value[:4]


def read_cosignatures(lines, rows, heads, witnesses, findings):
    """Size -> witness -> (time, note key id)."""
    found = {}
    for line in lines:
        size, by = line["cosignature"], line["by"]
        if size not in rows:
            findings.append((f"checkpoint {size}", "is missing: a cosignature of it is there"))
        elif size in heads:
            try:
                told = unb64(line["line"]).decode("utf-8", "replace").split("\n")
                notes = [re.fullmatch("\u2014 ([^ ]+) ([A-Za-z0-9+/]+=*)", one) for one in told[:-1]]
                need(notes and told[-1] == "" and all(note and note[1] == by for note in notes), "in another name")
                values = [unb64(note[2], pad=True) for note in notes]
                found.setdefault(size, {})[by] = cosigned_at(heads[size][0], by, values, witnesses.get(by, {}))
            except Refused as why:
                findings.append((f"cosignature of {by} on {size}", f"does not verify: {why}"))
    return found


def check_kept(lines, origin, keys, witnesses, count, heads, findings):
    """The checkpoint that was kept beside the database is one of those in it."""
    if not lines:
        findings += [("kept checkpoint", "is missing")] if heads else []
        return
    try:
        note = open_note(unb64(lines[0]["kept"]), origin, keys)
        if note is None:
            return
        text, size, root, signatures = note
        for name, value in signatures:
            if value[:4] in witnesses.get(name, {}):
                others = [other for owner, other in signatures if owner == name]
                cosigned_at(text, name, [value, *others], witnesses[name])
    except Refused as why:
        findings.append(("kept checkpoint", f"does not verify: {why}"))
        return
    if size > count:
        findings.append((f"leaf {count + 1}", f"is missing: the kept checkpoint was signed over {size} entries"))
    elif size not in heads:
        findings.append((f"checkpoint {size}", "is missing: the kept one is of this size"))
    elif heads[size][1] != root:
        findings.append((f"checkpoint {size}", "is another one than the kept one"))


def when(at):
    """A time in the words of people."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC" if at < 253_402_300_800 else f"second {at}"


# --- all of it ------------------------------------------------------------------------------------------------------


def verify(path, fingerprints, lowest=None, own=1):
    """(entries, findings, what is witnessed) of an export; the log is of one of the `own` first fingerprints.

    The last is the newest checkpoint with enough witnesses, else that with most, None for none: (its size, those
    witnesses with their times, how many are needed).
    """
    head, found = read_file(path)
    chain = read_chain(head["chain"])
    need(fingerprint(chain[-1]) in fingerprints[:own], "the log is of another node than the first fingerprint")
    check_version(chain, lowest)
    origin = chain[-1]["log"]
    need((head["node"], head["origin"]) == (chain[-1]["node"], origin), "the head is of another log")
    known, counting = {}, {}
    for item in head["witnesses"]:
        other, name = read_chain(item["chain"]), item["node"]
        need(other[-1]["node"] == name != head["node"], "a witness of another name")
        check_version(other, lowest)
        known[name] = keys_of(other, "wit", name, b"\4")
        revoked = {revocation["kid"] for revocation in other[-1]["revoked"]}
        sound = keys_of(other, "wit", name, b"\4", without=revoked)
        counting[name] = sound if fingerprint(other[-1]) in fingerprints else {}
    keys = keys_of(chain, "log", origin, b"\1")
    late = []
    heads = read_checkpoints(found["checkpoint"], origin, keys, late)
    tiles = {tuple(line["tile"]): unb64(line["hashes"]) for line in found["tile"]}
    count, findings = walk([(line["seq"], unb64(line["leaf"])) for line in found["seq"]], tiles, heads)
    findings += late
    rows = {line["checkpoint"] for line in found["checkpoint"]}
    cosigned = read_cosignatures(found["cosignature"], rows, heads, known, findings)
    check_kept(found["kept"], origin, keys, known, count, heads, findings)
    anchored = {size: {w: at for w, (at, key) in who.items() if key in counting[w]} for size, who in cosigned.items()}
    needed = max(1, head["quorum"])
    most, size = max(((min(len(who), needed), size) for size, who in anchored.items()), default=(0, 0))
    return count, findings, (size, anchored[size], needed) if most else None


def read_anchors(words):
    """[(fingerprint, lowest version)] from the words of a command; None if one is no fingerprint."""
    found = []
    for word in words:
        head, _, tail = word.strip().rpartition(" ")
        digits, first = re.sub(r"[\s-]", "", word), re.sub(r"[\s-]", "", head)
        both = re.fullmatch(r"([1-9][0-9]{0,15})-([1-9][0-9]{0,15})", tail, re.ASCII)
        if both and re.fullmatch(r"[0-9]{60}", first, re.ASCII):
            found += [(first[:30], int(both[1])), (first[30:], int(both[2]))]
        elif re.fullmatch(r"[0-9]{30}", digits, re.ASCII):
            found.append((digits, 1))
        else:
            return None
    return found


def main(arguments):
    """Print the verdict."""
    anchors = read_anchors(arguments[1:])
    if not anchors:
        print(__doc__)
        return 2
    try:
        count, findings, witnessed = verify(
            arguments[0], [digits for digits, _ in anchors], dict(sorted(anchors)), len(read_anchors(arguments[1:2]))
        )
    except (Refused, OSError, KeyError, TypeError, IndexError, ValueError) as why:
        print(f"refused: {why}")
        return 1
    for place, rule in findings:
        print(f"{place} {rule}")
    print(f"{count} entries: {'the log does not hold' if findings else 'the log holds'}")
    print(told(*witnessed) if witnessed else "unwitnessed by the nodes whose fingerprints you gave")
    return 1 if findings else 0


def told(size, by, needed):
    """Who witnessed, and whether these are enough."""
    found = "witnessed" if len(by) >= needed else f"witnessed by {len(by)} of {needed} needed,"
    return f"{found} up to entry {size} by" + "".join(f"\n  {name} at {when(at)}" for name, at in sorted(by.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
