"""The command `tidegate`: which verbs there are. Each imports what it needs when called: --help is fast."""

import sys
from collections.abc import Callable
from typing import Annotated, Final

import typer
from typer.main import get_command

from tidegate.cli import (
    approving,
    asking,
    auditing,
    demo,
    doctoring,
    emulating,
    explaining,
    health,
    journaling,
    logging_in,
    logs,
    notifying,
    operating,
    preparing,
    replaying,
    settings,
    simulating,
    strategies,
    tapes,
    trading,
    upping,
    users,
    verifying,
    versions,
)
from tidegate.cli.exits import TRACEBACK, Guard
from tidegate.cli.streams import open_streams
from tidegate.cli.words import example

_PLAIN: Final = None  # help without boxes: it loads in no time and pastes well

app = typer.Typer(rich_markup_mode=_PLAIN, add_completion=False, pretty_exceptions_enable=False)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing is raised."""
    open_streams()
    given = sys.argv[1:] if arguments is None else arguments
    with Guard(given) as guard, get_command(app).make_context("tidegate", list(given)) as context:
        context.command.invoke(context)
    return guard.code


@app.callback(invoke_without_command=True, epilog=example("tidegate demo", "tidegate replay --help"))
def root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    traceback: Annotated[  # noqa: ARG001 - read by the guard, which also sees errors of parsing
        bool, typer.Option(TRACEBACK, help="Show where in the code an error arose (or TIDEGATE_TRACEBACK=1).")
    ] = False,
) -> None:
    """Trade your own strategies safely: every decision gated, explained, durable and replayable.

    Exit codes: 0 ok, 1 the answer is no, 2 usage, 3 environment, 4 refused by a safety rule, 70 a bug of
    tidegate, 130 interrupted.
    """
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"tidegate {installed('tidegate')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _group(name: str, purpose: str) -> typer.Typer:
    """Add a word that other verbs follow."""
    group = typer.Typer(rich_markup_mode=_PLAIN, help=purpose)
    app.add_typer(group, name=name)

    @group.callback(invoke_without_command=True)
    def alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return group


def _verb(where: typer.Typer, name: str, function: Callable[..., None], *examples: str) -> None:
    where.command(name, epilog=example(*examples))(function)


_verb(app, "demo", demo.demo, "tidegate demo", "tidegate demo --day 2013-10-08")
_verb(
    app,
    "replay",
    replaying.replay,
    "tidegate replay day.tape --strategy mean_reversion:entry_z=3 --log day-log --report day.html",
)
_verb(app, "verify", verifying.verify, "tidegate verify day-log")
_verb(app, "simulate", simulating.simulate, "tidegate simulate --seeds 0..1000", "tidegate simulate --seeds 4711")
_verb(app, "explain", explaining.explain, "tidegate explain 412-3 --log day-log", "tidegate explain ORDER_ID")
_verb(app, "health", health.health, "tidegate health --home /var/lib/tidegate", "tidegate health --ready")
_verb(app, "report", explaining.report, "tidegate report day-log day.html")

_verb(app, "up", upping.up, "tidegate up --demo", "tidegate up --config my.yaml --mode paper")
_verb(app, "status", operating.status, "tidegate status", "tidegate status --probe ready")
_verb(app, "orders", operating.orders, "tidegate orders --finished 50")
_verb(app, "positions", operating.positions, "tidegate positions --json")
_verb(app, "limits", operating.limits, "tidegate limits")
_verb(app, "pause", asking.pause, "tidegate pause --strategy breakout")
_verb(app, "resume", asking.resume, 'tidegate resume --reason "the feed is back"')
_verb(app, "disable", asking.disable, "tidegate disable AAPL")
_verb(app, "enable", asking.enable, "tidegate enable AAPL")
_verb(app, "flatten", asking.flatten, "tidegate flatten --symbol AAPL --yes")
_verb(app, "kill", asking.kill, "tidegate kill", 'tidegate kill --strategy breakout --yes --reason "wrong sizes"')
_approvals = _group("approvals", "Orders that wait for a person: look, approve, reject, wait.")
_verb(_approvals, "list", approving.list_, "tidegate approvals list")
_verb(_approvals, "show", approving.show, "tidegate approvals show ab3d")
_verb(_approvals, "approve", approving.approve, 'tidegate approvals approve ab3d --reason "as planned"')
_verb(_approvals, "reject", approving.reject, 'tidegate approvals reject ab3d --reason "too large today"')
_verb(_approvals, "history", approving.history, "tidegate approvals history --count 20")
_verb(_approvals, "wait", approving.wait, "tidegate approvals wait ab3d --timeout 600")

_verb(app, "kernels", preparing.kernels, "tidegate kernels", "tidegate kernels --part venue")
_verb(app, "notify", notifying.notify, "tidegate notify --config my.yaml", "tidegate notify --status")
_verb(app, "doctor", doctoring.doctor, "tidegate doctor", "tidegate doctor --mode paper --venue paper")

_verb(app, "login", logging_in.login, "tidegate login ann", "tidegate login ann --password-stdin < secrets")
_verb(app, "logout", logging_in.logout, "tidegate logout")
_verb(app, "whoami", logging_in.whoami, "tidegate whoami")

app.command("trader", hidden=True, epilog=example("tidegate trader --config my.yaml --home ~/tidegate"))(trading.trader)

_users = _group("users", "Say who may ask a running trader for what.")
_verb(_users, "first-admin", users.first_admin, "tidegate users first-admin ann")
_verb(_users, "add", users.add, "tidegate users add bob --role risk_officer")
_verb(_users, "list", users.list_, "tidegate users list")
_verb(_users, "role", users.role, "tidegate users role bob approver")
_verb(_users, "disable", users.disable, "tidegate users disable bob")
_verb(_users, "enable", users.enable, "tidegate users enable bob")
_verb(_users, "password", users.password, "tidegate users password ann", "tidegate users password bob --second-factor")

_emulate = _group("emulate", "Be a venue on this machine, for bots, demos and tests.")
_verb(
    _emulate,
    "alpaca",
    emulating.alpaca,
    "tidegate emulate alpaca",
    "tidegate emulate alpaca --tape day.tape --speed 10 --faults faults.yaml",
)

_tape = _group("tape", "Make tapes of market records, and look into them.")
_verb(
    _tape,
    "import",
    tapes.import_,
    "tidegate tape import lean aig/20131007_quote.zip aig/20131007_trade.zip aig.tape",
    "tidegate tape import csv prints.csv aig.tape --map time=ts,price=px,size=qty,ticker=AIG",
)
_verb(
    _tape,
    "generate",
    tapes.generate,
    "tidegate tape generate market.tape --seed 7 --events 200000 --symbols 3",
)
_verb(_tape, "info", tapes.info, "tidegate tape info day.tape")
_verb(_tape, "head", tapes.head, "tidegate tape head day.tape --count 20")
_verb(_tape, "sample", tapes.sample, "tidegate tape sample day.tape --count 20")

_log = _group("log", "Look into golden logs, export and recover them.")
_verb(_log, "show", logs.show, "tidegate log show day-log --type decision --symbol AIG")
_verb(_log, "stats", logs.stats, "tidegate log stats day-log")
_verb(_log, "export", logs.export, "tidegate log export day-log day.parquet")
_verb(_log, "recover", logs.recover, "tidegate log recover day-log")

_audit = _group("audit", "Prove, search and export the record of who did what, when and why.")
_verb(
    _audit, "verify", auditing.verify, "tidegate audit verify", "tidegate audit verify --anchors /mnt/other/anchors.jsonl --key audit.pub"
)
_verb(_audit, "search", auditing.search, "tidegate audit search --type request", "tidegate audit search --id ORDER_ID")
_verb(_audit, "export", auditing.export, "tidegate audit export audit.parquet", "tidegate audit export day.jsonl --from 2027-01-15")

_journal = _group("journal", "Ask a golden log, of a trader that runs too, what happened and why; export the answers.")
_verb(_journal, "events", journaling.events, "tidegate journal events --since 2026-03-02T14:30:00Z")
_verb(_journal, "orders", journaling.orders, "tidegate journal orders --symbol AAPL", "tidegate journal orders --id ORDER_ID --json")
_verb(_journal, "risk", journaling.risk, "tidegate journal risk --log day-log")
_verb(_journal, "decisions", journaling.decisions, "tidegate journal decisions --strategy breakout --limit 20")
_verb(
    _journal,
    "export",
    journaling.export,
    "tidegate journal export orders orders.csv",
    "tidegate journal export risk risk.parquet --log day-log",
)

_verb(app, "strategies", strategies.strategies, "tidegate strategies", "tidegate strategies ./my_strategy.py")
_new = _group("new", "Write a working start of something of your own.")
_verb(_new, "strategy", strategies.new, "tidegate new strategy my_strategy")

_config = _group("config", "Look into configurations, keep their versions, and move them from shadow to live.")
_verb(_config, "show", settings.show, "tidegate config show us-stocks", "tidegate config show my.yaml")
_verb(_config, "keys", settings.keys, "tidegate config keys")
_verb(_config, "validate", versions.validate, "tidegate config validate my.yaml")
_verb(_config, "add", versions.add, "tidegate config add my.yaml", "tidegate config add tighter.yaml --parent 7cc4bbf35a04")
_config.command("stage", hidden=True, epilog=example("tidegate config stage my.yaml"))(versions.add)
_verb(_config, "diff", versions.diff, "tidegate config diff 7cc4bbf35a04 my.yaml")
_verb(
    _config,
    "promote",
    versions.promote,
    'tidegate config promote 7cc4bbf35a04 --to paper --reason "three quiet days"',
    "tidegate config promote 7cc4bbf35a04 --to small_live --log paper/log --approve",
)
_verb(_config, "rollback", versions.rollback, 'tidegate config rollback 7cc4bbf35a04 --reason "the new one slips"')
_verb(_config, "history", versions.history, "tidegate config history")
