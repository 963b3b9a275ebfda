"""What can be traded: assets made of the tape's symbols, option contracts and corporate actions of a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

import msgspec

from tidegate.emulators.alpaca.errors import BadReferenceError, WireRefusal, not_found, unprocessable
from tidegate.emulators.alpaca.wire import Body, uuid_of
from tidegate.values.enums import InstrumentKind
from tidegate.values.instruments import Instrument

EQUITY: Final = "us_equity"
OPTION: Final = "us_option"
_TRADED: Final = frozenset({InstrumentKind.STOCK, InstrumentKind.OPTION})


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of reference data, as JSON. `assets` overrides fields by symbol; the rest are bodies as the venue sends them."""

    assets: dict[str, dict[str, Any]] = {}
    option_contracts: list[dict[str, Any]] = []
    corporate_actions: dict[str, list[dict[str, Any]]] = {}

    @classmethod
    def read(cls, path: Path) -> "Reference":
        """Read such a file.

        Raises:
            BadReferenceError: not there, or not of this form.
        """
        try:
            return msgspec.json.decode(path.read_bytes(), type=Reference)
        except OSError as error:
            raise BadReferenceError(f"The reference file {path} cannot be read ({error.strerror}); correct the path.") from error
        except msgspec.MsgspecError as error:
            raise BadReferenceError(f"{path} is not reference data ({error}); the manual's page on the emulator shows its form.") from error


@final
class Assets:
    """Assets by symbol and by id."""

    def __init__(self, instruments: Sequence[Instrument], reference: Reference) -> None:
        self.reference: Final = reference
        self._contracts: Final = {str(row.get("symbol", "")): row for row in reference.option_contracts}
        self._bodies: Final = {one.symbol: _asset(one) | dict(reference.assets.get(one.symbol, {})) for one in instruments}
        self._by_id: Final = {str(body["id"]): symbol for symbol, body in self._bodies.items()}

    def symbols(self) -> Sequence[str]:
        """Return all symbols, in the order of the tape."""
        return tuple(self._bodies)

    def body(self, symbol: str) -> Body:
        """Return an asset as clients see it."""
        return self._bodies[symbol]

    def find(self, symbol_or_id: str) -> str | None:
        """Return the symbol that a client means by symbol, id or CUSIP; None: there is none."""
        if symbol_or_id in self._bodies:
            return symbol_or_id
        if symbol_or_id in self._by_id:
            return self._by_id[symbol_or_id]
        return next((symbol for symbol, body in self._bodies.items() if symbol_or_id and body["cusip"] == symbol_or_id), None)

    def need(self, symbol_or_id: str) -> str:
        """Return the symbol of an order that may be traded.

        Raises:
            WireRefusal: unknown, or not tradable.
        """
        symbol = self.find(symbol_or_id)
        if symbol is None:
            raise unprocessable(f'asset "{symbol_or_id}" not found')
        if not self._bodies[symbol]["tradable"]:
            raise unprocessable(f"asset {symbol} is not tradable")
        return symbol

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """Return the assets of a query by status, class, exchange and attributes."""
        wanted = {"status": query.get("status"), "class": query.get("asset_class"), "exchange": query.get("exchange")}
        attributes = set(filter(None, query.get("attributes", "").split(",")))
        return [
            body
            for body in self._bodies.values()
            if all(value is None or body[name] == value for name, value in wanted.items())
            and (not attributes or attributes & set(body["attributes"]))
        ]

    # Options.

    def contract(self, symbol_or_id: str) -> Body:
        """Return an option contract.

        Raises:
            WireRefusal: there is none.
        """
        for symbol, row in self._contracts.items():
            if symbol_or_id in (symbol, row.get("id")):
                return row
        raise not_found(f"option contract {symbol_or_id} not found")

    def contracts(self, keep: Mapping[str, str]) -> list[Body]:
        """Return the contracts whose fields have these values (each a comma-separated list), by symbol."""
        rows = sorted(self._contracts.items())
        return [row for _, row in rows if all(str(row.get(name, "")) in value.split(",") for name, value in keep.items())]


def _asset(one: Instrument) -> Body:
    traded = one.kind in _TRADED
    is_option = one.kind is InstrumentKind.OPTION
    return {
        "id": uuid_of("asset", one.symbol),
        "class": OPTION if is_option else EQUITY,
        "exchange": "" if is_option else "NASDAQ",
        "symbol": one.symbol,
        "name": f"{one.symbol} as recorded on the tape",
        "status": "active",
        "tradable": traded,
        "marginable": traded,
        "shortable": traded and not is_option,
        "easy_to_borrow": traded and not is_option,
        "borrow_status": "easy_to_borrow" if traded else "hard_to_borrow",
        "fractionable": traded and not is_option,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "30",
        "cusip": None,
        "attributes": ["fractional_eh_enabled"] if traded and not is_option else [],
    }


def refuse_unknown(symbol: str) -> WireRefusal:
    """Return the answer about an asset that is not there."""
    return not_found(f"asset not found for {symbol}")
