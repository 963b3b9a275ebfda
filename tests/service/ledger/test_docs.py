"""The manual's page of the ledger says what the code says."""

import pytest

from tests.conftest import ROOT
from tidegate.service.gatekeeper import LEASE_MARGIN_NS
from tidegate.service.keys import ALL_NAMES
from tidegate.service.lease import RENEW_NS, REQUEST_NS, TTL_NS
from tidegate.service.ledger import errors
from tidegate.service.ledger.opening import LOCK_WAIT_MS
from tidegate.service.ledger.schema import METADATA
from tidegate.service.ledger.states import TRANSITIONS
from tidegate.values.time import SECOND_NS

pytestmark = pytest.mark.req("B2.2", "E1")

PAGE = (ROOT / "docs" / "ledger.md").read_text()


def test_each_state_is_told_with_what_it_may_become() -> None:
    for state, after in TRANSITIONS.items():
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{state}` |")]
        assert set(line.split("|")[3].replace("`", "").replace(",", " ").split()) == set(after)


def test_each_table_error_and_name_of_a_key_is_told() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LedgerError)]
    leaves = [kind.__name__ for kind in kinds if kind is not errors.LedgerError]
    assert len(leaves) == 8
    assert [name for name in (*leaves, *METADATA.tables, *ALL_NAMES) if f"`{name}`" not in PAGE] == []


def test_the_seconds_are_those_of_the_code() -> None:
    seconds = [part // SECOND_NS for part in (TTL_NS, RENEW_NS, LEASE_MARGIN_NS, REQUEST_NS)]
    told = "A lease runs for {} s and is renewed every {} s. Its holder stops sending {} s before it ends".format(*seconds[:3])
    assert told in PAGE
    assert f"({seconds[3]} s more)" in PAGE
    assert f"`LedgerLockedError` after {LOCK_WAIT_MS // 1_000} s" in PAGE
