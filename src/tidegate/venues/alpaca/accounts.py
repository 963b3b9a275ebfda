"""The account at Alpaca: money, positions, fills, its own switch, exercise, history of equity."""

from collections.abc import AsyncIterator
from typing import final

import msgspec

from tidegate.values.time import iso_utc
from tidegate.venues.alpaca.http import Call, Effect, Requests
from tidegate.venues.alpaca.mapping.account import equity_points, venue_account, venue_execution, venue_position
from tidegate.venues.alpaca.mapping.orders import venue_order
from tidegate.venues.alpaca.orders import OrderDesk
from tidegate.venues.alpaca.refusals import refusal
from tidegate.venues.alpaca.wire.account import Account, Activity, Configuration, PortfolioHistory, Position
from tidegate.venues.alpaca.wire.base import read_json
from tidegate.venues.alpaca.wire.orders import ItemResult, Order
from tidegate.venues.errors import OutcomeUnsure, UnreadableAnswerError
from tidegate.venues.port import CancelResult, EquityPoint, Urgency, VenueAccount, VenueExecution, VenueOrder, VenuePosition

_OK, _REFUSED = 200, 400


@final
class AccountDesk:
    """The verbs of the account."""

    def __init__(self, requests: Requests, orders: OrderDesk) -> None:
        self._requests = requests
        self._orders = orders

    async def account(self) -> VenueAccount:
        """See `OrderVenue.account`."""
        account = await self._requests.read("/v2/account", Account)
        if not account.id and not account.account_number:
            raise UnreadableAnswerError("Alpaca answered without an account; ask again.")
        return venue_account(account)

    async def positions(self) -> list[VenuePosition]:
        """See `OrderVenue.positions`."""
        return [venue_position(position) for position in await self._requests.read("/v2/positions", list[Position])]

    async def executions(self, after_ns: int) -> list[VenueExecution]:
        """See `OrderVenue.executions`. Alpaca names a fill's order by its own id alone: orders not seen before are read first.

        Raises:
            UnreadableAnswerError: a fill that cannot be read whole: leaving it out would lose it.
        """
        found: list[VenueExecution] = []
        async for activity in self._orders.activities("FILL", iso_utc(after_ns)):
            execution = venue_execution(activity)
            if execution is None:
                raise UnreadableAnswerError(f"Alpaca's fill {activity.id} cannot be read whole; compare the position by hand.")
            found.append(execution)
        await self._orders.learn({execution.venue_order_id for execution in found}, after_ns)
        ids = self._orders.ids
        return [msgspec.structs.replace(seen, client_order_id=ids.client_id(seen.venue_order_id)) for seen in found]

    def activities(self, kind: str, after_ns: int) -> AsyncIterator[Activity]:
        """Yield activities of a kind (dividends, fees, assignments ...) after a time, oldest first."""
        return self._orders.activities(kind, iso_utc(after_ns))

    async def configuration(self) -> Configuration:
        """Return the account's settings."""
        return await self._requests.read("/v2/account/configurations", Configuration)

    async def suspend(self, *, on: bool) -> None:
        """See `OrderVenue.suspend`; only this one setting is sent, and the answer must confirm it.

        Raises:
            OutcomeUnsure: the answer does not say what was asked for.
        """
        call = Call("PATCH", "/v2/account/configurations", Effect.REPEATABLE, Urgency.FLATTEN, body={"suspend_trade": on})
        reply = await self._requests.send(call)
        try:
            confirmed = read_json(reply.body, Configuration).suspend_trade is on
        except UnreadableAnswerError:
            confirmed = False
        if not confirmed:
            raise OutcomeUnsure("Alpaca did not confirm its trading switch; read the account's settings.")

    async def close_position(self, symbol: str) -> VenueOrder:
        """Close a position by a market order that the venue makes; its id is the venue's own."""
        reply = await self._requests.send(Call("DELETE", f"/v2/positions/{symbol}", Effect.ONCE, Urgency.FLATTEN))
        try:
            order = venue_order(read_json(reply.body, Order))
        except UnreadableAnswerError as error:
            raise OutcomeUnsure(f"Closing {symbol} was asked for and {error}; read orders and positions.") from error
        self._orders.ids.see(order)
        return order

    async def close_all_positions(self) -> list[CancelResult]:
        """Close every position and cancel every order; each line says whether it was taken (symbols stand for ids)."""
        call = Call("DELETE", "/v2/positions", Effect.ONCE, Urgency.FLATTEN, {"cancel_orders": "true"})
        reply = await self._requests.send(call)
        try:
            items = read_json(reply.body or b"[]", list[ItemResult])
        except UnreadableAnswerError as error:
            raise OutcomeUnsure(f"Closing everything was asked for and {error}; read orders and positions.") from error
        return [_close_result(item) for item in items]

    async def exercise(self, contract: str) -> None:
        """Exercise every available contract of a long option position, by symbol or contract id."""
        await self._requests.send(Call("POST", f"/v2/positions/{contract}/exercise", Effect.ONCE, Urgency.EXIT))

    async def do_not_exercise(self, contract: str) -> None:
        """Tell that a long option position is not to be exercised; on its expiration day only."""
        await self._requests.send(Call("POST", f"/v2/positions/{contract}/do-not-exercise", Effect.ONCE, Urgency.EXIT))

    async def equity_history(self, period: str = "1M", timeframe: str = "1D") -> list[EquityPoint]:
        """Return the account's equity over time; `period` as 1D, 1W, 1M or 1A, `timeframe` as 1Min to 1D."""
        query = {"period": period, "timeframe": timeframe}
        return equity_points(await self._requests.read("/v2/account/portfolio/history", PortfolioHistory, query))


def _close_result(item: ItemResult) -> CancelResult:
    taken = _OK <= item.status < _REFUSED
    words = "" if taken else refusal(item.status, bytes(item.body)).words
    return CancelResult(venue_order_id=item.symbol or "", taken=taken, words=words)
