"""Settings are read once and strictly: what is not understood stops the start and is named by its path."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Code, RefusedError
from gateway.foundation import config

GOOD = """
[node]
name = "FR"
country = "FR"

[federation]
listen = "127.0.0.1:8443"

[[units]]
id = "focal-point"
name = "Focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""


def written(folder: Path, text: str) -> Path:
    """A node folder with these settings."""
    folder.mkdir(exist_ok=True)
    (folder / "node.toml").write_text(text, encoding="utf-8")
    return folder


def refused(code: Code) -> pytest.RaisesExc[RefusedError]:
    """Expect a RefusedError with this code."""
    return pytest.RaisesExc(RefusedError, check=lambda error: error.code is code)


def test_the_needed_settings_are_enough(tmp_path: Path):
    """Everything else has its documented default."""
    found = config.load(written(tmp_path, GOOD))
    assert (found.node.demo, found.adapter, found.storage.epoch_days, found.log.level) == (False, None, 7, "info")
    assert (found.local.listen, found.node.region) == (None, "tact")
    assert (found.duty.contacts, found.duty.quiet.spans, found.duty.step) == ((), (), None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD + "\n[nod]\nname='x'\n", "nod"),
        (GOOD.replace('country = "FR"', 'country = "FR"\ncuontry = "FR"'), "node.cuontry"),
        (GOOD + 'sort = "x"\n', "units.0.sort"),
        (GOOD + '\n[duty]\nquiet_hours = "at night"\n', "duty.quiet_hours"),
        (GOOD + '\n[duty]\ncontacts = ["Ana Doe"]\n', "duty.contacts.0"),
        (GOOD + "\n[duty]\nescalation_minutes = 0\n", "duty.escalation_minutes"),
        (GOOD + "\n[storage]\nepoch_days = 8\n", "storage.epoch_days"),
        (GOOD + "\n[storage]\nepoch_days = 0\n", "storage.epoch_days"),
        (GOOD + '\n[local]\nlisten = "0.0.0.0:1"\n', "local.listen"),
        (GOOD + '\n[local]\nlisten = "example.org:80"\n', "local.listen"),
        (GOOD.replace("127.0.0.1:8443", "8443"), "federation.listen"),
        (GOOD.replace(':8443"', ':8443"\nproxy_protocol = ["10.0.0.1/8"]'), "federation.proxy_protocol.0"),
        (GOOD + '\n[proxy]\nurl = "https://proxy.example:3128"\n', "proxy.url"),
        (GOOD + '\n[proxy]\nurl = "http://proxy.example:65536"\n', "proxy.url"),
        (GOOD + '\n[proxy]\nurl = "http://trm:word@proxy.example:3128"\n', "proxy.url"),
        (GOOD + '\n[proxy]\nurl = "http://proxy.example:3128"\nuser = "trm"\n', "proxy"),
        (GOOD + '\n[proxy]\nurl = "http://proxy.example:3128"\ndirect = ["10.0.0.1/8"]\n', "proxy.direct"),
        (GOOD + '\n[proxy]\nurl = "http://proxy.example:3128"\ndirect = ["*.example"]\n', "proxy.direct.0"),
        (GOOD.replace('"FR"\n\n', '"france"\n\n').replace('country = "france"', 'country = "Fr"'), "node.country"),
        (GOOD.replace('name = "FR"', 'name = "a/b"'), "node.name"),
        (GOOD.replace("public_authority", "club"), "units.0.kind"),
        (GOOD.replace('["national_focal_point"]', "[]"), "units.0.roles"),
        (GOOD.replace("focal-point", "Focal Point"), "units.0.id"),
        (GOOD[: GOOD.index("[[units]]")], "units"),
        (GOOD[GOOD.index("[federation]") :], "node"),
        (GOOD + '\n[adapter]\nkind = "a fax"\n', "adapter.kind"),
        (GOOD + '\n[adapter]\nkind = "folder"\npoll_seconds = 0\n', "adapter.poll_seconds"),
        (GOOD + '\n[log]\nlevel = "all"\n', "log.level"),
        (GOOD.replace('country = "FR"', 'country = "FR"\nregion = "At lantis"'), "node.region"),
    ],
)
def test_a_fault_is_named_by_its_path(tmp_path: Path, text: str, place: str):
    """Unknown, missing and wrong settings alike; nothing is started."""
    with refused(Code.INVALID) as caught:
        config.load(written(tmp_path, text))
    assert [place] == [finding.place for finding in caught.value.findings]


