"""One frozen value, one TOML file, read once.

An unknown key is an error that names its path; a missing one has the documented default or is an error. No setting
switches a check off.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.environment import CREDENTIALS_VARIABLE as CREDENTIALS_VARIABLE
from gateway.foundation.environment import NODE_VARIABLE as NODE_VARIABLE
from gateway.foundation.environment import PASSPHRASE_CREDENTIAL as PASSPHRASE_CREDENTIAL
from gateway.foundation.environment import node_folder as node_folder
from gateway.foundation.environment import passphrase as passphrase
from gateway.foundation.hours import Hours, hours_of
from gateway.foundation.ids import UnitKind
from schemas.codelists import code_list
from schemas.labels import load_languages

HostPort = Annotated[str, Field(pattern=r"^[A-Za-z0-9.\-\[\]:]{1,260}:[0-9]{1,5}$")]
StaffRef = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
Network = Annotated[str, AfterValidator(lambda value: str(ip_network(value)))]
"""An address, or a network without bits of a host; in one spelling."""
UnitId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Unit(_Section):
    """An organisation of this country's mechanism that sends and receives through this node."""

    id: UnitId
    name: str = Field(min_length=1, max_length=200)
    kind: UnitKind
    roles: tuple[str, ...] = Field(min_length=1)


REGION = "tact"
"""The region pack of a node that names none."""


class NodeSection(_Section):
    """Who this node is."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.\-]{0,31}$", description="what people here call this node, e.g. FR"
    )
    country: str = Field(pattern=r"^([A-Z]{2}|[a-z]{3,32})$", description="ISO 3166-1 alpha-2, or a name for others")
    region: str = Field(
        default=REGION,
        pattern=r"^[a-z0-9][a-z0-9-]{0,47}$",
        description="region pack: countries, procedure, calendars, published tables",
    )
    demo: bool = Field(default=False, description="true only on a demonstration node; peers' administrators see it")


class FederationSection(_Section):
    """Address at which other nodes reach this one."""

    listen: HostPort = Field(description="address and port of the public listener")
    proxy_protocol: tuple[Network, ...] = Field(
        default=(), max_length=64, description="fronts that pass TLS through and name each caller, and have to"
    )


class LocalSection(_Section):
    """Where the country's own systems and people reach this node."""

    listen: HostPort | None = Field(
        default=None,
        pattern=r"^(127\.0\.0\.1|\[::1\]|localhost):[0-9]{1,5}$",
        description="loopback HTTP beside the socket",
    )


class ConsoleSection(_Section):
    """How people open the pages; there are some where `local.listen` is set."""

    origin: str | None = Field(
        default=None,
        pattern=r"^(https://[a-z0-9.-]+(:[0-9]{1,5})?|http://localhost:[0-9]{1,5})$",
        description="the one address at which people open them, also behind a proxy; without TLS only on this machine",
    )
    language: str = Field(default="en", description="of who has chosen none and whose browser asks for none")
    leave_to: str = Field(
        default="https://www.wikipedia.org/",
        pattern=r"^https://[^\s@]+$",
        description="where `Leave now` leads: a page that harms nobody who is seen with it",
    )

    @field_validator("language")
    @classmethod
    def _spoken(cls, value: str) -> str:
        if value not in load_languages():
            raise ValueError(f"one of {', '.join(load_languages())}")
        return value


class ProxySection(_Section):
    """The HTTP proxy through which this node reaches other machines, where nothing else leads out of its network."""

    url: str = Field(
        pattern=r"^http://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):[1-9][0-9]{0,4}/?$",
        description="the proxy, as http://HOST:PORT; TLS with the peer runs inside",
    )
    user: str | None = Field(default=None, pattern=r"^[!-9;-~]{1,128}$", description="account at the proxy")
    password_file: Path | None = Field(default=None, description="file with its password")
    direct: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+(/[0-9]{1,3})?$", max_length=253)], ...] = Field(
        default=(),
        max_length=200,
        description="hosts that are reached without it: names, .endings, addresses, networks",
    )

    @field_validator("direct")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if "/" in entry or ":" in entry:
                ip_network(entry)
        return value

    @field_validator("url")
    @classmethod
    def _port(cls, value: str) -> str:
        if int(value.rstrip("/").rpartition(":")[2]) > 65_535:
            raise ValueError("a port is 1 to 65535")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together")
        return self


