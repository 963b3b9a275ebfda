"""When one request may stand for all cancels: the whole table."""

from types import SimpleNamespace
from typing import Any

import pytest

from tidegate.service.sweeping import may_sweep, untaken
from tidegate.values.enums import GateScope, RequestStage, RequestVerb
from tidegate.venues.port import CancelResult

pytestmark = pytest.mark.req("B3.6")


def books(*jobs: tuple[RequestVerb, GateScope, RequestStage], canceled: tuple[bool, ...] = (True, True)) -> Any:
    requests = [SimpleNamespace(verb=verb, scope=scope, stage=stage) for verb, scope, stage in jobs]
    orders = [SimpleNamespace(cancel_ns=int(told)) for told in canceled]
    return SimpleNamespace(requests=lambda: requests, working_orders=lambda: orders)


@pytest.mark.parametrize("halted", [False, True])
@pytest.mark.parametrize("stage", [None, *RequestStage])
@pytest.mark.parametrize("scope", GateScope)
def test_all_are_swept_where_nothing_new_can_leave_and_nothing_liquidates(
    *, scope: GateScope, stage: RequestStage | None, halted: bool
) -> None:
    flatten = () if stage is None else ((RequestVerb.FLATTEN, scope, stage),)
    before_its_orders = stage in {RequestStage.TAKEN, RequestStage.CANCELING}
    wide = scope in {GateScope.GLOBAL, GateScope.ACCOUNT, GateScope.VENUE}
    may = (halted and (stage is None or before_its_orders)) or (before_its_orders and wide)
    assert may_sweep(2, books(*flatten), halted=halted) is may


def test_one_cancel_or_an_order_that_stays_is_no_sweep() -> None:
    assert may_sweep(2, books(), halted=True)
    assert not may_sweep(1, books(), halted=True)
    assert not may_sweep(2, books(canceled=(True, True, False)), halted=True)


def test_what_is_not_named_as_taken_is_untaken() -> None:
    orders: Any = [SimpleNamespace(client_order_id=f"c{n}", venue_order_id=f"v{n}" if n else "") for n in range(4)]
    results = [CancelResult(venue_order_id="v1", taken=True), CancelResult(venue_order_id="v2", taken=False)]
    assert untaken(orders, results) == {"c0", "c2", "c3"}
    assert untaken(orders, None) == {"c0", "c1", "c2", "c3"}
