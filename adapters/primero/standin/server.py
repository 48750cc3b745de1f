"""The HTTP side of the stand-in: paths, paging, authentication, errors, faults."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from adapters.kit.standin import Handler, OfficeServer
from adapters.primero.standin.attachments import attach, boxes_of, detach, find
from adapters.primero.standin.configuration import LANGUAGES
from adapters.primero.standin.rules import Account, Office, Refusal

VERSION = "2.15.2"
"""The version of the API description that this imitates."""

_FILTERS = frozenset({"last_updated_at", "other_agency_id"})
_QUERY = frozenset({"fields", "page", "per", "order_by", "order"}) | _FILTERS


class StandIn(OfficeServer[Office]):
    """Several Primeros on one port."""

    largest_body = 50 << 20
    """What its proxy lets through, unless the administrator says otherwise."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(Office, port)

    def routes(self) -> Sequence[web.RouteDef]:
        """List the paths of the API."""
        cases = "/{office}/api/v2/cases"
        case, referral = f"{cases}/{{case}}", f"{cases}/{{case}}/referrals/{{referral}}"
        return [
            web.get("/{office}/api/v2/primero", self._system),
            web.get("/{office}/api/v2/forms", self._forms),
            web.get("/{office}/api/v2/lookups", self._lookups),
            web.get("/{office}/api/v2/system_settings", self._settings),
            web.get("/{office}/api/v2/primero_modules", self._modules),
            web.get("/{office}/api/v2/users/refer-to", self._refer_to),
            web.get(cases, self._list),
            web.post(cases, self._create),
            web.get(case, self._case),
            web.patch(case, self._update),
            web.delete(case, self._disable),
            web.get(f"{case}/referrals", self._referrals),
            web.post(f"{case}/referrals", self._refer),
            web.patch(referral, self._answer),
            web.delete(referral, self._revoke),
            web.post(f"{case}/attachments", self._attach),
            web.get(f"{case}/attachments/{{number:[0-9]+}}", self._give),
            web.delete(f"{case}/attachments/{{number:[0-9]+}}", self._detach),
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
        return web.json_response({"data": {"sandbox_ui": False, "config_ui": "full", "agencies": []}})

    async def _forms(self, request: web.Request) -> web.Response:
        """Tell every form, whatever the role of the account has: the controller does not ask for it."""
        self._account(request)
        wanted, module = request.query.get("record_type"), request.query.get("module_id")
        found = [form for form in self.office(request).forms if wanted is None or form["parent_form"] == wanted]
        return web.json_response({"data": [form for form in found if module is None or module in form["module_ids"]]})

    async def _lookups(self, request: web.Request) -> web.Response:
        self._account(request)
        page, per, found = self._page(request, self.office(request).lookups)
        return web.json_response(
            {"data": found, "metadata": {"total": len(self.office(request).lookups), "per": per, "page": page}}
        )

    async def _settings(self, request: web.Request) -> web.Response:
        self._account(request)
        return web.json_response({"data": {"primero_version": VERSION, "default_locale": "en", "locales": LANGUAGES}})

    async def _modules(self, request: web.Request) -> web.Response:
        """Modules are for administrators of the configuration, which the account of the gateway is not."""
        self._account(request)
        raise Refusal(403)

    async def _refer_to(self, request: web.Request) -> web.Response:
        account = self._account(request)
        if request.query.get("record_type") != "case":
            raise Refusal(422, "record_type", "is missing")
        people = [
            {"id": number, "user_name": name} for number, name in enumerate(self.office(request).receivers(account), 1)
        ]
        return web.json_response({"data": people})

    async def _list(self, request: web.Request) -> web.Response:
        account = self._account(request)
        asked = request.query
        if set(asked) - _QUERY:
            raise Refusal(422, sorted(set(asked) - _QUERY)[0], "unknown filter")
        found = [case for case in self.office(request).visible(account) if _matches(case, asked)]
        found.sort(key=lambda case: str(case.get(asked.get("order_by", "id"))), reverse=asked.get("order") == "desc")
        wanted = asked.get("fields", "").split(",") if "fields" in asked else None
        page, per, shown_now = self._page(request, found)
        shown = [_with_boxes(self.office(request), account, case) for case in shown_now]
        data = [case if wanted is None else {name: case[name] for name in wanted if name in case} for case in shown]
        return web.json_response({"data": data, "metadata": {"total": len(found), "per": per, "page": page}})

    def _page(self, request: web.Request, found: Sequence[dict[str, Any]]) -> tuple[int, int, Sequence[dict[str, Any]]]:
        """Cut one page of a list: 20 unless asked, 1000 at most."""
        page, largest = _number(request.query, "page", 1), self.office(request).faults.largest_page
        per = min(_number(request.query, "per", 20), 1000, largest)
        return page, per, found[(page - 1) * per : page * per]

    async def _create(self, request: web.Request) -> web.Response:
        case, given = self.office(request).create(self._account(request), await self._data(request))
        return web.Response(status=204) if given else web.json_response({"data": case})

    async def _case(self, request: web.Request) -> web.Response:
        account, office = self._account(request), self.office(request)
        found = office.case(account, request.match_info["case"])
        return web.json_response({"data": _with_boxes(office, account, found)})

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

    async def _attach(self, request: web.Request) -> web.Response:
        account, data, where = self._account(request), await self._data(request), request.match_info
        return web.json_response({"data": attach(self.office(request), account, where["case"], data)})

    async def _give(self, request: web.Request) -> web.Response:
        where, account = request.match_info, self._account(request)
        found = find(self.office(request), account, where["case"], int(where["number"]))
        return web.Response(body=found, content_type="application/octet-stream")

    async def _detach(self, request: web.Request) -> web.Response:
        where, account = request.match_info, self._account(request)
        detach(self.office(request), account, where["case"], int(where["number"]))
        return web.Response(status=204)


def _with_boxes(office: Office, account: Account, case: Mapping[str, Any]) -> dict[str, Any]:
    return {**office.shown(case), **boxes_of(office, account, case["id"])}


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
