"""Persons who decide at a real trader: what waits for them leaves or does not as they say, and what was killed opens by two."""

from pathlib import Path

import pytest

from scripts.live.pair import CONFIG, LIVE_KEY, Account, TraderProcess, Venue, wait_for
from tests.service.live.people import Shell, three_persons
from tests.service.live.test_stages import climb, written
from tidegate.config.stages import Stage
from tidegate.kernel.mode import Mode
from tidegate.replay.verify import verify_log

# The first key ends as that of the second person does: both are asked for.
ASKING = {"approval_notional_usd_max: 1000000000": "approval_notional_usd_max: 1", "approval_wait: 1m": "approval_wait: 10h"}


def waiting(shell: Shell) -> list[str]:
    return [line["approval_id"] for line in shell.call("approvals", "list")[1]["waiting"]]


@pytest.mark.req("I1")
def test_an_order_that_waits_leaves_or_does_not_as_two_persons_say(tape: Path, tmp_path: Path) -> None:
    text = CONFIG.read_text().replace("strategy: mill.py", f"strategy: {CONFIG.parent / 'mill.py'}")
    for old, new in ASKING.items():
        assert old in text
        text = text.replace(old, new)
    config = tmp_path / "asking.yaml"
    config.write_text(text)
    with Venue(tape, speed=20.0) as venue:
        account = Account(tmp_path / "home", venue.origin, config)
        with TraderProcess(account) as trader:
            ann, olga, otto = three_persons(account, trader, tmp_path, role="approver")
            wait_for("two requests", lambda: len(waiting(ann)) >= 2 or not trader.is_alive)
            assert trader.is_alive, trader.said()
            assert venue.orders() == [], "nobody has said yes"
            first, second, *_ = waiting(ann)
            own, _ = ann.call("approvals", "approve", first, "--yes")
            refused, _ = olga.call("approvals", "reject", second, "--reason", "not today")
            ended, _ = ann.call("approvals", "wait", second, "--timeout", "60")
            half = olga.call("approvals", "approve", first, "--yes")
            again, _ = olga.call("approvals", "approve", first, "--yes")
            assert venue.orders() == [], "two persons are asked for"
            both = otto.call("approvals", "approve", first, "--yes")
            assert (half[0], again, both[0]) == (0, 4, 0), (half, both)
            wait_for("its order", lambda: len(venue.orders()) >= 1 or not trader.is_alive)
            closed = {line["approval_id"]: line for line in ann.call("approvals", "history")[1]["closed"]}
            assert trader.stop() == 0, trader.said()
    assert (own, refused, ended) == (4, 0, 1), "an admin approves no order"
    assert (closed[first]["state"], closed[first]["approvers"]) == ("used", ["olga", "otto"])
    assert closed[second]["state"] == "refused"
    assert verify_log(account.home / "log", tapes=[], mode=Mode.COMPILED).match is True


@pytest.mark.req("B3.6", "E2")
def test_real_money_that_was_killed_opens_again_by_two_persons(tape: Path, tmp_path: Path) -> None:
    config = written(tmp_path / "staged.yaml")
    climb(tmp_path / "home", config, Stage.SMALL_LIVE)
    with Venue(tape, speed=20.0, live=True) as venue:
        account = Account(tmp_path / "home", venue.origin, config)
        with TraderProcess(account, "--mode", "small-live", key=LIVE_KEY, live=True) as trader:
            ann, olga, otto = three_persons(account, trader, tmp_path)
            wait_for("orders", lambda: len(venue.orders()) >= 1 or not trader.is_alive)
            assert ann.call("kill", "--wait", "30")[0] == 0
            killed = ann.call("status")[1]
            first = wait_for_code(olga, "resume", "--reason", "looked at")
            again, _ = olga.call("resume", "--reason", "looked at")
            between = ann.call("status")[1]
            other, _ = otto.call("resume", "--reason", "so did I")
            second, _ = otto.call("resume", "--reason", "looked at")
            opened = ann.call("status")[1]
            assert trader.stop() == 0, trader.said()
    assert [gate["state"] for gate in killed["gates"]] == ["halted"]
    assert (first, again, other, second) == (1, 1, 1, 0), "another person, in the same words"
    assert between["gates"] == killed["gates"]
    assert opened["gates"] == []


def wait_for_code(shell: Shell, *arguments: str) -> int:
    """Return the exit code of a request that is refused until the checklist is clean."""
    codes: list[int] = []

    def asked() -> bool:
        codes.append(shell.call(*arguments)[0])
        return codes[-1] != 4

    wait_for("a clean checklist", asked, 60.0)
    return codes[-1]
