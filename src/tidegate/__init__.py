"""tidegate: a safety-first trading platform. Every order is gated, explained, durable and replayable.

The names below are the public API, promised and tested; each is imported when it is first used, so that
`import tidegate` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tidegate.analytics.collect import Run as Run
    from tidegate.analytics.explain import Story as Story
    from tidegate.analytics.explain import explain as explain
    from tidegate.analytics.journal.tables import JournalFilter as JournalFilter
    from tidegate.analytics.journal.tables import export_journal as export_journal
    from tidegate.analytics.journal.tables import read_journal as read_journal
    from tidegate.analytics.metrics import metrics_table as metrics_table
    from tidegate.analytics.report import report_json as report_json
    from tidegate.analytics.report import write_report as write_report
    from tidegate.config.loading import load_strategy as load_strategy
    from tidegate.config.reading import read_config as read_config
    from tidegate.config.trying import entry_attention as entry_attention
    from tidegate.config.trying import quiet_rows as quiet_rows
    from tidegate.config.trying import quiet_view as quiet_view
    from tidegate.kernel.mode import Mode as Mode
    from tidegate.replay.prepare import Latencies as Latencies
    from tidegate.replay.reading import log_entries as log_entries
    from tidegate.replay.reading import read_log as read_log
    from tidegate.replay.run import Options as Options
    from tidegate.replay.run import Replay as Replay
    from tidegate.replay.run import Summary as Summary
    from tidegate.replay.run import run_replay as run_replay
    from tidegate.replay.verify import Verdict as Verdict
    from tidegate.replay.verify import verify_log as verify_log
    from tidegate.service.webhooks.signature import WebhookRefusedError as WebhookRefusedError
    from tidegate.service.webhooks.signature import verify_webhook as verify_webhook
    from tidegate.strategies.plan import EntryRule as EntryRule
    from tidegate.strategies.plan import EntryStyle as EntryStyle
    from tidegate.strategies.plan import ExitAt as ExitAt
    from tidegate.strategies.plan import ExitRule as ExitRule
    from tidegate.strategies.plan import PartialFillRule as PartialFillRule
    from tidegate.strategies.plan import Plan as Plan
    from tidegate.strategies.plan import ReentryRule as ReentryRule
    from tidegate.strategies.plan import SizingMethod as SizingMethod
    from tidegate.strategies.plan import SizingRule as SizingRule
    from tidegate.strategies.plan import Subscription as Subscription
    from tidegate.strategies.plan import atr as atr
    from tidegate.strategies.plan import bps as bps
    from tidegate.strategies.plan import dollars as dollars
    from tidegate.strategies.rows import BUY as BUY
    from tidegate.strategies.rows import EXIT as EXIT
    from tidegate.strategies.rows import NONE as NONE
    from tidegate.strategies.rows import SELL as SELL
    from tidegate.strategies.strategy import Attention as Attention
    from tidegate.strategies.strategy import Bar as Bar
    from tidegate.strategies.strategy import Intent as Intent
    from tidegate.strategies.strategy import NoState as NoState
    from tidegate.strategies.strategy import Nothing as Nothing
    from tidegate.strategies.strategy import Strategy as Strategy
    from tidegate.strategies.strategy import View as View
    from tidegate.tapes.format import Tape as Tape
    from tidegate.values.enums import Purpose as Purpose
    from tidegate.values.enums import Side as Side
    from tidegate.values.errors import ExitCode as ExitCode
    from tidegate.values.errors import TidegateError as TidegateError

_HOMES: Final = {
    # replays and logs
    "run_replay": "replay.run",
    "Options": "replay.run",
    "Replay": "replay.run",
    "Summary": "replay.run",
    "Latencies": "replay.prepare",
    "Mode": "kernel.mode",
    "read_config": "config.reading",
    "read_log": "replay.reading",
    "log_entries": "replay.reading",
    "read_journal": "analytics.journal.tables",
    "export_journal": "analytics.journal.tables",
    "JournalFilter": "analytics.journal.tables",
    "verify_log": "replay.verify",
    "Verdict": "replay.verify",
    "Tape": "tapes.format",
    # what a run tells
    "Run": "analytics.collect",
    "Story": "analytics.explain",
    "explain": "analytics.explain",
    "metrics_table": "analytics.metrics",
    "report_json": "analytics.report",
    "write_report": "analytics.report",
    # the words of strategy files, and trying one by hand
    "load_strategy": "config.loading",
    "entry_attention": "config.trying",
    "quiet_rows": "config.trying",
    "quiet_view": "config.trying",
    "BUY": "strategies.rows",
    "SELL": "strategies.rows",
    "EXIT": "strategies.rows",
    "NONE": "strategies.rows",
    "Attention": "strategies.strategy",
    "Bar": "strategies.strategy",
    "Intent": "strategies.strategy",
    "NoState": "strategies.strategy",
    "Nothing": "strategies.strategy",
    "Strategy": "strategies.strategy",
    "View": "strategies.strategy",
    "EntryRule": "strategies.plan",
    "EntryStyle": "strategies.plan",
    "ExitAt": "strategies.plan",
    "ExitRule": "strategies.plan",
    "PartialFillRule": "strategies.plan",
    "Plan": "strategies.plan",
    "ReentryRule": "strategies.plan",
    "SizingMethod": "strategies.plan",
    "SizingRule": "strategies.plan",
    "Subscription": "strategies.plan",
    "atr": "strategies.plan",
    "bps": "strategies.plan",
    "dollars": "strategies.plan",
    "Purpose": "values.enums",
    "Side": "values.enums",
    # webhooks
    "verify_webhook": "service.webhooks.signature",
    "WebhookRefusedError": "service.webhooks.signature",
    # errors
    "ExitCode": "values.errors",
    "TidegateError": "values.errors",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list, not two that drift apart


def __getattr__(name: str) -> Any:
    """Import a public name from where it lives."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tidegate' has no attribute {name!r}")
    return getattr(import_module(f"tidegate.{home}"), name)


def __dir__() -> list[str]:
    """Name what may be used."""
    return sorted({*globals(), *_HOMES})