class AdapterSection(_Section):
    """The case system; without this section people work at the desk (the local API and `trm`).

    What else stands here belongs to the kind of adapter, which judges it (`gateway.mapping.case_system`).
    """

    model_config = ConfigDict(extra="allow")

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="kind of adapter; `trm adapter list` shows them")
    poll_seconds: int = Field(default=5, ge=1, le=3600)

    @property
    def own(self) -> Mapping[str, object]:
        """What is for the adapter alone."""
        return self.model_extra or {}


class WebhookSection(_Section):
    """A system of the own country that is told what happens; its secret lies in `DIR/webhooks/NAME`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="what it is called here")
    url: str = Field(
        pattern=r"^(https://[^\s/@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?)(/\S*)?$",
        description="where it is told; without TLS only on this machine",
    )
    ca_file: Path | None = Field(default=None, description="certificates of the authority that signed the receiver's")


MailAddress = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$", max_length=254)]


class EmailSection(_Section):
    """Mail that says that something waits at the desk, and nothing about it."""

    host: str = Field(min_length=1, max_length=253, description="the mail server")
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "implicit"] = Field(default="starttls", description="how TLS begins; it always does")
    sender: MailAddress = Field(description="from whom")
    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=20, description="to whom")
    user: str | None = Field(default=None, description="account at the mail server")
    password_file: Path | None = Field(default=None, description="its password")
    ca_file: Path | None = Field(default=None, description="authorities that may vouch for the server")
    every_minutes: int = Field(default=60, ge=5, le=1440, description="at most one mail in so long")

    @model_validator(mode="after")
    def _complete(self) -> EmailSection:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together")
        return self


class NotifySection(_Section):
    """How people are told that something waits."""

    email: EmailSection | None = None


class TokenSection(_Section):
    """A PKCS#11 token that holds the secret of the key store."""

    module: Path = Field(description="library of the token's maker")
    token: str = Field(min_length=1, max_length=32, description="its label")
    pin_file: Path = Field(description="file with its PIN")


class KeysSection(_Section):
    """How this machine reaches a TPM or a token (the key store itself says in which place its secret lies), and how
    much the key service opens in a minute.
    """

    tpm: str | None = Field(
        default=None, min_length=1, max_length=200, description="TPM 2.0, such as device:/dev/tpmrm0"
    )
    pkcs11: TokenSection | None = None
    opens_per_minute: int = Field(default=6_000, ge=600, le=60_000, description="messages of peers")
    unwraps_per_minute: int = Field(default=12_000, ge=2_000, le=240_000, description="stored messages and drafts")


class StorageSection(_Section):
    """How long keys at rest live."""

    epoch_days: int = Field(default=7, ge=1, le=7, description="storage epoch = erasure horizon (nrm1 13.2)")


class DatabaseSection(_Section):
    """Where the rows of this node are: in the file `node.db` of its folder, or on a PostgreSQL server."""

    url: str | None = Field(
        default=None,
        pattern=r"^postgresql://[^\s:@/]+@[^\s@/?]*/[A-Za-z0-9_-]{1,63}(\?host=/[^\s&]+)?$",
        description="PostgreSQL 15 to 18, as postgresql://ACCOUNT@HOST:PORT/DATABASE without the password",
    )
    password_file: Path | None = Field(default=None, description="password of the account")
    ca_file: Path | None = Field(default=None, description="authorities that may vouch for the server")
    archive_days: int | None = Field(
        default=None,
        ge=0,
        le=3660,
        description="days for which the server's archives and dumps are kept, 0 for none; dates of erasure say so",
    )

    pooled: bool = Field(
        default=False,
        description="a pooler stands before the server and may give each transaction another session",
    )

    @model_validator(mode="after")
    def _of_a_server(self) -> Self:
        others = (self.password_file, self.ca_file, self.archive_days, self.pooled or None)
        if self.url is None and any(member is not None for member in others):
            raise ValueError("password_file, ca_file, archive_days and pooled belong to a url")
        return self


