"""What a waiting entry would do if it were let out now, for the person who decides. Asking changes nothing."""

from typing import NamedTuple

from msgspec.structs import replace

from tidegate.engine.core import Core
from tidegate.engine.viewing import Viewing
from tidegate.risk.approvals import Approval
from tidegate.risk.exposure_checks import prepare
from tidegate.risk.gate import judge
from tidegate.risk.slices import parts_of
from tidegate.values.enums import Side, Verdict


class Impact(NamedTuple):
    """Of a whole entry, filled at what the gate values it at. Quantities in nanos and signed, money in millionths of a dollar.

    None: a price that is needed cannot be seen. orders: into how many it would be cut. refusal: why the gate would not let it out
    now; empty: it would.
    """

    notional_micros: int | None
    net_before_nanos: int
    net_after_nanos: int
    worst_before_nanos: int
    worst_after_nanos: int
    gross_before_micros: int | None
    gross_after_micros: int | None
    orders: int
    refusal: str


def impact_of(core: Core, viewing: Viewing, approval: Approval) -> Impact | None:
    """Return what a request's entry would do; None: its strategy or symbol is not here any more."""
    whole = approval.intent
    strategy, instrument = core.strategy_places.get(whole.strategy_id, -1), core.instruments.get(whole.symbol)
    if strategy < 0 or instrument is None:
        return None
    view = viewing.risk(whole, strategy, instrument.index, approval)
    prepare(whole, view)
    before, worst = core.portfolio.book(whole.symbol), view.worst_nanos
    sign = 1 if whole.side is Side.BUY else -1
    gross = None if view.exposure is None else view.exposure.gross_micros
    added, notional = view.added_micros, view.notional_micros
    parts = parts_of(whole, view.limits, instrument) if core.plans[strategy].entry.sliced else [whole]
    view.approvals_given = approval.needed  # as if everybody had approved it: what else would stop it
    decision = judge(replace(parts[0], timestamp=core.now_ns), view, event_id="")
    return Impact(
        notional_micros=notional,
        net_before_nanos=before.net_nanos,
        net_after_nanos=before.net_nanos + sign * whole.quantity_nanos,
        worst_before_nanos=before.worst_nanos(),
        worst_after_nanos=worst,
        gross_before_micros=gross,
        gross_after_micros=None if gross is None or added is None else gross + added,
        orders=len(parts),
        refusal="" if decision.verdict is Verdict.APPROVED else decision.sentence,
    )
