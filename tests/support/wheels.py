"""The program as a wheel in an environment of its own: what somebody has who has no source."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.house import ROOT

_BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
_WHERE = "import gateway, schemas; print(gateway.__file__, schemas.__file__)"


class InstalledWheel:
    """An environment with the wheel, and with everything that it depends on from where the tests have it."""

    def __init__(self, folder: Path) -> None:
        """Build the wheel, and make the environment below `folder`."""
        built = self._run([sys.executable, "-c", _BUILD, str(folder)], where=ROOT)
        site = folder / "site"
        with zipfile.ZipFile(folder / built.split()[-1]) as archive:
            archive.extractall(site)
        venv.create(folder / "venv", symlinks=True)
        self._python = folder / "venv" / "bin" / "python"
        packages = self._run([str(self._python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        # Folders only: the link to the tree that an editable install left in the second one is not followed.
        lines = f"{site}\n{sysconfig.get_path('purelib')}\n"
        (Path(packages.strip()) / "wheel.pth").write_text(lines, encoding="utf-8")
        for found in self._run([str(self._python), "-c", _WHERE], where=folder).split():
            assert Path(found).is_relative_to(site), f"{found} is not of the wheel"

    def trm(
        self, words: Sequence[str], *, where: Path, env: Mapping[str, str] | None = None, timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run one verb in a folder."""
        return subprocess.run(
            [self._python, "-m", "gateway.cli", *words],
            cwd=where,
            env={"PATH": os.environ["PATH"], **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def _run(self, command: Sequence[str], where: Path | None = None) -> str:
        env = {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, cwd=where, env=env, check=True, capture_output=True, text=True, timeout=300)
        return done.stdout