class AttachmentsSection(_Section):
    """Where the ciphertext of files is: in the folder `attachments/` of the node, or in an S3 bucket."""

    url: str | None = Field(
        default=None,
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-]+){0,8}/?$",
        description="s3://BUCKET/PREFIX without a key",
    )
    endpoint: str | None = Field(
        default=None,
        pattern=r"^(https://[A-Za-z0-9.-]+(:[0-9]{1,5})?|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?)$",
        description="the server, where it is not that of AWS; without TLS only on this machine",
    )
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="region of the bucket")
    credentials_file: Path | None = Field(default=None, description="access key, in the form of AWS")
    ca_file: Path | None = Field(default=None, description="authorities that may vouch for the server")

    @model_validator(mode="after")
    def _of_a_bucket(self) -> Self:
        if self.url is None and self.model_fields_set - {"url"}:
            raise ValueError("endpoint, region, credentials_file and ca_file belong to a url")
        if self.url is not None and self.credentials_file is None:
            raise ValueError("a url needs a credentials_file")
        return self


class BackupSection(_Section):
    """Whom backups are closed to, and how long they are kept."""

    recovery_key: Path = Field(description="public half of the recovery key; `trm backup key new` makes it elsewhere")
    ledger: Path | None = Field(
        default=None, description="file on another disk: what is withdrawn and erased, for `trm restore --ledger`"
    )
    keystore_days: int | None = Field(
        default=None,
        ge=1,
        le=366,
        description="days for which a keystore file is kept; confirmations of erasure say so",
    )


class DutySection(_Section):
    """Who is woken by a safety alert or an undecided emergency, and when this desk is not told of what can wait."""

    contacts: tuple[StaffRef, ...] = Field(default=(), max_length=20, description="duty contacts, in their order")
    coordinator: StaffRef | None = Field(
        default=None, description="woken besides by a referral in danger to life that nobody decides"
    )
    quiet_hours: str | None = Field(default=None, description="local time, such as 20:00-07:00; Sa-Su 00:00-24:00")
    escalation_minutes: int | None = Field(default=None, ge=1, le=120, description="until the next contact is woken")

    @field_validator("quiet_hours")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None and hours_of(value) is None:
            raise ValueError("hours of a week, such as Mo-Fr 18:00-08:00; Sa-Su 00:00-24:00")
        return value

    @property
    def quiet(self) -> Hours:
        """The quiet hours; none where none are set."""
        return (None if self.quiet_hours is None else hours_of(self.quiet_hours)) or Hours(spans=())

    @property
    def step(self) -> int | None:
        """Seconds until the next contact is woken, where that is set."""
        return None if self.escalation_minutes is None else self.escalation_minutes * 60


def _code_of(name: str) -> AfterValidator:
    def check(value: str) -> str:
        known = [entry.code for entry in code_list(name).codes if not entry.retired]
        if value not in known:
            raise ValueError(f"a code of the list {name}")
        return value

    return AfterValidator(check)


class CorridorSection(_Section):
    """What forms begin with for messages to one country. Nothing rests on it: people see each value before a message
    leaves and can change it, and every gate judges the message.
    """

    to: str = Field(
        min_length=1, max_length=64, description="what this node calls the peer, as `trm peer list` shows it"
    )
    legal_basis: tuple[Annotated[str, _code_of("legal_basis")], ...] = Field(
        default=(), max_length=5, description="codes of the list legal_basis, for messages about a person"
    )
    transfer_basis: Annotated[str, _code_of("transfer_basis")] | None = Field(
        default=None, description="a code of the list transfer_basis, for messages about a person"
    )
    transfer_instrument: str | None = Field(
        default=None, min_length=1, max_length=200, description="name of the instrument on which the transfer rests"
    )
    onward_sharing: Annotated[str, _code_of("onward_sharing")] | None = Field(
        default=None, description="a code of the list onward_sharing"
    )
    retain_days: int | None = Field(
        default=None, ge=1, le=3650, description="days from the beginning of a draft for which the receiver may keep it"
    )
    export_to_local: Annotated[str, _code_of("export_to_local")] | None = Field(
        default=None, description="a code of the list export_to_local"
    )
    consent_asks: tuple[Annotated[str, _code_of("data_category")], ...] = Field(
        default=(),
        max_length=15,
        description="codes of the list data_category: what a consent for this country asks about, instead of what is "
        "usual for its purpose; never an answer",
    )

    @model_validator(mode="after")
    def _instrument_of_a_basis(self) -> Self:
        if self.transfer_instrument is not None and self.transfer_basis is None:
            raise ValueError("transfer_instrument needs transfer_basis")
        return self


