"""Every rule of the second form of the protocol: where it is specified, which vectors judge it, which code keeps it and
which tests attack it. `docs/protocol-rules.md` is printed from here; `tests/house/test_protocol_rules.py` opens
every name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from support.robbed_table import TABLE

PAGE = Path("docs/protocol-rules.md")
_HEAD = """# The rules of the protocol, and what each rests on

For reviewers of the protocol and of its code. Each row is a rule that a liar, a thief or an accident would have to
break: the clauses that state it, the vectors that another implementation is judged by (`docs/spec/vectors`), the place
in the code that keeps it, and tests that attack it. Which threats they meet, and what remains of each, is in the
[threat model](threat-model.md). This page is printed from `tests/support/protocol_rules.py`, and a name in it that
leads nowhere fails the tests.

| rule | clauses | vectors | code | tests |
|---|---|---|---|---|
"""


_THEFTS = """
## What one stolen key permits

Of whoever copied one key of a node, also where a peer lies with him: what he can do, and what he never can. What passes
is signed by `http`, what is said in it by `sig`, so to be heard takes both. Who has the whole key store can say
whatever the node says without its roots, trust records and voids too, until its peers know the revocation. Every line
is tried in `property/test_thief_and_liar_property.py`, alone and in walks that hypothesis draws over three nodes; more
of them are drawn by `./dev deep thieves`.

