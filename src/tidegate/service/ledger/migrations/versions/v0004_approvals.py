"""Requests for approval, which are used once with the order that rests on them, and the fences around them."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Make the table and its triggers."""
    op.create_table(
        "approvals",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("account", "approval_id", "order_sha256", "state", "approvers")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("expires_ns", "at_ns", "writer_epoch")),
        sa.PrimaryKeyConstraint("account", "approval_id", name="approvals_pkey"),
    )
    for statement in _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement))


# What the triggers refuse: a writer whose epoch is not the account's lease, an approval that was born used or is used without being
# granted, one that is closed and moves, and one that becomes another order's.
_BORN_USED: Final = "NEW.state = 'used'"
_CLOSED: Final = "OLD.state NOT IN ('waiting', 'half_granted', 'granted')"
_OTHER: Final = "NEW.order_sha256 <> OLD.order_sha256 OR NEW.expires_ns <> OLD.expires_ns"
_BAD_USE: Final = f"{_CLOSED} OR {_OTHER} OR (NEW.state = 'used' AND OLD.state <> 'granted')"
_NOT_HELD: Final = "NOT EXISTS (SELECT 1 FROM lease WHERE account = NEW.account AND epoch = NEW.writer_epoch AND released = 0)"


def _sqlite_trigger(name: str, event: str, condition: str, message: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} ON approvals WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"


_SQLITE: Final = (
    _sqlite_trigger("approvals_insert_fence", "INSERT", _NOT_HELD, "stale epoch"),
    _sqlite_trigger("approvals_update_fence", "UPDATE", _NOT_HELD, "stale epoch"),
    _sqlite_trigger("approvals_birth", "INSERT", _BORN_USED, "born used"),
    _sqlite_trigger("approvals_use", "UPDATE", _BAD_USE, "bad use"),
)


def _postgresql_function(name: str, condition: str, message: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$"
    )


def _postgresql_trigger(name: str, event: str, function: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} ON approvals FOR EACH ROW EXECUTE FUNCTION {function}()"


_POSTGRESQL: Final = (
    _postgresql_function("approvals_birth", _BORN_USED, "born used"),
    _postgresql_function("approvals_use", _BAD_USE, "bad use"),
    _postgresql_trigger("approvals_fence", "INSERT OR UPDATE", "lease_fence"),
    _postgresql_trigger("approvals_birth", "INSERT", "approvals_birth"),
    _postgresql_trigger("approvals_use", "UPDATE", "approvals_use"),
)
