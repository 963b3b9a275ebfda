"""A mode is one of the table's stages, or the start says so."""

import pytest

from tidegate.authority.actions import REAL_MONEY, TradingStage
from tidegate.config.stages import STAGE_OF_MODE
from tidegate.service.starting import MODES, UnknownModeError, check_mode
from tidegate.values.errors import ExitCode

pytestmark = pytest.mark.req("E2", "D2.2")


def test_every_mode_is_a_stage_and_those_of_real_money_need_a_version_that_holds_one() -> None:
    assert tuple(stage.value for stage in TradingStage) == MODES
    assert {stage.value for stage in REAL_MONEY} == set(STAGE_OF_MODE)


def test_a_mode_that_does_not_exist_is_refused_with_those_that_do() -> None:
    for mode in ("papper", "", "PAPER", "dry_run"):
        with pytest.raises(UnknownModeError, match="use dry-run, shadow, paper, small-live or live") as refused:
            check_mode(mode)
        assert refused.value.exit_code is ExitCode.USAGE
    for mode in MODES:
        check_mode(mode)
