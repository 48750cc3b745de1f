"""`trm person` on a running node: invited, approved, listed, changed, vouched for, ended."""

from __future__ import annotations

import json


def test_the_life_of_a_person(federation, people):
    """The code alone on standard output, once; the list has everything but secrets; a name is enough to find her."""
    fr, ana, ben = federation.fr, people.signed(0), people.signed(1)
    made = fr.trm("person", "add", "Eva M.", "--role", "case_worker", "--language", "fr", *ana)
    assert made.exit_code == 0, made.stderr
    code = made.stdout.strip()
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4, 4, 4, 2]
    assert "for Eva M. alone" in made.stderr and "until local.listen is set" in made.stderr
    assert "trm:   name: Eva M." in made.stderr and "trm:   roles: case_worker" in made.stderr
    again = fr.trm("person", "add", "eva  m.", "--role", "auditor")
    assert (again.exit_code, "this name already" in again.stderr) == (1, True)
    listed = fr.trm("person", "list")
    assert "Eva M." in listed.stdout and "Ana B." in listed.stdout
    assert code not in listed.stdout
    bound = fr.trm("person", "change", "Eva M.", "--role", "case_worker", "--unit", "focal-point", "--json")
    assert json.loads(bound.stdout)["unit"] == "focal-point"
    freed = fr.trm("person", "change", "Eva M.", "--no-unit", *ana, "--json")
    shown = json.loads(freed.stdout)
    assert (shown["unit"], shown["roles"], shown["code"]) == (None, ["case_worker"], None)
    other = fr.trm("person", "invite", shown["id"], "--instead", *ana)
    assert other.stdout.strip() not in ("", code)
    vouched = fr.trm("person", "vouch", "Eva M.", *ben, "--json")
    assert json.loads(vouched.stdout)["vouched"] == ["Ana B.", "Ben C."]
    assert fr.trm("person", "sign-out", "Eva M.").exit_code == 0
    ended = fr.trm("person", "end", "Eva M.")
    assert ended.stdout == "Eva M. is ended: case_worker\n"
    for words in (("end",), ("invite",), ("change",), ("sign-out",), ("vouch", *ana), ("approve", *ana)):
        gone = fr.trm("person", words[0], "Eva M.", *words[1:])
        assert (gone.exit_code, "nobody who works here" in gone.stderr) == (1, True)


def test_what_was_asked_is_approved_later(federation, people):
    """Without a key file nothing is given and nothing printed but what waits; another verb signs exactly that."""
    fr = federation.fr
    asked = fr.trm("person", "add", "Tom", "--role", "focal_point")
    assert asked.stdout.startswith("Tom is asked: focal_point\nwaits for an administrator: person.enrol, until ")
    assert "trm person approve" in asked.stderr
    given = fr.trm("person", "approve", "Tom", *people.signed(1))
    assert (given.exit_code, len(given.stdout.strip().split("-"))) == (0, 7)
    nothing = fr.trm("person", "approve", "Tom", *people.signed(1))
    assert (nothing.exit_code, "nothing waits" in nothing.stderr) == (1, True)
    fr.trm("person", "end", "Tom")


def test_a_key_file_that_does_not_open_asks_nothing(federation, people, tmp_path):
    """Nobody waits for a word that was never given."""
    (tmp_path / "wrong").write_text("another secret")
    key = people.signed(0)[1]
    refused = federation.fr.trm(
        *("person", "add", "Uma", "--role", "case_worker", "--as", key),
        *("--admin-passphrase-file", str(tmp_path / "wrong")),
    )
    assert refused.exit_code == 1
    assert "Uma" not in federation.fr.trm("person", "list").stdout


def test_wrong_usage(federation):
    """A role of a case system, no role, two words about the unit, nobody who signs."""
    fr = federation.fr
    for words in (
        ("add", "Tom", "--role", "adapter"),
        ("add", "Tom"),
        ("change", "Tom", "--unit", "x", "--no-unit"),
        ("vouch", "Tom"),
        ("approve", "Tom"),
    ):
        assert fr.trm("person", *words).exit_code == 2
    assert fr.trm("person", "add", "Tom", "--role", "auditor", "--unit", "elsewhere").exit_code == 1
