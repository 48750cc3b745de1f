"""gateway.foundation.process: what the kernel promises to a process that holds keys (nrm1 13.7)."""

from __future__ import annotations

import subprocess
import sys

from support.house import ROOT

HARDENED = """
import json, os, sys
from dataclasses import asdict
from gateway.foundation import process
before = process.standing()
process.harden()
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
owner = os.stat("/proc/self/mem").st_uid
print(json.dumps([asdict(before), asdict(process.standing()), status["NoNewPrivs"].strip(), owner]))
"""


def told() -> list:
    """A process of its own: before, after, and what the kernel says."""
    import json

    ran = subprocess.run([sys.executable, "-c", HARDENED], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_a_process_is_closed() -> None:
    """No core, not dumpable, no new privileges; its memory belongs to root, so that its own user can not read it."""
    before, after, no_new, owner = told()
    assert not before["not_dumpable"]
    assert [after[name] for name in ("no_core", "not_dumpable", "no_new_privileges")] == [True] * 3
    assert (no_new, owner) == ("1", 0)


def test_every_verb_is_hardened_first() -> None:
    """The command line asks for it before it reads anything."""
    words = """
import gateway.cli.root, gateway.foundation.process
try:
    gateway.cli.root.trm.main(["--version"])
except SystemExit:
    print(gateway.foundation.process.standing())
"""
    ran = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "not_dumpable=True, no_new_privileges=True" in ran.stdout
