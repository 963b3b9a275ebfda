"""The report's tables: round trips, refusals, what made the run. Bounded; each says what it leaves out."""

from collections.abc import Sequence
from html import escape
from typing import Final

import msgspec
import polars as pl

from tidegate.analytics.checks import check_of
from tidegate.analytics.collect import Run
from tidegate.analytics.explain import order_sentence
from tidegate.analytics.markup import Cell, details, empty, note, panel, table
from tidegate.analytics.metrics import refusals_by_check
from tidegate.analytics.orders import OrderRow
from tidegate.analytics.plots import exit_name
from tidegate.analytics.scorecard import tone
from tidegate.analytics.telling import lines_of
from tidegate.analytics.trades import Trade
from tidegate.analytics.wording import (
    NOT_KNOWN,
    duration_text,
    metric_text,
    moment_text,
    price_text,
    quantity_text,
    time_text,
    usd_text,
)
from tidegate.events.acts import GateChanged, RiskDecision, StrategyFaulted
from tidegate.events.inputs import GateSet, PermissionSet, StreamChanged
from tidegate.events.session import SessionOpened

TRADES_MAX: Final = 500
MASKS_MAX: Final = 24
INCIDENTS_MAX: Final = 200
_INCIDENTS: Final = StrategyFaulted | GateChanged | GateSet | PermissionSet | StreamChanged
_BREAK_FROM = 40  # characters of a cell that may be broken over lines
_ID_SHOWN = 8  # characters; a unique beginning is enough to ask for its story
_TRADE_HEAD: Final = (
    Cell("#"),
    Cell("Strategy", "text"),
    Cell("Symbol", "text"),
    Cell("Side", "text"),
    Cell("Quantity"),
    Cell("Entry (UTC)"),
    Cell("Price"),
    Cell("Exit (UTC)"),
    Cell("Price"),
    Cell("Held"),
    Cell("Left by", "text"),
    Cell("Net"),
    Cell("R", title="Net result over planned risk"),
    Cell("MAE", title="Worst move against it, bps of the entry price"),
    Cell("MFE", title="Best move for it, bps of the entry price"),
    Cell("Entry order", "text"),
)


def trades_table(run: Run) -> str:
    """Return the round trips by time, with the story of the entry as a tooltip."""
    if not run.trade_rows:
        return empty("No round trip was opened.")
    rows = {row.client_order_id: row for row in run.order_rows}
    shown = [_trade_row(run, trade, rows) for trade in run.trade_rows[:TRADES_MAX]]
    more = len(run.trade_rows) - len(shown)
    remark = f"{more:,} later trades are in the run's tables and its JSON." if more > 0 else ""
    return f'<div class="scroll">{table(_TRADE_HEAD, shown, style="dense")}</div>{note(remark)}'


def _trade_row(run: Run, trade: Trade, rows: dict[str, OrderRow]) -> list[Cell]:
    first = trade.entry_orders[0] if trade.entry_orders else ""  # none: it was held when the session began
    entry = rows.get(first)
    story = order_sentence(run, entry) if entry else ""
    excursions = trade.excursions_bps
    price = trade.exit_price_nanos
    return [
        Cell(str(trade.number)),
        Cell(trade.strategy_id, "text"),
        Cell(trade.symbol, "text"),
        Cell("long" if trade.direction > 0 else "short", "text"),
        Cell(quantity_text(trade.peak_quantity_nanos)),
        Cell(_clock(trade.entry_ns)),
        Cell(price_text(trade.entry_price_nanos)),
        Cell(_clock(trade.exit_ns)),
        Cell(NOT_KNOWN if price is None else price_text(price)),
        Cell("open" if trade.is_open else NOT_KNOWN if trade.hold_ns is None else duration_text(trade.hold_ns)),
        Cell(exit_name(trade.exit_reason) if trade.exit_orders else NOT_KNOWN, "text"),
        Cell(usd_text(trade.net_usd), tone("net_usd", trade.net_usd)),
        Cell(metric_text(trade.r_multiple, "ratio")),
        Cell(metric_text(excursions[0] if excursions else None, "bps")),
        Cell(metric_text(excursions[1] if excursions else None, "bps")),
        Cell(f"{first[:_ID_SHOWN]}…", "text mono", f"{first}: {story}") if first else Cell("earlier session", "text"),
    ]


def _clock(ns: int | None) -> str:
    return NOT_KNOWN if ns is None else time_text(ns)[: len("hh:mm:ss")]


