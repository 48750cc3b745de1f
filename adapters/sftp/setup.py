"""What a drop folder on a server needs: a key for the account, what the administrator of the server does, a sample.

The host key is never believed because the network showed it: it stands in the settings only where a person gave it.
Looking logs in as the gateway does, and writes and removes one empty hidden file in each folder.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.kit.setup.needs import Need, met, missing
from adapters.kit.setup.plan import SAMPLE, SECTION, Asked, Plan, quoted, sample_draft
from gateway.errors import Code, GatewayError, RefusedError

if TYPE_CHECKING:
    from adapters.sftp.connection import Server

KEY, PUBLIC, SERVER, SSHD, KNOWN = "sftp.key", "sftp.key.pub", "server-setup.sh", "sshd.conf", "known_hosts"
FIRST = "first.sftp"
CHROOT = "/srv/drop-chroot"
ROOT = "drop"


async def plan(asked: Asked, folders: Sequence[str]) -> Plan:
    """Plan a key of the account, the script and the part of sshd's settings for the server, and a sample."""
    host, user = asked.setting("host"), asked.setting("user")
    port, root = asked.given.get("port", "22"), asked.given.get("root", ROOT)
    _require_plain(host, user, port, root)
    key, public = _new_key(asked)
    name = host if port == "22" else f"[{host}]:{port}"
    put = f"{root}/outgoing/.first.tmp"
    files: dict[str, str | bytes] = {
        **key,
        SERVER: _server_setup(user, root, public, folders),
        SSHD: _sshd_part(user),
        SAMPLE: json.dumps(sample_draft(asked.recipient, asked.today), ensure_ascii=False, indent=2) + "\n",
        FIRST: f"put {asked.path(SAMPLE)} {put}\nrename {put} {root}/outgoing/first.json\n",
    }
    if "host_key" in asked.given:
        files[KNOWN] = f"{name} {asked.given['host_key']}\n"
    own = {"key_file": asked.path(KEY), "root": root, "journal": asked.path("sftp.db")}
    ask = (
        "ask the administrator, by another way than the network, for the line of the server's host key, and write it "
        f"into {asked.path(SECTION)} as host_key, and behind '{name} ' into {asked.path(KNOWN)}"
    )
    known = f"-o UserKnownHostsFile={quoted(asked.path(KNOWN))}"
    return Plan(
        files=files,
        settings={name: value for name, value in own.items() if name not in asked.given},
        open={"host_key": "the line of /etc/ssh/ssh_host_ed25519_key.pub of the server, from its administrator"},
        steps=[
            f"give {SERVER} and {SSHD} of {asked.folder} to the administrator of the server: the first is run there "
            "as root, the second goes to /etc/ssh/sshd_config.d/; then: systemctl reload ssh",
            *([] if "host_key" in asked.given else [ask]),
            asked.check,
            asked.into_node(),
            f"drop the sample: sftp -b {quoted(asked.path(FIRST))} -i {quoted(asked.path(KEY))} -P {port} {known} "
            f"{user}@{host}",
        ],
    )


def _require_plain(*words: str) -> None:
    """Refuse words that would mean something else in a script of a shell or in the settings of sshd."""
    if not all(word and all(each.isascii() and (each.isalnum() or each in "._-:/") for each in word) for word in words):
        raise RefusedError(
            Code.INVALID, "host, user, port or root is not plain; nothing was made", hint="letters, digits, . _ - : /"
        )


def _new_key(asked: Asked) -> tuple[dict[str, str | bytes], str]:
    """Return a new key as files, or none where one is there or was named; and its public line for the server."""
    named = Path(asked.given.get("key_file", asked.path(KEY)))
    try:
        import asyncssh
    except ImportError as exc:
        hint = "install trm-gateway[sftp]"
        raise RefusedError(Code.INVALID, "nothing is installed for SFTP; nothing was made", hint=hint) from exc
    if named.exists():
        try:
            return {}, asyncssh.read_private_key(named).export_public_key().decode().strip()
        except (asyncssh.KeyImportError, OSError) as exc:
            what = "the key file is none that SSH knows; nothing was made"
            raise RefusedError(Code.INVALID, what, hint="name a key without a passphrase") from exc
    key = asyncssh.generate_private_key("ssh-ed25519", comment="trm-gateway")
    public = key.export_public_key().decode().strip()
    return {KEY: key.export_private_key(), PUBLIC: f"{public}\n"}, public


def _server_setup(user: str, root: str, public: str, folders: Sequence[str]) -> str:
    """Write the script for the server: an account that can do nothing but SFTP below one folder."""
    home = f"{CHROOT}/{user}"
    names = " ".join(f"{home}/{root}/{name}".replace("//", "/") for name in folders)
    top = f"{home}/{root}".rstrip("/")
    return f"""#!/bin/sh
# Run as root on the server. It makes an account for the gateway and its drop folder; what is there stays as it is.
set -eu
# The password '*' lets nobody in and, unlike none at all, does not lock the account for sshd without PAM.
id {user} >/dev/null 2>&1 || \\
  useradd --system --password '*' --home-dir {home} --no-create-home --shell /usr/sbin/nologin {user}
install -d -o root -g root -m 755 {CHROOT} {home} /etc/ssh/authorized_keys.d
for folder in {top} {names}; do
  [ -d "$folder" ] || install -d -o {user} -g {user} -m 700 "$folder"
done
keys=/etc/ssh/authorized_keys.d/{user}
grep -qF '{public}' "$keys" 2>/dev/null || echo 'restrict {public}' >> "$keys"
chmod 644 "$keys"
"""


def _sshd_part(user: str) -> str:
    """Write the part of sshd_config that shuts the account in."""
    return f"""Match User {user}
  ChrootDirectory {CHROOT}/{user}
  ForceCommand internal-sftp
  AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u
  AuthenticationMethods publickey
  AllowTcpForwarding no
  X11Forwarding no
  PermitTunnel no
"""


async def look_at_server(server: Server, root: str, folders: Sequence[str]) -> AsyncIterator[Need]:
    """Log in, then write and remove an empty file in each folder; a server that is another one is told and left."""
    try:
        async with server.open(root) as remote:
            yield met("server and its host key")
            yield met(f"account {server.user}")
            present = [name for name in folders if await remote.has(name)]
    except GatewayError as error:
        yield missing("server", "not_usable", f"{error.what}. {error.hint}".rstrip(". "), _command(error, server))
        return
    for name in folders:
        place, path = f"folder {name}", f"{root}/{name}".lstrip("/")
        if name not in present:
            command = f"echo 'mkdir {path}' | sftp -i {quoted(server.key)} -P {server.port} {server.user}@{server.host}"
            yield missing(place, "missing_folder", "make it on the server, closed to others", command)
            continue
        try:
            async with server.open(root) as remote:
                await remote.write(f"{name}/.check.part", b"")
                await remote.remove(f"{name}/.check.part")
        except GatewayError:
            hint = "the account has to be able to make and remove files there, on the server"
            yield missing(place, "not_writable", hint, f"chown {server.user} {path} && chmod 700 {path}")
            continue
        yield met(place)


def _command(error: GatewayError, server: Server) -> str:
    """Name the command by which a person compares the host key, on the server itself."""
    return "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub" if "host key" in error.what else ""
