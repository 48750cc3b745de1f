"""Where the secret of a key store can be destroyed: a TPM (swtpm) and a PKCS#11 token (SoftHSM) of the test's own.

Both come from the system (`.ci/run` installs them); where one is not there, its tests skip or fail as `lacking` says.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pkcs11
from support.patience import PATIENCE
from support.shared import lacking

from keys.keystore.destructible.places import Places, Token

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "271828"


class SoftTpm:
    """swtpm over a socket; its state lies in a folder, as that of a real one lies in its chip."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._state = folder, 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def tcti(self) -> str:
        """How it is reached."""
        return f"swtpm:path={self._folder / 'sock'}"

    @property
    def places(self) -> Places:
        """What a key service is told of it."""
        return Places(tpm=self.tcti)

    def start(self) -> None:
        """Switch it on, with what it held."""
        state, path = self._folder / str(self._state), self._folder / "sock"
        state.mkdir(exist_ok=True)
        options = [
            *("--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={path}.ctrl"),
            *("--server", f"type=unixio,path={path}", "--flags", "not-need-init,startup-clear"),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(["swtpm", "socket", "--tpm2", *options], stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while not (_listens(path.with_name("sock.ctrl")) and _listens(path)):
            assert time.monotonic() < end, (self._folder / "log").read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        """Take it away."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None
        for name in ("sock", "sock.ctrl"):
            (self._folder / name).unlink(missing_ok=True)

    def exchange(self) -> None:
        """Another one in its place, that never held anything."""
        self.stop()
        self._state += 1
        self.start()


def _listens(path: Path) -> bool:
    """Whether somebody takes connections there; the file of a socket is there a moment before."""
    with socket.socket(socket.AF_UNIX) as found:
        return found.connect_ex(str(path)) == 0


@contextmanager
def soft_tpm() -> Iterator[SoftTpm]:
    """A TPM for a while; its socket lies where the name is short enough for one."""
    if shutil.which("swtpm") is None or find_spec("tpm2_pytss") is None:
        lacking("no swtpm, or no tpm2-pytss (requirements-tpm.lock)")
    with TemporaryDirectory(prefix="tpm-") as folder:
        tpm = SoftTpm(Path(folder))
        try:
            yield tpm
        finally:
            tpm.stop()


class SoftToken:
    """A token of SoftHSM, initialised, with its PIN in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.label = "trm-test"
        self.pin_file = folder / "pin"
        self.pin_file.write_text(PIN + "\n")
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
        self.environment = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
        self._initialise()

    def _initialise(self) -> None:
        (self.folder / "tokens").mkdir()
        command = ["softhsm2-util", "--init-token", "--free", "--label", self.label, "--pin", PIN, "--so-pin", "0000"]
        subprocess.run(command, env={**os.environ, **self.environment}, check=True, capture_output=True)

    @property
    def places(self) -> Places:
        """What a key service is told of it."""
        return Places(token=Token(module=MODULE, label=self.label, pin_file=self.pin_file))

    def stop(self) -> None:
        """Take it away."""
        (self.folder / "tokens").rename(self.folder / "away")
        (self.folder / "tokens").mkdir()
        _look_again()

    def start(self) -> None:
        """Plug it in again."""
        (self.folder / "tokens").rmdir()
        (self.folder / "away").rename(self.folder / "tokens")
        _look_again()

    def exchange(self) -> None:
        """Another one with the same label and PIN, that never held anything."""
        (self.folder / "tokens").rename(self.folder / "former")
        self._initialise()
        _look_again()


def _look_again() -> None:
    """SoftHSM lists its tokens once for each process, where a real reader tells of a change."""
    pkcs11.lib(str(MODULE)).reinitialize()


@contextmanager
def soft_token() -> Iterator[SoftToken]:
    """A token for a while, also in this process."""
    if not MODULE.exists():
        lacking("no SoftHSM (softhsm2)")
    before = os.environ.get("SOFTHSM2_CONF")
    with TemporaryDirectory(prefix="hsm-") as folder:
        token = SoftToken(Path(folder))
        os.environ |= token.environment
        _look_again()
        try:
            yield token
        finally:
            if before is None:
                del os.environ["SOFTHSM2_CONF"]
            else:
                os.environ["SOFTHSM2_CONF"] = before
                _look_again()
