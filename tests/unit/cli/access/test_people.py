"""`trm person` on a running node: invited, listed, changed, ended."""

from __future__ import annotations

import json


def test_the_life_of_a_person(federation):
    """The code alone on standard output, once; the list has everything but secrets; a name is enough to find her."""
    fr = federation.fr
    made = fr.trm("person", "add", "Eva M.", "--role", "case_worker", "--language", "fr")
    assert made.exit_code == 0, made.stderr
    code = made.stdout.strip()
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4, 4, 4, 2]
    assert "for Eva M. alone" in made.stderr and "until local.listen is set" in made.stderr
    again = fr.trm("person", "add", "Eva M.", "--role", "auditor")
    assert (again.exit_code, "this name already" in again.stderr) == (1, True)
    listed = fr.trm("person", "list")
    assert "Eva M." in listed.stdout
    assert code not in listed.stdout
    changed = fr.trm("person", "change", "Eva M.", "--role", "case_worker", "--unit", "focal-point", "--json")
    assert json.loads(changed.stdout)["unit"] == "focal-point"
    freed = fr.trm("person", "change", "Eva M.", "--no-unit", "--json")
    shown = json.loads(freed.stdout)
    assert (shown["unit"], shown["roles"]) == (None, ["case_worker"])
    other = fr.trm("person", "invite", shown["id"], "--instead")
    assert other.stdout.strip() not in ("", code)
    assert fr.trm("person", "sign-out", "Eva M.").exit_code == 0
    ended = fr.trm("person", "end", "Eva M.")
    assert ended.stdout == "Eva M. is ended: case_worker\n"
    for verb in ("end", "invite", "change", "sign-out"):
        gone = fr.trm("person", verb, "Eva M.")
        assert (gone.exit_code, "nobody who works here" in gone.stderr) == (1, True)


def test_wrong_usage(federation):
    """A role of a case system, no role, two words about the unit."""
    fr = federation.fr
    for words in (
        ("add", "Tom", "--role", "adapter"),
        ("add", "Tom"),
        ("change", "Tom", "--unit", "x", "--no-unit"),
    ):
        assert fr.trm("person", *words).exit_code == 2
    assert fr.trm("person", "add", "Tom", "--role", "auditor", "--unit", "elsewhere").exit_code == 1