| what was copied | with it he | he never |
|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule in words. `code` names `FILE::NAME`, `tests` the same below tests/; `vectors` are files, none where a rule
    is kept inside a node and no peer can judge it.
    """

    words: str
    clauses: tuple[str, ...]
    vectors: tuple[str, ...] = ()
    code: tuple[str, ...]
    tests: tuple[str, ...]


RULES = (
    Rule(
        words="a revocation is not dated ahead, and no part of a key comes back with another half or for another use",
        clauses=("2.11", "2.16"),
        vectors=("descriptors.json", "clauses.json"),
        code=("keys/documents/descriptor_chain.py::accept_descriptor",),
        tests=(
            "unit/keys/documents/test_descriptor.py::test_a_revocation_is_dated_before_its_descriptor_but_for_skew",
            "unit/keys/documents/test_descriptor_chain.py::test_flaw_7_a_signing_key_comes_back_without_its_other_half",
        ),
    ),
    Rule(
        words="nobody revokes their way out of evidence, and a thief proves nothing against the owner",
        clauses=("7.3", "7.4", "7.13"),
        vectors=("evidence.json",),
        code=("gateway/evidence/weighing.py::weigh", "docs/verify_evidence.py::verify"),
        tests=(
            "unit/evidence/test_key_findings.py::test_flaw_1_a_signer_revokes_its_way_out",
            "unit/evidence/test_key_findings.py::test_flaw_5_a_receipt_by_a_key_that_was_delisted",
            "property/test_contradiction_property.py::test_a_thief_proves_nothing_against_the_owner",
            "property/test_thief_and_liar_property.py::test_no_thief_and_no_liar_breaks_a_promise",
        ),
    ),
    Rule(
        words="an honest witness cosigns one tree of a log, and the name of a log holds the node id",
        clauses=("2.11", "11.3"),
        vectors=("descriptors.json",),
        code=("gateway/audit/witness.py::LogWitness",),
        tests=(
            "unit/audit/test_store.py::test_flaw_2_a_second_tree_that_another_peer_shows",
            "unit/keys/documents/test_descriptor_chain.py::test_flaw_2_a_log_under_a_second_name",
        ),
    ),
    Rule(
        words="people compare the version with the digits, and an older chain is refused, at nodes and in evidence",
        clauses=("2.9", "2.10", "7.2"),
        vectors=("identity.json",),
        code=("keys/documents/fingerprint.py::read_code", "gateway/trust/operations/changes.py::ChangeOperations"),
        tests=(
            "integration/trust/test_first_contact.py::test_flaw_3_a_chain_that_was_cut_is_refused",
            "unit/evidence/test_build.py::test_flaw_3_a_chain_that_ends_before_the_version_that_was_compared",
        ),
    ),
    Rule(
        words="erased is signed when no seed is left that opens the message; rejected does not mean unread",
        clauses=("6.2", "7.13"),
        vectors=("receipts.json", "evidence.json"),
        code=("gateway/erasure/erased_receipts.py::ErasureReceipts",),
        tests=(
            "integration/erasure/test_erase.py::test_flaw_4_the_wire_opens_no_more_when_erased_is_signed",
            "unit/evidence/test_findings.py::test_other_receipts",
        ),
    ),
    Rule(
        words="both halves of a signature name the whole key, and ML-DSA signs with a context",
        clauses=("1.9", "2.4"),
        vectors=("encodings.json",),
        code=("keys/primitives/hybrid_keys.py::SigningKey",),
        tests=(
            "unit/keys/primitives/test_hybrid_keys.py::test_flaw_7_a_stripped_signature_fits_no_key_that_has_one_half_in_common",
            "unit/keys/primitives/test_hybrid_keys.py::test_the_context_is_that_of_the_suite",
        ),
    ),
    Rule(
        words="what goes to one peer at one moment is signed once, and each statement and receipt is proven alone",
        clauses=("1.18", "1.19", "6.3"),
        vectors=("batches.json", "receipts.json", "evidence.json"),
        code=("keys/primitives/batch.py::sign_batch", "keys/documents/receipts.py::SignedReceipts"),
        tests=(
            "unit/evidence/test_build.py::test_flaw_6_a_bundle_shows_nothing_of_another_conversation",
            "unit/keys/primitives/test_batch.py::test_the_path_tells_the_class_and_not_the_number",
        ),
    ),
    Rule(
        words="a link names the content, and two contents under one number are a portable proof",
        clauses=("3.6", "5.2", "7.15"),
        vectors=("numbers.json", "evidence.json"),
        code=(
            "keys/documents/statement.py::link_hash",
            "gateway/evidence/number_findings.py::prove_two_contents",
            "gateway/evidence/contradiction.py::find_contradiction",
        ),
        tests=(
            "unit/keys/documents/test_statement.py::test_flaw_10_two_contents_under_one_number_have_two_links",
            "integration/evidence/test_contradiction.py::test_the_alarm_gives_the_proof",
        ),
    ),
    Rule(
        words="roots of a version with a revoked root end nothing",
        clauses=("2.24",),
        vectors=("clauses.json",),
        code=("keys/documents/tombstone.py::accept_tombstone",),
        tests=("unit/keys/documents/test_tombstone.py::test_flaw_8_roots_that_were_revoked_end_nothing",),
    ),
    Rule(
        words="a push tells nobody who is a peer, and wakes only what waits for an active one",
        clauses=("9.4",),
        code=("gateway/node/federation_handlers.py::FederationHandlers",),
        tests=(
            "integration/federation/test_pushes.py::test_flaw_9_a_push_does_not_tell_who_is_a_peer",
            "integration/federation/test_pushes.py::test_flaw_9_a_push_wakes_only_what_waits_for_an_active_peer",
        ),
    ),
    Rule(
        words="encryption keys live three days, and nobody seals to one of four",
        clauses=("2.22", "2.23"),
        vectors=("keysets.json",),
        code=("keys/documents/keyset.py::Keyset", "keys/keystore/keyring.py::Keyring"),
        tests=(
            "unit/keys/documents/test_keyset.py::test_no_key_is_used_when_it_is_96_hours_old",
            "unit/keys/keystore/test_keyring.py::test_the_lives_of_encryption_keys_fit_together",
        ),
    ),
    Rule(
        words="what was destroyed opens with no copy of the disk, where its secret lies in a TPM or token",
        clauses=("13.2", "13.5"),
        code=("keys/keystore/generations.py::GenerationFile",),
        tests=(
            "unit/keys/keystore/test_generations.py::test_a_copied_disk_opens_nothing_that_was_replaced",
            "faults/test_copied_disk.py::test_a_copied_disk_with_the_wire_and_the_passphrase",
        ),
    ),
    Rule(
        words="evidence shows single fields, and nothing of the others can be proven or guessed",
        clauses=("3.12", "7.2"),
        vectors=("disclosure.json",),
        code=("keys/primitives/commitment.py::check_fields",),
        tests=(
            "property/test_commitment_property.py::test_every_choice_of_fields_is_proven",
            "unit/keys/primitives/test_commitment.py::test_a_guess_of_a_hidden_field_cannot_be_tried",
        ),
    ),
    Rule(
        words="who approves signs the hash of the change, which a second device prints from the object itself",
        clauses=("8.13", "8.15", "8.16"),
        vectors=("trust.json",),
        code=("gateway/console/exact_change.py::read_exact", "gateway/cli/trust/changes.py::show_change"),
        tests=(
            "unit/console/pages/test_trust.py::test_row_213_another_change_than_its_address_names_is_not_signed",
            "unit/cli/trust/test_changes.py::test_row_213_a_node_that_shows_another_change_is_noticed",
        ),
    ),
    Rule(
        words="a key service opens so much in a minute, and tells who asks for more",
        clauses=("13.6",),
        code=("keys/keystore/pace.py::Pace", "gateway/identity/key_pace.py::KeyPaceWatch"),
        tests=(
            "unit/keys/keystore/test_keyd.py::test_row_214_more_than_its_limit_is_busy",
            "integration/identity/test_key_pace.py::test_row_214_a_thief_at_the_socket_raises_an_alarm",
        ),
    ),
    Rule(
        words="a recorded request passes once, also where the clock is set",
        clauses=("9.13",),
        code=("gateway/federation/nonces.py::NonceCache",),
        tests=(
            "integration/federation/test_server.py::test_flaw_11_a_clock_that_is_set_and_set_back_admits_no_replay",
            "unit/federation/test_nonces.py::test_no_nonce_ever_passes_twice_within_its_life",
        ),
    ),
    Rule(
        words="what is not in the lists of labels, contexts and signed types is neither hashed, sealed nor signed",
        clauses=("1.7", "1.11"),
        vectors=("encodings.json",),
        code=("keys/primitives/domains.py::SIGNED",),
        tests=(
            "unit/keys/primitives/test_domains.py::test_what_is_not_listed_can_not_be_used",
            "unit/keys/primitives/test_domains.py::test_flaw_12_what_is_of_the_first_form_is_signed_no_more",
        ),
    ),
    Rule(
        words="a key record has the halves that its use demands, and enters its name with both",
        clauses=("2.4", "2.6"),
        vectors=("identity.json", "descriptors.json"),
        code=("keys/documents/key_records.py::KeyRecord",),
        tests=(
            "unit/keys/documents/test_key_records.py::test_what_is_listed_today_has_both_halves",
            "unit/keys/documents/test_log_signatures.py::test_one_half_is_no_signature",
        ),
    ),
    Rule(
        words="a unit names its kind, by which gates know it",
        clauses=("2.11",),
        vectors=("descriptors.json",),
        code=("gateway/foundation/ids.py::UnitKind",),
        tests=("unit/keys/documents/test_descriptor.py::test_units_are_read",),
    ),
    Rule(
        words="what was taken away comes back with no restore: a peer returns signed lists",
        clauses=("5.16", "13.15"),
        vectors=("taken.json",),
        code=("keys/documents/taken_list.py::TakenPage",),
        tests=("unit/keys/documents/test_taken_list.py::test_what_is_no_page",),
    ),
)


def document(root: Path) -> str:
    """The text of the page. Raises ValueError for a clause that no page has."""
    pages = {file.name: file.read_text(encoding="utf-8") for file in sorted((root / "docs" / "spec").glob("*.md"))}
    thefts = (f"| {loot} | {_listed(power.can)} | {_listed(power.never)} |\n" for loot, power in TABLE.items())
    return _HEAD + "".join(f"{_row(rule, pages)}\n" for rule in RULES) + _THEFTS + "".join(thefts)


def _listed(words: tuple[str, ...]) -> str:
    return "; ".join(words) or "nothing"


def _row(rule: Rule, pages: dict[str, str]) -> str:
    cells = (
        rule.words,
        ", ".join(_link(clause, pages) for clause in rule.clauses),
        ", ".join(f"[{name}](spec/vectors/{name})" for name in rule.vectors) or "none: no peer sees it",
        ", ".join(f"[{place.rpartition('::')[2]}](../{place.partition('::')[0]})" for place in rule.code),
        ", ".join(f"`{test}`" for test in rule.tests),
    )
    return f"| {' | '.join(cells)} |"


def _link(clause: str, pages: dict[str, str]) -> str:
    (page,) = (name for name, text in pages.items() if f'<a id="{clause}"></a>' in text)
    return f"[{clause}](spec/{page}#{clause})"
