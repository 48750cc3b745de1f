"""`trm send` with several files: each is sent for itself, in calls of 64, and once under its key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.desks import enquiry

from gateway.cli.messages import sending


def files(folder: Path, *names: str) -> list[str]:
    """An enquiry in a file of each name."""
    for name in names:
        (folder / name).write_text(json.dumps(enquiry("AL")), encoding="utf-8")
    return [str(folder / name) for name in names]


def test_each_file_has_its_line(federation, tmp_path):
    """As many as two calls take, in the order of the command; the ids are those of messages that were stored."""
    paths = files(tmp_path, *(f"{number:02}.json" for number in range(70)))
    ran = federation.fr.trm("send", *paths)
    assert ran.exit_code == 0, ran.stderr
    *lines, last = [line.split("  ") for line in ran.stdout.splitlines()]
    assert ([line[0] for line in lines], {line[2] for line in lines}) == (paths, {"queued"})
    assert last == ["70 stored, 0 refused"]
    shown = federation.fr.trm("message", "show", lines[69][1], "--json")
    assert json.loads(shown.stdout)["type"] == "enquiry.capacity/1"


def test_one_that_is_refused_keeps_no_other_back(federation, tmp_path):
    """Its line says so, what stands in the way and what to do is on standard error, and the exit code is 1."""
    first, bad, last = files(tmp_path, "first.json", "bad.json", "last.json")
    draft = enquiry("AL")
    draft["content"]["age_group"] = "SECRETVALUE"
    Path(bad).write_text(json.dumps(draft), encoding="utf-8")
    ran = federation.fr.trm("send", first, bad, last)
    assert ran.exit_code == 1
    assert [line.split("  ")[0] for line in ran.stdout.splitlines()] == [first, bad, last, "2 stored, 1 refused"]
    assert f"{bad}  refused  gate_g11" in ran.stdout
    assert ran.stderr.splitlines()[0] == f"trm: error: {bad}: refused by gate_g11; nothing was sent"
    assert "  /content/age_group: unknown_code" in ran.stderr and "SECRETVALUE" not in ran.stderr
    told = federation.fr.trm("send", first, bad, last, "--json")
    assert told.exit_code == 1
    items = json.loads(told.stdout)["items"]
    assert [(item["file"], "refused" in item) for item in items] == [(first, False), (bad, True), (last, False)]


def test_a_repeated_command_sends_what_is_new(federation, tmp_path):
    """Under the same key a file goes once, wherever it stands among the others; one that was changed is refused."""
    paths = files(tmp_path, "b.json", "c.json")

    def sent(*given: str) -> dict[str, str]:
        ran = federation.fr.trm("send", *given, "--key", f"run of {tmp_path.name}", "--json")
        items = json.loads(ran.stdout)["items"]
        return {item["file"]: item["submitted"]["id"] if "submitted" in item else "refused" for item in items}

    first = sent(*paths)
    again = sent(*files(tmp_path, "a.json"), *paths)
    assert {path: again[path] for path in paths} == first and len({*again.values()}) == 3
    changed = enquiry("AL")
    changed["header"]["priority"] = "urgent"
    Path(paths[0]).write_text(json.dumps(changed), encoding="utf-8")
    assert sent(*paths) == {paths[0]: "refused", paths[1]: first[paths[1]]}


def test_none_is_sent_where_one_can_not_be_read(federation, tmp_path):
    """A file that is not there, or is no draft by its form, is found before the first call."""
    (good,) = files(tmp_path, "good.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")

    def newest() -> list[str]:
        listed = json.loads(federation.fr.trm("message", "list", "--out", "--limit", "1", "--json").stdout)
        return [item["id"] for item in listed["messages"]]

    before = newest()
    for bad in (tmp_path / "none.json", broken):
        ran = federation.fr.trm("send", good, str(bad))
        assert (ran.exit_code, ran.stdout) == (1, "") and "nothing was done" in ran.stderr
    assert newest() == before


def test_a_file_named_twice_goes_once(federation, tmp_path):
    """As it would with a key."""
    one, other = files(tmp_path, "one.json", "other.json")
    ran = federation.fr.trm("send", one, other, one)
    assert ran.stdout.splitlines()[-1] == "2 stored, 0 refused"


def test_what_waits_for_a_second_person_is_told(federation, tmp_path):
    """Also where several are sent."""
    ran = federation.fr.trm("send", *files(tmp_path, "a.json", "b.json"), "--two-people")
    assert ran.exit_code == 0, ran.stderr
    assert [line.split("  ")[2] for line in ran.stdout.splitlines()[:2]] == ["waiting_second"] * 2
    assert "a different person has to release it too" in ran.stderr


def test_files_go_with_one_message(federation, tmp_path):
    """Whose they are would not be known."""
    ran = federation.fr.trm("send", *files(tmp_path, "a.json", "b.json"), "--attach", str(tmp_path / "a.json"))
    assert (ran.exit_code, ran.stdout) == (2, "")


def test_a_call_is_no_larger_than_the_node_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Large drafts are divided by their bytes, small ones by their number, none is lost and the order stays."""
    monkeypatch.setattr(sending, "BATCH_LIMIT", sending.ROOM + 10_000)
    items = [
        sending._Item(file=tmp_path / str(n), key=f"k{n}", draft={"text": "x" * (3_000 if n < 6 else 1)})
        for n in range(140)
    ]
    calls = list(sending._in_calls(items))
    assert [item for call in calls for item in call] == items
    assert max(sum(item.size for item in call) for call in calls) <= 10_000
    assert (len(calls), len(calls[0]), max(map(len, calls))) == (4, 3, 64)
