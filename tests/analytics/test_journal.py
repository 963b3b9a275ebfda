"""The journal of a scripted day, whose every figure is known, and of logs that are hard to read: torn, running, of several sessions."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.analytics.day import Day
from tests.analytics.journaling import read_again, write_session
from tests.conftest import ROOT
from tests.events.examples import example_of
from tidegate.analytics.collect import Run
from tidegate.analytics.entries import Entry
from tidegate.analytics.journal import orders as orders_module
from tidegate.analytics.journal import recent as recent_module
from tidegate.analytics.journal.columns import COLUMNS, Kind, Row
from tidegate.analytics.journal.query import journal_rows
from tidegate.analytics.journal.source import Told, settled
from tidegate.analytics.journal.tables import JournalFilter, UnknownKindError, export_journal, read_journal
from tidegate.analytics.journal.wanted import BadMomentError, moment_ns
from tidegate.events.acts import DifferenceFound, GateChanged, OrderChanged, RequestMoved, RiskDecision
from tidegate.events.inputs import ClockAnchored, GateSet, LagMeasured, OperatorRequested, OrderEvent, StreamChanged, Tick
from tidegate.journal import DamagedLogError, NotALogError
from tidegate.journal.errors import UnknownExportError, UnreadableLogError, UnwritableExportError
from tidegate.journal.evidence import OrderStages, stages_evidence
from tidegate.journal.files import segment_path
from tidegate.values.enums import GateState, OrderState, Verdict
from tidegate.values.money import nanos_text

pytestmark = pytest.mark.req("I5")

KINDS = tuple(Kind)


@pytest.fixture(scope="session")
def log(day_run: tuple[Run, Day], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "log"
    write_session(path, day_run[0].entries, segment_bytes_max=60_000, block_bytes_max=4_000)
    assert len(list(path.glob("*.seg"))) > 1, "a journal is of many segments"
    return path


def rows(log: Path, kind: Kind) -> list[Row]:
    return list(journal_rows(log, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_has_the_columns_of_its_kind_and_no_empty_text(kind: Kind, log: Path) -> None:
    found = rows(log, kind)
    assert found
    names = [column.name for column in COLUMNS[kind]]
    assert all(list(row) == names for row in found)
    assert not [row for row in found if "" in row.values()]


def test_events_are_all_messages_in_the_order_of_the_log(log: Path, run: Run) -> None:
    found = rows(log, Kind.EVENTS)
    assert [(row["n"], row["k"], row["event_id"]) for row in found] == [(n, k, message.event_id) for n, k, message in run.entries]
    assert {row["type"] for row in found} >= {"attention", "features", "intent", "decision", "command", "order_event", "order_changed"}
    assert all(row["sentence"] for row in found if row["type"] not in {"instrument_defined", "venue_reported"})
    command = next(row for row in found if row["type"] == "command")
    assert command["body"]["client_order_id"] == command["client_order_id"]


def test_what_only_times_the_loop_is_no_event(tmp_path: Path) -> None:
    messages = [example_of(kind) for kind in (Tick, LagMeasured, ClockAnchored, StreamChanged)]
    write_session(tmp_path / "log", [Entry(n, 0, message) for n, message in enumerate(messages)])
    assert [row["type"] for row in rows(tmp_path / "log", Kind.EVENTS)] == ["stream_changed"]


def test_order_stories_say_what_the_tables_of_a_run_say(log: Path, run: Run) -> None:
    found = rows(log, Kind.ORDERS)
    table = {row["client_order_id"]: row for row in run.orders.to_dicts()}
    assert [row["client_order_id"] for row in found] == list(run.orders["client_order_id"])
    for row in found:
        twin = table[row["client_order_id"]]
        same = (
            *("n", "k", "strategy_id", "symbol", "venue", "account", "purpose", "side", "order_type", "state", "sizing", "reason"),
            *("symbol_regime", "market_regime", "accepted_ns", "first_fill_ns", "last_fill_ns", "done_ns", "intent_id", "decision_id"),
            *("slippage_reference_bps", "slippage_mid_bps", "replaces", "note", "exit_reason", "time_in_force"),
        )
        assert {name: row[name] for name in same} == {name: twin[name] or None for name in same} | {
            name: twin[name] for name in same if twin[name] == 0
        }
        assert row["filled"] == nanos_text(twin["filled_nanos"])
        assert row["quantity"] == nanos_text(twin["quantity_nanos"])
        assert len(row["fills"]) == twin["fills"]
        assert (row["average_price"] is None) == (twin["average_price"] is None)
        assert float(row["average_price"] or 0) == pytest.approx(twin["average_price"] or 0, abs=1e-9)
        assert float(row["fees_usd"] or 0) == pytest.approx(twin["fees_usd"] or 0)


def test_a_story_is_told_from_what_asked_for_it_to_its_end(log: Path) -> None:
    for row in rows(log, Kind.ORDERS):
        topics = [line["topic"] for line in row["life"]]
        assert topics.index("decision") < topics.index("command") < topics.index("order")
        places = [(line["n"], line["k"]) for line in row["life"]]
        assert places == sorted(places)
        assert places[-1] >= (row["n"], row["k"])


def test_a_refusal_is_a_row_for_each_failed_check_with_its_numbers(log: Path, run: Run) -> None:
    failed = [
        (message.event_id, check, limit, observed)
        for _, _, message in run.entries
        if isinstance(message, RiskDecision) and message.verdict is Verdict.REFUSED
        for check, passed, limit, observed in message.checks
        if not passed
    ]
    found = [row for row in rows(log, Kind.RISK) if row["kind"] == "refusal"]
    assert failed
    assert [(row["event_id"], row["check"], row["limit"], row["observed"]) for row in found] == failed
    assert all(row["unit"] and row["sentence"] for row in found)
    assert all((row["limit_text"] is None) == (row["limit"] is None) for row in found)
    notional = next(row for row in found if row["check"] == "order_notional")
    assert (notional["unit"], notional["limit_text"], notional["observed_text"]) == ("dollars", "$10000", "$18212")
    unseen = next(row for row in found if row["observed"] is None)
    assert (unseen["observed_text"], "cannot be seen" in unseen["sentence"]) == (None, True)


def test_gates_trips_requests_doubts_differences_and_streams_are_risk_events(tmp_path: Path) -> None:
    gate = example_of(GateChanged)
    by_rule = msgspec.structs.replace(gate, actor="rule:exits-failed", before=GateState.ACTIVE, after=GateState.HALTED)
    by_person = msgspec.structs.replace(by_rule, actor="ann")
    opened = msgspec.structs.replace(by_rule, before=GateState.HALTED, after=GateState.ACTIVE)
    doubt = msgspec.structs.replace(example_of(OrderChanged), after=OrderState.UNKNOWN)
    move = msgspec.structs.replace(example_of(OrderChanged), before=OrderState.NEW, after=OrderState.SUBMITTED)
    wait = msgspec.structs.replace(example_of(RiskDecision), verdict=Verdict.NEEDS_APPROVAL)
    acts = (by_rule, by_person, opened, doubt, move, wait, example_of(RequestMoved), example_of(DifferenceFound))
    inputs = (example_of(OperatorRequested), example_of(GateSet), example_of(StreamChanged))
    entries = [Entry(n, 0, message) for n, message in enumerate(inputs)]
    write_session(tmp_path / "log", [*entries, *(Entry(2, k, act) for k, act in enumerate(acts, start=1))])
    found = rows(tmp_path / "log", Kind.RISK)
    assert [row["kind"] for row in found] == [
        *("request", "gate", "stream", "trip", "gate", "gate", "doubt", "approval", "request", "difference"),
    ]
    trip = found[3]
    assert (trip["before"], trip["after"], trip["actor"], trip["scope"]) == ("active", "halted", "rule:exits-failed", gate.scope.value)
    assert all(row["sentence"] for row in found)
    assert found[6]["client_order_id"] == doubt.client_order_id


def test_a_decision_shows_what_was_seen_sized_and_checked(log: Path, run: Run) -> None:
    found = rows(log, Kind.DECISIONS)
    table = run.decisions.to_dicts()
    verdicts = [row for row in found if row["verdict"] != "nothing"]
    assert [row["event_id"] for row in verdicts] == [row["event_id"] for row in table]
    for row, twin in zip(verdicts, table, strict=True):
        assert (row["verdict"], row["symbol_regime"], row["refusals"]) == (twin["verdict"], twin["symbol_regime"], twin["refusals"])
        assert len(row["checks"]) == twin["checks"]
        intent = run.links.intents[row["intent_id"]]
        assert (row["sizing"], row["reason"], row["asked_by"]) == (intent.sizing or None, intent.reason or None, row["asked_by"] or "")
        seen = run.links.features.get(row["intent_id"])
        assert (row["features"] is None) == (seen is None)
        assert seen is None or row["features"]["spread_bps"] == seen.spread_bps
    assert any(row["features"] for row in verdicts)
    declined = [row for row in found if row["verdict"] == "nothing"]
    assert [row["reason"] for row in declined] == list(run.nothings["reason"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_of_file_holds_the_same_rows(kind: Kind, log: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"rows.{ending}" for ending in ("jsonl", "csv", "parquet")]
    expected = msgspec.json.decode(msgspec.json.encode(rows(log, kind)))
    for path in files:
        assert export_journal(log, kind.value, path) == len(expected)
        assert read_again(path, kind) == expected
    assert sorted(tmp_path.iterdir()) == sorted(files), "nothing unfinished is left"
    assert read_journal(log, kind.value).height == len(expected)


def test_filters_take_a_strategy_a_symbol_and_a_time(log: Path) -> None:
    every = rows(log, Kind.EVENTS)
    middle = every[len(every) // 2]
    strategy, symbol = next((row["strategy_id"], row["symbol"]) for row in every if row["strategy_id"])
    for filters, passes in (
        ({"strategy": strategy}, lambda row: row["strategy_id"] == strategy),
        ({"symbol": symbol}, lambda row: row["symbol"] == symbol),
        ({"since": middle["at"]}, lambda row: row["at_ns"] >= middle["at_ns"] // 1_000 * 1_000),
        ({"until": middle["at_ns"]}, lambda row: row["at_ns"] < middle["at_ns"]),
        ({"since": str(middle["at_ns"]), "symbol": symbol}, lambda row: row["symbol"] == symbol and row["at_ns"] >= middle["at_ns"]),
    ):
        found = read_journal(log, "events", JournalFilter(**filters))
        assert list(found["event_id"]) == [row["event_id"] for row in every if passes(row)]
        assert 0 < found.height < len(every)


def test_an_order_passes_while_it_lives(log: Path) -> None:
    order = next(row for row in rows(log, Kind.ORDERS) if row["done_ns"] and row["done_ns"] > row["at_ns"] + 1)
    asked = {"identity": order["client_order_id"]}
    assert read_journal(log, "orders", JournalFilter(since=order["at_ns"] + 1, **asked)).height >= 1
    assert order["client_order_id"] not in list(
        read_journal(log, "orders", JournalFilter(until=order["at_ns"], **asked))["client_order_id"]
    )
    assert order["client_order_id"] not in list(
        read_journal(log, "orders", JournalFilter(since=order["done_ns"] + 1, **asked))["client_order_id"]
    )


def test_any_id_brings_its_whole_story(log: Path) -> None:
    order = rows(log, Kind.ORDERS)[0]
    story = [row for row in rows(log, Kind.EVENTS) if row["correlation_id"] == order["correlation_id"]]
    execution = next(row["fills"][0]["execution_id"] for row in rows(log, Kind.ORDERS) if row["fills"])
    for identity in (order["client_order_id"], order["intent_id"], order["decision_id"], f"{order['n']}-{order['k']}"):
        found = list(read_journal(log, "events", JournalFilter(identity=identity))["event_id"])
        assert set(found) >= {row["event_id"] for row in story}, identity
        assert order["client_order_id"] in list(read_journal(log, "orders", JournalFilter(identity=identity))["client_order_id"])
        assert order["decision_id"] in list(read_journal(log, "decisions", JournalFilter(identity=identity))["event_id"])
    assert read_journal(log, "orders", JournalFilter(identity=execution)).height >= 1
    assert read_journal(log, "events", JournalFilter(identity="nobody")).height == 0


def test_what_cannot_be_asked_is_one_sentence(log: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownKindError, match="ask for events, orders, risk, decisions"):
        read_journal(log, "fills")
    with pytest.raises(BadMomentError, match="'yesterday' is no moment"):
        read_journal(log, "events", JournalFilter(since="yesterday"))
    with pytest.raises(UnknownExportError, match=r"none of \.jsonl, \.csv and \.parquet"):
        export_journal(log, "events", tmp_path / "rows.xlsx")
    with pytest.raises(UnwritableExportError):
        export_journal(log, "events", tmp_path / "no" / "rows.csv")
    with pytest.raises(NotALogError):
        read_journal(tmp_path, "events")


def test_moments_are_dates_times_and_numbers() -> None:
    assert moment_ns("2013-10-07") == moment_ns("2013-10-07T00:00:00Z") == moment_ns("2013-10-07T02:00:00+02:00") == 1_381_104_000 * 10**9
    assert (moment_ns(""), moment_ns(None), moment_ns("17"), moment_ns(17)) == (None, None, 17, 17)


# Logs that are hard to read.


def test_a_running_log_is_read_as_far_as_its_disk_has_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("tidegate.journal.following._sync", synced.append)
    half = len(run.entries) // 2
    writer = write_session(tmp_path / "log", run.entries[:half], close=False)
    assert len(rows(tmp_path / "log", Kind.EVENTS)) == half
    assert len(synced) == 1, "what is not sealed is synced before it is told"
    writer.input(run.entries[half - 1].n + 1, b"in the buffer, not in a block")
    assert len(rows(tmp_path / "log", Kind.EVENTS)) == half
    writer.close()
    with pytest.raises(Exception, match="cannot be read"):
        rows(tmp_path / "log", Kind.EVENTS)


def test_a_torn_end_is_no_error(run: Run, tmp_path: Path) -> None:
    write_session(tmp_path / "log", run.entries, close=False, block_bytes_max=4_000).abandon()
    path = segment_path(tmp_path / "log", 0)
    path.write_bytes(path.read_bytes()[:-100])
    found = rows(tmp_path / "log", Kind.EVENTS)
    assert 0 < len(found) < len(run.entries)
    assert [row["event_id"] for row in found] == [message.event_id for _, _, message in run.entries[: len(found)]]


def test_damage_is_an_error_and_leaves_no_file(run: Run, tmp_path: Path) -> None:
    write_session(tmp_path / "log", run.entries, block_bytes_max=4_000)
    path = segment_path(tmp_path / "log", 0)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedLogError):
        export_journal(tmp_path / "log", "events", tmp_path / "rows.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["log"]


def test_a_disk_that_refuses_is_one_sentence(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_session(tmp_path / "log", run.entries[:4], close=False).abandon()

    def refuse(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("tidegate.journal.following._sync", refuse)
    with pytest.raises(UnreadableLogError, match="Input/output error"):
        settled(tmp_path / "log")


def test_an_order_that_outlives_its_session_is_one_row(run: Run, tmp_path: Path) -> None:
    order = next(row for row in run.order_rows if row.fills)
    first = next(
        place
        for place, entry in enumerate(run.entries)
        if isinstance(entry.message, OrderEvent) and entry.message.client_order_id == order.client_order_id
    )
    write_session(tmp_path / "log", run.entries[:first], name="one")
    start = run.entries[first].n
    write_session(tmp_path / "log", [Entry(n - start, k, message) for n, k, message in run.entries[first:]], name="two")
    (row,) = [row for row in rows(tmp_path / "log", Kind.ORDERS) if row["client_order_id"] == order.client_order_id]
    assert (row["session"], row["state"], len(row["fills"])) == ("one", order.state.value, len(order.fills))


def test_stages_come_from_measurements_else_from_our_own_edge(run: Run, tmp_path: Path) -> None:
    order = run.order_rows[0]
    entries = [entry for entry in run.entries if entry.n <= order.n]
    writer = write_session(tmp_path / "log", entries, close=False)
    stages = OrderStages(
        client_order_id=order.client_order_id, command_id="x", received_ns=1, decided_ns=2, durable_ns=3, sent_ns=4, acked_ns=5
    )
    writer.evidence(stages_evidence(stages))
    writer.evidence(stages_evidence(msgspec.structs.replace(stages, client_order_id="somebody else's")))
    writer.close()
    row = next(row for row in rows(tmp_path / "log", Kind.ORDERS) if row["client_order_id"] == order.client_order_id)
    assert [row[f"{name}_ns"] for name in ("received", "decided", "durable", "sent", "acked")] == [1, 2, 3, 4, 5]
    event = next(
        entry for entry in run.entries if isinstance(entry.message, OrderEvent) and entry.message.client_order_id == order.client_order_id
    )
    sent = msgspec.structs.replace(event.message, sent_ns=7, durable_ns=6)
    write_session(tmp_path / "other", [*entries, Entry(entries[-1].n + 1, 0, sent)])
    row = next(row for row in rows(tmp_path / "other", Kind.ORDERS) if row["client_order_id"] == order.client_order_id)
    assert (row["received_ns"], row["decided_ns"], row["durable_ns"], row["sent_ns"]) == (order.command.timestamp, None, 6, 7)


def test_memory_does_not_grow_with_the_log(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_module, "ENDED_KEPT_MAX", 1)
    monkeypatch.setattr(recent_module, "STORIES_MAX", 8)
    monkeypatch.setattr(recent_module, "STORY_ENTRIES_MAX", 6)
    stories = orders_module.OrderStories()
    kept: list[tuple[int, int, int]] = []

    def source() -> Iterator[Told]:
        for n, k, message in run.entries:
            yield Told("s", n, k, message)
            kept.append((len(stories._ended), len(stories._open), len(stories._recent._stories)))

    found = list(stories.rows(source()))
    assert max(ended for ended, _, _ in kept) <= 1
    assert max(working for _, working, _ in kept) < run.orders.height / 10
    assert max(told for _, _, told in kept) <= 8
    assert sorted(row["client_order_id"] for row in found) == sorted(run.orders["client_order_id"])


def test_a_word_about_an_order_that_is_not_in_the_log_is_counted(run: Run) -> None:
    stories = orders_module.OrderStories()
    event = next(entry.message for entry in run.entries if isinstance(entry.message, OrderEvent))
    assert list(stories.rows(iter([Told("s", 0, 0, event)]))) == []
    assert stories.late == 1


def test_the_manual_shows_every_column() -> None:
    page = (ROOT / "docs" / "journal.md").read_text()
    for kind in Kind:
        section = page.partition(f"\n## {kind.value.capitalize()}\n")[2].partition("\n## ")[0]
        shown = [line for line in section.splitlines() if line.startswith("| `")]
        assert shown == [f"| `{column.name}` | {column.type.value} | {column.unit} | {column.meaning} |" for column in COLUMNS[kind]]
