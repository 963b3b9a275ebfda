"""`tidegate simulate`: a fault campaign, limits under concurrency, and a failing seed alone."""

from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli import printing
from tidegate.cli.words import Json
from tidegate.values.errors import ExitCode

if TYPE_CHECKING:
    from tidegate.simulation.campaign.running import Campaign
    from tidegate.simulation.schedules import Schedules

_SHOWN = 20  # failing seeds in words


def simulate(
    *,
    seeds: Annotated[str, typer.Option("--seeds", help="A..B (B not included), or one seed to run it alone.")] = "0..1000",
    limits: Annotated[bool, typer.Option("--limits", help="Only the limits, under strategies that never wait for each other.")] = False,
    as_json: Json = False,
) -> None:
    """Run whole traders beside a faulty venue on virtual time, one world a seed.

    Every world draws its faults from its seed, so a failing one reproduces alone. Exit code 0 only where no
    invariant broke and every listed fault was reached often enough. With --json: seeds, seconds, cpu_seconds,
    seeds_per_second (of processor time), events_mean, events_least, orders_mean, orders_least, reached, missing, and broken
    (seed, invariant, words).

    With --limits each seed is a schedule of many strategies whose orders are acknowledged late, twice or never;
    after every step the worst that can come of the venue's own books is laid beside each limit. With --json then:
    seeds, seconds, approved, refused, unknown, and broken.
    """
    if limits:
        _simulate_limits(seeds, as_json=as_json)
        return
    from tidegate.simulation.campaign.running import parse_seeds, run_campaign
    from tidegate.simulation.campaign.setting import prepare

    chosen = parse_seeds(seeds)
    if not as_json:
        printing.note("preparing the compiled senses (once per version; up to half a minute)")
    with printing.progress("worlds") as tell:
        found = run_campaign(prepare(), chosen, progress=tell)
    if as_json:
        printing.document(_document(found))
    else:
        printing.lines(_lines(found))
    if not found.is_good:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _simulate_limits(seeds: str, *, as_json: bool) -> None:
    from tidegate.simulation.campaign.running import parse_seeds
    from tidegate.simulation.schedules import run_schedules

    with printing.progress("schedules") as tell:
        found = run_schedules(parse_seeds(seeds), progress=tell)
    if as_json:
        printing.document(
            {
                "seeds": found.seeds,
                "seconds": round(found.seconds, 3),
                "approved": found.approved,
                "refused": found.refused,
                "unknown": found.unknown,
                "broken": [{"seed": outcome.seed, "words": outcome.broken} for outcome in found.broken],
            }
        )
    else:
        printing.lines(_schedule_lines(found))
    if found.broken:
        raise typer.Exit(ExitCode.ANSWER_IS_NO)


def _schedule_lines(found: "Schedules") -> list[str]:
    head = (
        f"{found.seeds:,} schedules in {found.seconds:.1f} s: {found.approved:,} orders approved, {found.refused:,} refused, "
        f"{found.unknown:,} times an outcome was unknown"
    )
    lines = [
        head,
        *(f"seed {outcome.seed}: {outcome.broken}" for outcome in found.broken[:_SHOWN]),
    ]
    if found.broken:
        return [*lines, f"{len(found.broken)} schedules broke a limit; run one alone with --limits --seeds {found.broken[0].seed}"]
    return [*lines, "no limit was broken"]


def _document(found: "Campaign") -> dict[str, object]:
    return {
        "seeds": found.seeds,
        "seconds": round(found.seconds, 3),
        "cpu_seconds": round(found.cpu_seconds, 3),
        "seeds_per_second": round(found.seeds / found.cpu_seconds, 1),
        "events_mean": round(found.events_mean, 1),
        "events_least": found.events_least,
        "orders_mean": round(found.orders_mean, 1),
        "orders_least": found.orders_least,
        "reached": found.reached,
        "missing": list(found.missing),
        "broken": [{"seed": o.seed, "invariant": o.broken, "words": o.words} for o in found.broken],
    }


def _lines(found: "Campaign") -> list[str]:
    from tidegate.simulation.campaign.faults import FAULTS

    head = (
        f"{found.seeds:,} worlds in {found.seconds:.1f} s ({found.seeds / found.cpu_seconds:.0f} a second of one processor); "
        f"events {found.events_mean:.0f} on average, {found.events_least} at least; "
        f"orders {found.orders_mean:.1f} on average, {found.orders_least} at least"
    )
    lines = [
        head,
        "",
        *(f"{name:>5}  {count:>9,}  {FAULTS[name]}" for name, count in found.reached.items()),
        "",
    ]
    if found.missing:
        lines.append(f"too seldom: {', '.join(found.missing)}")
    lines += [f"seed {o.seed} breaks {o.broken}: {o.words}" for o in found.broken[:_SHOWN]]
    if found.broken:
        lines.append(f"{len(found.broken)} seeds broke; run one alone with --seeds {found.broken[0].seed}")
    else:
        lines.append("no invariant broke")
    return lines