class LogSection(_Section):
    """What goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(_Section):
    """Everything that can be set about a node."""

    node: NodeSection
    units: tuple[Unit, ...] = Field(min_length=1)
    federation: FederationSection
    proxy: ProxySection | None = None
    local: LocalSection = LocalSection()
    console: ConsoleSection = ConsoleSection()
    corridors: tuple[CorridorSection, ...] = ()
    adapter: AdapterSection | None = None
    webhooks: tuple[WebhookSection, ...] = ()
    notify: NotifySection = NotifySection()
    keys: KeysSection = KeysSection()
    database: DatabaseSection = DatabaseSection()
    attachments: AttachmentsSection = AttachmentsSection()
    storage: StorageSection = StorageSection()
    backup: BackupSection | None = None
    duty: DutySection = DutySection()
    log: LogSection = LogSection()

    @field_validator("corridors")
    @classmethod
    def _each_country_once(cls, value: tuple[CorridorSection, ...]) -> tuple[CorridorSection, ...]:
        if len({one.to for one in value}) < len(value):
            raise ValueError("each peer once")
        return value

    @property
    def horizon_days(self) -> int:
        """Days after which no copy of what is erased now is left that a key of this node could have opened."""
        return self.storage.epoch_days + (self.database.archive_days or 0)

    @property
    def console_origin(self) -> str | None:
        """Where people open the console; None where there is none, because nothing listens for them."""
        if self.local.listen is None:
            return None
        return self.console.origin or f"http://localhost:{self.local.listen.rpartition(':')[2]}"


def read_database(
    url: str | None, password_file: Path | None, ca_file: Path | None, *, pooled: bool = False
) -> DatabaseSection:
    """The section of node.toml with these members. Raises RefusedError invalid."""
    named = {"url": url, "password_file": password_file, "ca_file": ca_file, "pooled": pooled}
    try:
        return DatabaseSection.model_validate(named)
    except ValidationError as exc:
        raise RefusedError(
            Code.INVALID,
            "the address of the database is none; nothing was made or moved",
            hint="postgresql://ACCOUNT@HOST:PORT/DATABASE without the password, which is in a file of its own",
        ) from exc


def read_attachments(
    url: str | None, *, endpoint: str | None, region: str | None, credentials_file: Path | None, ca_file: Path | None
) -> AttachmentsSection:
    """The section of node.toml with these members. Raises RefusedError invalid."""
    named = {
        "url": url,
        "endpoint": endpoint,
        "region": region,
        "credentials_file": credentials_file,
        "ca_file": ca_file,
    }
    try:
        return AttachmentsSection.model_validate({name: value for name, value in named.items() if value is not None})
    except ValidationError as exc:
        raise RefusedError(
            Code.INVALID,
            "the address of the bucket is none, or its access key is missing; nothing was moved",
            hint="s3://BUCKET/PREFIX with --credentials-file FILE; --endpoint is https://HOST:PORT",
        ) from exc


def load(folder: Path) -> Config:
    """Read `node.toml` of a node folder; every fault is named by its path in the file."""
    path = folder / "node.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise RefusedError(
            Code.NOT_FOUND,
            f"no node.toml in {folder}",
            hint="name a node folder with --node, or make one with trm init",
        ) from exc
    except UnicodeDecodeError as exc:
        raise RefusedError(Code.INVALID, f"{path} is not UTF-8 text") from exc
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """The settings that `text` states; `path` is where they stand or will stand, for the words of a refusal."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise RefusedError(Code.INVALID, f"{path} is not valid TOML", hint=str(exc)) from exc
    try:
        return Config.model_validate(raw)
    except ValidationError as exc:
        findings = [
            Finding(place=".".join(str(part) for part in fault["loc"]), rule=fault["type"], hint=fault["msg"])
            for fault in exc.errors(include_input=False, include_context=False, include_url=False)
        ]
        findings = [f for f in findings if not any(other.place.startswith(f"{f.place}.") for other in findings)]
        raise RefusedError(
            Code.INVALID, f"{path} has {len(findings)} fault(s); nothing was started", findings=findings
        ) from exc
