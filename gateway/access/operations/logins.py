"""How people come to a personal token at a shell of this machine, and with what somebody asks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.access import rules
from gateway.access.api_tokens import ApiTokens
from gateway.access.logins import Logins, NewLogin
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.ids import PersonId, TokenId
from gateway.operations.models import DIGITS, ONE_LINE, Answer, Asked, Nothing, OneOf, Time
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY, OWNER_ONLY, Caller, Role
from gateway.ports import Json, OperationResult

USUAL_HOURS = rules.LOGIN_USUAL // rules.HOUR
MOST_HOURS = rules.LOGIN_LONGEST // rules.HOUR


class BeginLogin(Asked):
    """A shell that wants to be signed in."""

    label: Annotated[str, Field(min_length=1, max_length=64, description="which shell it is, for the person"), ONE_LINE]
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS), DIGITS] = USUAL_HOURS


class UseInvitation(BeginLogin):
    """A shell that has the code of an invitation."""

    code: Annotated[str, Field(min_length=1, max_length=100, description="of the invitation, however it is typed")]


class TakeLogin(Asked):
    """A shell that comes back."""

    secret: Annotated[str, Field(min_length=1, max_length=100, description="from `login.begin`")]


class OfNode(Answer):
    """Of which node it is."""

    node: str
    node_name: str


class BegunLogin(OfNode):
    """What the shell shows and keeps."""

    code: str = Field(description="the person types it at the console")
    secret: str = Field(description="the shell takes the token with it, and shows it to nobody")
    address: str = Field(description="where the code is typed")
    ends: Time


class TakenLogin(OfNode):
    """The token, once somebody has confirmed."""

    state: Annotated[str, OneOf("waiting", "done")]
    token: str | None = Field(description="shown this once")
    name: str | None = Field(description="of the person")
    expires: Time | None


class WhoAsks(OfNode):
    """Who asks, and with what."""

    person: PersonId | None
    name: str | None
    roles: list[Annotated[str, OneOf(*Role)]] = Field(
        description="of the person or the token; the owner alone has none"
    )
    unit: str | None
    credential: Annotated[str, OneOf("personal_token", "session", "token", "socket")]
    token: TokenId | None
    expires: Time | None = Field(description="of the token")
    owner: bool = Field(description="came in by the socket of the node, and operates it")


class LoginOperations:
    """Operations on personal tokens."""

    def __init__(self, *, logins: Logins, tokens: ApiTokens, own: OwnIdentity, config: Config) -> None:
        self._logins = logins
        self._tokens = tokens
        self._own = own
        self._config = config

    @operation(
        "login.begin",
        "a shell asks to be signed in",
        roles=OWNER_ONLY,
        about=About.ONESELF,
        answer=BegunLogin,
        shown_once=True,
        example={"label": "ana at desk-3", "hours": 8},
    )
    async def begin(self, asked: BeginLogin) -> OperationResult:
        """A code for the person, who confirms it at the console, and a secret with which the shell takes the token."""
        origin = self._config.console_origin
        if origin is None:
            raise RefusedError(
                Code.CONFLICT,
                "the console of this node has no address, so nobody can confirm a code there; nothing was begun",
                hint="trm login --code CODE uses an invitation (trm person invite); or set local.listen",
            )
        begun = self._logins.begin(asked.label, asked.hours * rules.HOUR)
        value: dict[str, Json] = {"code": begun.code, "secret": begun.secret, "ends": begun.ends}
        return OperationResult(value=self._of_node() | value | {"address": f"{origin}/shell"})

    @operation(
        "login.take",
        "the personal token, once the person has confirmed",
        roles=OWNER_ONLY,
        about=About.ONESELF,
        answer=TakenLogin,
        shown_once=True,
    )
    async def take(self, asked: TakeLogin) -> OperationResult:
        """The token, when the person has confirmed; waits for a while, and answers `waiting` when nobody has."""
        made = await self._logins.take(asked.secret)
        if made is None:
            nothing: dict[str, Json] = {"state": "waiting", "token": None, "name": None, "expires": None}
            return OperationResult(value=self._of_node() | nothing)
        return OperationResult(value=self._taken(made))

    @operation(
        "login.enrol",
        "an invitation becomes a personal token",
        roles=OWNER_ONLY,
        about=About.ONESELF,
        answer=TakenLogin,
        shown_once=True,
        example={"code": "abcd-efgh-2345-abcd-efgh-2345-ab", "label": "ana at desk-3"},
    )
    async def enrol(self, asked: UseInvitation) -> OperationResult:
        """A token for whom the invitation is; it is used up, as by a passkey."""
        made = await self._logins.enrol(asked.code, asked.label, asked.hours * rules.HOUR)
        return OperationResult(value=self._taken(made))

    @operation(
        "login.show",
        "who asks, and with which credential",
        roles=EVERYBODY,
        about=About.ONESELF,
        answer=WhoAsks,
        units=Units.FREE,
    )
    async def show(self, _asked: Nothing, caller: Caller) -> OperationResult:
        """Show who asks, with which rights, and until when."""
        row = None if caller.token is None else self._tokens.find(caller.token)
        plain = caller.owner and caller.person is None
        value: dict[str, Json] = {
            "person": caller.person,
            "name": None if caller.person is None else self._tokens.name_of(caller.person),
            "roles": [] if plain else [*sorted(caller.roles)],
            "unit": caller.unit,
            "credential": _credential(caller),
            "token": caller.token,
            "expires": None if row is None else row.expires,
            "owner": caller.owner,
        }
        return OperationResult(value=self._of_node() | value)

    @operation(
        "login.end",
        "end the personal token with which one asks",
        roles=EVERYBODY,
        about=About.ONESELF,
        answer=WhoAsks,
        units=Units.FREE,
    )
    async def end(self, asked: Nothing, caller: Caller) -> OperationResult:
        """End the token with which this is asked, at once and for ever."""
        if caller.person is None or caller.token is None:
            raise RefusedError(
                Code.CONFLICT, "this was asked without a personal token, so there is none to end; nothing was changed"
            )
        shown = await self.show(asked, caller)
        await self._logins.end(caller.token)
        return shown

    def _taken(self, made: NewLogin) -> dict[str, Json]:
        value: dict[str, Json] = {"token": made.token, "name": made.person.name, "expires": made.row.expires}
        return self._of_node() | {"state": "done"} | value

    def _of_node(self) -> dict[str, Json]:
        return {"node": self._own.node, "node_name": self._config.node.name}


def _credential(caller: Caller) -> str:
    if caller.person is not None:
        return "session" if caller.token is None else "personal_token"
    return "socket" if caller.token is None else "token"