def test_every_fault_is_told_at_once(tmp_path: Path):
    """A person mends the file once."""
    with refused(Code.INVALID) as caught:
        config.load(written(tmp_path, GOOD + '\n[log]\nlevel = "all"\n[storage]\nepoch_days = 99\n'))
    assert {"log.level", "storage.epoch_days"} == {finding.place for finding in caught.value.findings}


def test_a_refusal_never_repeats_a_value(tmp_path: Path):
    """A passphrase typed into the wrong line is not printed."""
    with refused(Code.INVALID) as caught:
        config.load(written(tmp_path, GOOD + '\n[log]\nlevel = "tulip-canary"\n'))
    assert "tulip-canary" not in f"{caught.value} {caught.value.hint} {caught.value.findings}"


@pytest.mark.parametrize("text", ["[node", "node = 1", "\ufeff[node]", "a = '\x01'"])
def test_what_is_no_settings_file_is_refused(tmp_path: Path, text: str):
    """Broken TOML, or TOML of another shape."""
    with refused(Code.INVALID):
        config.load(written(tmp_path, text))


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path):
    """No folder, no file, no UTF-8."""
    with refused(Code.NOT_FOUND):
        config.load(tmp_path / "nowhere")
    (tmp_path / "node.toml").write_bytes(b"\xff\xfe")
    with refused(Code.INVALID):
        config.load(tmp_path)


# --- passphrase and folder ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "secret"), [("pw", "pw"), ("pw\n", "pw"), ("pw\r\n", "pw"), (" p w \n", " p w ")])
def test_a_passphrase_file_is_read_as_it_is(tmp_path: Path, content: str, secret: str):
    """One line end is not part of it; blanks are."""
    (tmp_path / "p").write_bytes(content.encode())
    assert config.passphrase(tmp_path / "p") == secret


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n"])
def test_an_empty_passphrase_is_refused(tmp_path: Path, content: bytes):
    """Nothing, or nothing but a line end."""
    (tmp_path / "p").write_bytes(content)
    with refused(Code.INVALID):
        config.passphrase(tmp_path / "p")


def test_a_passphrase_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No file, no UTF-8, no credential; never a question on the terminal."""
    monkeypatch.delenv(config.CREDENTIALS_VARIABLE, raising=False)
    with refused(Code.INVALID):
        config.passphrase(None)
    with refused(Code.NOT_FOUND):
        config.passphrase(tmp_path / "nowhere")
    (tmp_path / "p").write_bytes(b"\xff")
    with refused(Code.INVALID):
        config.passphrase(tmp_path / "p")


def test_the_systemd_credential_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a file, the credential of the service manager."""
    monkeypatch.setenv(config.CREDENTIALS_VARIABLE, str(tmp_path))
    (tmp_path / config.PASSPHRASE_CREDENTIAL).write_text("from systemd\n")
    assert config.passphrase(None) == "from systemd"


def test_the_node_folder_comes_from_option_or_variable(monkeypatch: pytest.MonkeyPatch):
    """The option wins; with neither, the caller learns both ways."""
    monkeypatch.setenv(config.NODE_VARIABLE, "/from/variable")
    assert config.node_folder("/from/option") == Path("/from/option")
    assert config.node_folder(None) == Path("/from/variable")
    monkeypatch.delenv(config.NODE_VARIABLE)
    with refused(Code.INVALID) as caught:
        config.node_folder(None)
    assert config.NODE_VARIABLE in caught.value.hint
