"""The HTTP side of the stand-in: paths, paging, authentication, errors, faults."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from adapters.kit.standin import Handler, OfficeServer
from adapters.primero.standin.rules import FIELDS, Account, Office, Refusal

_FILTERS = frozenset({"last_updated_at", "other_agency_id"})
_QUERY = frozenset({"fields", "page", "per", "order_by", "order"}) | _FILTERS


class StandIn(OfficeServer[Office]):
    """Several Primeros on one port."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(Office, port)

    def routes(self) -> Sequence[web.RouteDef]:
        """List the paths of the API."""
        cases = "/{office}/api/v2/cases"
        case, referral = f"{cases}/{{case}}", f"{cases}/{{case}}/referrals/{{referral}}"
        return [
            web.get("/{office}/api/v2/primero", self._system),
            web.get("/{office}/api/v2/forms", self._forms),
            web.get(cases, self._list),
            web.post(cases, self._create),
            web.get(case, self._case),
            web.patch(case, self._update),
            web.delete(case, self._disable),
            web.get(f"{case}/referrals", self._referrals),
            web.post(f"{case}/referrals", self._refer),
            web.patch(referral, self._answer),
            web.delete(referral, self._revoke),
        ]

    async def answer(self, office: Office | None, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply the faults, and word errors as Primero does.

        Idempotency headers have no meaning here, as in Primero.
        """
        if office is None:
            return _error(request, Refusal(404))
        faults = office.faults
        if faults.slow:
            await asyncio.sleep(faults.slow)
        if faults.garbled:
            return web.Response(text="<html>gateway timeout</html>", content_type="text/html")
        if faults.status:
            return _error(request, Refusal(faults.status, message="trouble"))
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = _error(request, refusal)
        except web.HTTPException as exc:
            response = _error(request, Refusal(exc.status))
        if faults.cut and request.transport is not None:
            request.transport.abort()
        return response

    def _account(self, request: web.Request) -> Account:
        scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            raise Refusal(401)
        try:
            name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
        except ValueError:
            raise Refusal(401) from None
        return self.office(request).log_in(name, password)

    async def _data(self, request: web.Request) -> Mapping[str, Any]:
        if request.content_type != "application/json":
            raise Refusal(406)
        try:
            value = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            raise Refusal(400) from None
        if not isinstance(value, dict) or not isinstance(value.get("data"), dict):
            raise Refusal(422, "data", "is missing")
        return dict(value["data"])

    async def _system(self, request: web.Request) -> web.Response:
        return web.json_response({"data": {"version": "2.0", "agencies": []}})

    async def _forms(self, request: web.Request) -> web.Response:
        account = self._account(request)
        fields = [{"name": name, "type": kind} for name, kind in FIELDS.items() if name in account.fields]
        return web.json_response({"data": [{"unique_id": "all", "fields": fields}]})

    async def _list(self, request: web.Request) -> web.Response:
        account = self._account(request)
        asked = request.query
        if set(asked) - _QUERY:
            raise Refusal(422, sorted(set(asked) - _QUERY)[0], "unknown filter")
        page, per = (
            _number(asked, "page", 1),
            min(_number(asked, "per", 20), 1000, self.office(request).faults.largest_page),
        )
        found = [case for case in self.office(request).visible(account) if _matches(case, asked)]
        found.sort(key=lambda case: str(case.get(asked.get("order_by", "id"))), reverse=asked.get("order") == "desc")
        wanted = asked.get("fields", "").split(",") if "fields" in asked else None
        shown = [self.office(request).shown(case) for case in found[(page - 1) * per : page * per]]
        data = [case if wanted is None else {name: case[name] for name in wanted if name in case} for case in shown]
        return web.json_response({"data": data, "metadata": {"total": len(found), "per": per, "page": page}})

    async def _create(self, request: web.Request) -> web.Response:
        case, given = self.office(request).create(self._account(request), await self._data(request))
        return web.Response(status=204) if given else web.json_response({"data": case})

    async def _case(self, request: web.Request) -> web.Response:
        found = self.office(request).case(self._account(request), request.match_info["case"])
        return web.json_response({"data": self.office(request).shown(found)})

    async def _update(self, request: web.Request) -> web.Response:
        account, data = self._account(request), await self._data(request)
        return web.json_response({"data": self.office(request).update(account, request.match_info["case"], data)})

    async def _disable(self, request: web.Request) -> web.Response:
        self.office(request).disable(self._account(request), request.match_info["case"])
        return web.json_response({"data": {"id": request.match_info["case"]}})

    async def _referrals(self, request: web.Request) -> web.Response:
        found = self.office(request).referrals_of(self._account(request), request.match_info["case"])
        return web.json_response({"data": found})

    async def _refer(self, request: web.Request) -> web.Response:
        account, data = self._account(request), await self._data(request)
        return web.json_response({"data": self.office(request).refer(account, request.match_info["case"], data)})

    async def _answer(self, request: web.Request) -> web.Response:
        account, data, where = self._account(request), await self._data(request), request.match_info
        return web.json_response({"data": self.office(request).answer(account, where["case"], where["referral"], data)})

    async def _revoke(self, request: web.Request) -> web.Response:
        where = request.match_info
        return web.json_response(
            {"data": self.office(request).revoke(self._account(request), where["case"], where["referral"])}
        )


def _error(request: web.Request, refusal: Refusal) -> web.Response:
    error = {"status": refusal.status, "resource": request.path, "message": [refusal.message]}
    if refusal.detail:
        error["detail"] = refusal.detail
    return web.json_response({"errors": [error]}, status=refusal.status)


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(422, name, "invalid")
    return int(text)


def _matches(case: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    for name in _FILTERS & set(asked):
        value, said = str(case.get(name)), asked[name]
        first, dots, last = said.partition("..")
        if dots and ((first and value < first) or (last and value > last)):
            return False
        if not dots and value not in said.split(","):
            return False
    return True
