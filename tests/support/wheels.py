"""The program as a wheel, built from the tree and unpacked: what somebody has who has no source."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.house import ROOT

_BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
_RUN = """import sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if path != sys.argv[2]), sys.argv[3]]
sys.argv[:] = ["trm", *sys.argv[4:]]
import gateway, schemas
for package in (gateway, schemas):
    assert package.__file__.startswith(sys.path[0]), package.__file__
from gateway.cli import main
main()
"""
"""Runs `trm` with the packages of the wheel, and everything that it needs from where the tests have it."""


class Unpacked:
    """A wheel in a folder, with everything that it depends on, and without the tree from which it was built."""

    def __init__(self, folder: Path) -> None:
        """Build the wheel and unpack it below `folder`."""
        built = subprocess.run(
            [sys.executable, "-c", _BUILD, str(folder)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.site = folder / "site"
        with zipfile.ZipFile(folder / built.stdout.split()[-1]) as archive:
            archive.extractall(self.site)

    def trm(
        self, words: Sequence[str], *, where: Path, env: Mapping[str, str] | None = None, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run one verb in a folder."""
        packages = sysconfig.get_path("purelib")
        # -I -S: neither this folder, nor the environment, nor the link to the tree that an editable install left
        command = [sys.executable, "-I", "-S", "-c", _RUN, str(self.site), str(ROOT), packages, *words]
        given = {"PATH": os.environ["PATH"], **(env or {})}
        return subprocess.run(
            command, cwd=where, env=given, capture_output=True, text=True, timeout=timeout, check=False
        )
