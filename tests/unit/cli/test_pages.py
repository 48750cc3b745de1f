"""The help of every verb: complete, quick, and the same in the documentation."""

from __future__ import annotations

import subprocess
import sys
from inspect import cleandoc
from pathlib import Path

from support.desks import run
from support.house import ROOT
from support.tables import table

from gateway.cli.pages import list_help_texts, list_verbs, render_page
from gateway.cli.root import VERBS, trm

LEAVES = dict(list_verbs())


@table("path", LEAVES)
def test_every_verb_has_an_example(path):
    """The help of a verb shows how it is called."""
    assert "\b\nExample" in cleandoc(LEAVES[path].help or "")


def test_every_reading_verb_has_json():
    """A verb that shows something shows it to programs as well."""
    silent = {"trm init", "trm admin new", "trm peer scope", "trm send", "trm evidence export", "trm node pairing"}
    silent |= {"trm attachment save", "trm audit content", "trm login", "trm logout"}
    silent |= {
        "trm audit export",
        "trm backup key new",
        "trm adapter new",
        "trm sheet new",
        "trm words export",
        "trm region new",
    }  # what it makes is a file
    silent |= {"trm demo"}
    silent |= {f"trm keys {verb}" for verb in ("rotate", "revoke", "recover", "proof export", "invite")}
    silent |= {f"trm keys {verb}" for verb in ("root new", "root sign", "tombstone request", "tombstone seal")}
    without = {
        path for path, command in LEAVES.items() if all("--json" not in parameter.opts for parameter in command.params)
    }
    assert without <= silent


def test_the_verbs_of_the_design_are_there():
    """Every verb that the design names for this release can be called."""
    expected = """init serve keyd doctor database+status database+move database+contract
        keys+list keys+rotate-epoch peer+add peer+code peer+verify peer+list peer+show
        peer+scope peer+approve peer+narrow peer+widen peer+renew
        admin+new admin+list admin+enrol admin+retire admin+approve admin+withdraw
        clock+show clock+confirm clock+reset clock+approve
        case+list case+find case+assign case+flag case+unflag
        case+show case+open case+label case+hand-over case+relate case+join case+merge case+split
        case+move case+confirm case+undo case+consents case+withdraw case+withdrawals case+course
        case+status case+role case+block case+unblock case+hold case+release case+erase case+copy
        keys+machines keys+invite keys+join keys+retire
        keys+rotate keys+move keys+revoke keys+publish keys+recover keys+root+new keys+root+show keys+root+sign
        keys+tombstone+request keys+tombstone+seal keys+proof+export keys+proof+verify peer+tombstone
        message+reviews message+reviewed
        peer+suspend peer+resume peer+revoke peer+ping send
        attachment+add attachment+list attachment+save attachment+discard attachment+move
        draft+list draft+show draft+add draft+change draft+release draft+discard
        message+list message+show message+ack message+open message+resend message+cancel conversation+list
        conversation+show conversation+contact
        consent+record consent+list consent+show consent+withdraw consent+unconfirmed consent+confirm
        evidence+export evidence+verify
        audit+list audit+reads audit+cases audit+case
        audit+show audit+verify audit+export alert+list alert+acknowledge alert+review
        case+grounds audit+content audit+reasons
        asylum+apart asylum+hold asylum+lift asylum+list
        erase erasure+list erasure+follow erasure+refuse
        retention+run retention+hold retention+release retention+list
        schema+list schema+show schema+check mapping+check mapping+dates mapping+preview
            adapter+list adapter+check adapter+new adapter+prepare alarm+list
        alarm+dismiss node+show node+status node+workers node+pairing
            node+maintenance+on node+maintenance+off node+maintenance+show
        diagnostics webhook+new webhook+list token+new token+list token+revoke
        person+add person+list person+change person+invite person+vouch person+approve person+sign-out
            person+end login whoami logout demo
        region+new region+check region+install region+list
        procedure+list procedure+show statistics+make statistics+show statistics+draft
        htcds+import htcds+export sheet+new
        directory+search directory+show directory+own directory+publish guidance+list guidance+search guidance+show
            guidance+country guidance+check words+export words+import
        change+show
        policy+show policy+diff policy+adopt policy+upgrade policy+approve policy+upgrade policy+preview draft+preview
        backup+make backup+verify backup+key+new restore peer+reset-link peer+accept-reset"""
    assert {f"trm {name.replace('+', ' ')}" for name in expected.split()} == LEAVES.keys()


def test_the_page_is_what_the_program_prints():
    """docs/cli.md holds every help text; ./dev docs renews it."""
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == render_page()


def test_no_help_line_is_too_wide():
    """Help fits a terminal of 120 columns."""
    assert [line for _, text in list_help_texts() for line in text.splitlines() if len(line) > 120] == []


def test_the_list_of_verbs_loads_nothing_heavy():
    """`trm --help` imports neither the database, nor cryptography, nor rich."""
    code = (
        "import sys; sys.argv = ['trm', '--help']\nfrom gateway.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    )
    code += "print('LOADED', sorted({'sqlalchemy', 'nacl', 'cryptography', 'rich', 'aiohttp'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "LOADED []"


def test_the_summary_of_a_verb_is_listed():
    """`trm --help` lists each verb with its line, in the order of a node's life."""
    shown = run("--help").stdout
    assert [name for name in VERBS if f"  {name} " not in shown] == []


def test_the_version_is_printed():
    """`trm --version` names the distribution's version."""
    assert run("--version").stdout.startswith("trm ")


def test_an_unknown_verb_is_wrong_usage():
    """A misspelt verb exits 2 and names the way to help."""
    ran = run("frobnicate")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1] == "trm: hint: trm --help shows how it is used"


def test_the_module_is_the_command():
    """`python -m gateway.cli` behaves as `trm`."""
    ran = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "x"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert Path(trm.name or "").name == "trm"