def refusals_table(run: Run) -> str:
    """Return each check that failed, with the sentence of the latest refusal it decided as an example."""
    failed = refusals_by_check(run).filter(pl.col("failed") > 0)
    if failed.is_empty():
        return empty("No check failed.")
    example: dict[str, RiskDecision] = {}
    for _, _, message in run.entries:
        if isinstance(message, RiskDecision) and message.refusals:
            example[check_of(message.refusals[0])] = message
    head = (
        *(Cell(name) for name in ("Check", "Ran", "Failed", "Decided")),
        Cell("Latest example", "text"),
        Cell("Decision", "text"),
    )
    rows = []
    for name, ran, times, deciding in failed.select("check", "ran", "failed", "deciding").iter_rows():
        last = example.get(name)
        sentence = last.sentence if last else "never the first to fail"
        counts = [Cell(f"{count:,}") for count in (ran, times, deciding)]
        story = [Cell(sentence, "text wide"), Cell(last.event_id if last else NOT_KNOWN, "text mono")]
        rows.append([Cell(name, "text"), *counts, *story])
    return table(head, rows)


def incidents_table(run: Run) -> str:
    """Return faults of strategies, gates and streams that changed; empty when there was none."""
    found = [entry for entry in run.entries if isinstance(entry.message, _INCIDENTS)]
    if not found:
        return ""
    lines = [line for entry in found[:INCIDENTS_MAX] for line in lines_of(entry)]
    rows = [(Cell(moment_text(line.ns)), Cell(line.topic, "text"), Cell(line.text, "text wide")) for line in lines]
    more = len(found) - INCIDENTS_MAX
    remark = f"{more:,} later ones are in the log." if more > 0 else ""
    body = table((Cell("Time"), Cell("About", "text"), Cell("What happened", "text")), rows)
    return panel(body + note(remark), "Faults, gates and streams")


def masked_table(run: Run) -> str:
    """Return how often triggers were masked, by strategy and mask; empty when nobody counted."""
    if run.masked.is_empty():
        return ""
    counted = run.masked.group_by("strategy_id", "mask").agg(pl.col("times").sum())
    counted = counted.sort(["times", "strategy_id", "mask"], descending=[True, False, False]).head(MASKS_MAX)
    rows = [(Cell(name, "text"), Cell(mask, "text"), Cell(f"{times:,}")) for name, mask, times in counted.iter_rows()]
    return panel(table((Cell("Strategy"), Cell("Masked by", "text"), Cell("Triggers")), rows), "Masked triggers")


def manifest(run: Run) -> str:
    """Return everything the session was given, so that the run can be made again."""
    opening = run.opening
    if opening is None:
        return empty("No opening entry was given, so what made this run cannot be shown.")
    config = escape(opening.config.decode("utf-8", "replace"))
    return "".join(
        (
            panel(_facts(opening, run.sources.log)),
            panel(_strategies(opening) + "<p></p>" + _tapes(opening)),
            panel(details("Configuration as read", f"<pre>{config}</pre>")),
        )
    )


def assumptions(run: Run) -> str:
    """Return what the simulator takes for granted, line by line."""
    lines = run.opening.assumptions if run.opening else ()
    if not lines:
        return empty("The session's opening entry states no assumptions.")
    return f"<ol>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ol>"


def _facts(opening: SessionOpened, log: str | None) -> str:
    latencies = f"{opening.feed_latency}, {opening.order_latency}, {opening.response_latency}"
    facts = (
        ("Session", opening.session_id),
        ("Mode, account", f"{opening.mode}, {opening.account}"),
        ("Latency: feed, order, response", latencies),
        ("Seed", str(opening.seed)),
        ("Code", opening.code_sha256),
        ("Kernel", opening.kernel_sha256),
        ("Layout", opening.layout_sha256),
        ("Config", opening.config_sha256),
        ("Opening snapshot", opening.snapshot_sha256 or "none: nothing came before"),
        ("Python, processor", f"{opening.python}, {opening.cpu}"),
        ("Libraries", ", ".join(opening.libraries)),
        ("Golden log", log or "not written"),
    )
    items = (f'<dt>{escape(name)}</dt><dd class="mono">{escape(value)}</dd>' for name, value in facts)
    return f'<dl class="facts">{"".join(items)}</dl>'


def _strategies(opening: SessionOpened) -> str:
    rows = [(s.strategy_id, s.module, str(s.version), _params(s.params), s.sha256) for s in opening.strategies]
    return _plain_table(("Strategy", "Module", "Version", "Parameters", "Source SHA-256"), rows)


def _tapes(opening: SessionOpened) -> str:
    rows = [(tape.name, f"{tape.records:,}", tape.path, tape.sha256) for tape in opening.tapes]
    return _plain_table(("Tape", "Records", "Path", "SHA-256"), rows)


def _plain_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = [Cell(name, "text") for name in names]
    return table(head, [[Cell(text, _mono(text)) for text in row] for row in rows])


def _mono(text: str) -> str:
    return "text mono break" if len(text) > _BREAK_FROM else "text mono"


def _params(packed: bytes) -> str:
    """Return packed parameters as JSON text, or their size where they are not a plain value."""
    try:
        return msgspec.json.encode(msgspec.msgpack.decode(packed)).decode()
    except msgspec.MsgspecError:
        return f"{len(packed)} bytes"
