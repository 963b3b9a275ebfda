"""Lease, outbox, executions and kill states, with the fences around them."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_COUNTER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MAKES_ORDER: Final = sa.text("kind IN ('submit', 'replace')")


def upgrade() -> None:
    """Make the tables and their triggers."""
    _lease()
    _outbox()
    _executions()
    _kills()
    fences = _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL
    for statement in fences:
        op.execute(sa.text(statement))


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("account", sa.Text, primary_key=True),
        *_texts("holder"),
        *_numbers("epoch", "expires_ns", "ttl_ns"),
        sa.Column("released", sa.Boolean, nullable=False),
        *_texts("taken_from", "code_sha256", "config_sha256"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("sequence", _COUNTER, primary_key=True),
        *_texts("command_id", "client_order_id", "kind", "account"),
        *_numbers("epoch"),
        *_texts("session"),
        *_numbers("n", "k"),
        *_texts("intent_id", "decision_id"),
        sa.Column("command", sa.LargeBinary, nullable=False),
        *_numbers("recorded_ns", "previous_n", "previous_k"),
        *_texts("state"),
        *_numbers("sent_ns", "changed_ns"),
        *_texts("note"),
        *_numbers("writer_epoch"),
        sa.CheckConstraint("decision_id <> '' OR kind NOT IN ('submit', 'replace')", name="no_order_without_an_approval"),
    )
    op.create_index("one_row_for_each_command", "outbox", ["command_id"], unique=True)
    op.create_index(
        "one_order_for_each_id",
        "outbox",
        ["client_order_id"],
        unique=True,
        sqlite_where=_MAKES_ORDER,
        postgresql_where=_MAKES_ORDER,
    )
    op.create_index("outbox_by_state", "outbox", ["account", "state"])


def _executions() -> None:
    op.create_table(
        "executions",
        sa.Column("sequence", _COUNTER, primary_key=True),
        *_texts("account", "execution_id", "client_order_id"),
        sa.Column("event", sa.LargeBinary, nullable=False),
        *_numbers("recorded_ns", "writer_epoch"),
    )
    op.create_index("one_row_for_each_execution", "executions", ["account", "execution_id"], unique=True)


def _kills() -> None:
    op.create_table(
        "kills",
        *_texts("account", "scope", "key", "state", "reason", "actor"),
        *_numbers("at_ns", "writer_epoch"),
        sa.PrimaryKeyConstraint("account", "scope", "key", name="kills_pkey"),
    )


# What the triggers refuse: a writer whose epoch is not the account's lease, a release that is a second one or of an order that
# another epoch recorded, and an epoch that could come twice. The first message is read by `failures`.
_HELD: Final = "SELECT 1 FROM lease WHERE account = NEW.account AND epoch = NEW.writer_epoch AND released = {false}"
_BAD_BIRTH: Final = "NEW.epoch <> NEW.writer_epoch OR NEW.state NOT IN ('pending', 'sent')"
_BAD_RELEASE: Final = "NEW.state = 'sent' AND (OLD.state <> 'pending' OR NEW.epoch <> NEW.writer_epoch)"
_EPOCH_FALLS: Final = "NEW.epoch < OLD.epoch"
_FENCED: Final = ("outbox", "executions", "kills")


def _sqlite_trigger(name: str, event: str, condition: str, message: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"


_NOT_HELD: Final = f"NOT EXISTS ({_HELD.format(false='0')})"
_SQLITE: Final = (
    *(_sqlite_trigger(f"{table}_insert_fence", f"INSERT ON {table}", _NOT_HELD, "stale epoch") for table in _FENCED),
    *(_sqlite_trigger(f"{table}_update_fence", f"UPDATE ON {table}", _NOT_HELD, "stale epoch") for table in _FENCED),
    _sqlite_trigger("outbox_birth", "INSERT ON outbox", _BAD_BIRTH, "bad birth"),
    _sqlite_trigger("outbox_release", "UPDATE ON outbox", _BAD_RELEASE, "bad release"),
    _sqlite_trigger("lease_epoch", "UPDATE ON lease", _EPOCH_FALLS, "epoch falls"),
    _sqlite_trigger("lease_stays", "DELETE ON lease", "true", "a lease stays"),
)


def _postgresql_function(name: str, condition: str, message: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$"
    )


def _postgresql_trigger(name: str, event: str, function: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW EXECUTE FUNCTION {function}()"


_POSTGRESQL: Final = (
    # FOR SHARE: a takeover waits for the transactions that hold the lease, and they do not begin once it has begun.
    _postgresql_function("lease_fence", f"NOT EXISTS ({_HELD.format(false='false')} FOR SHARE)", "stale epoch"),
    _postgresql_function("outbox_birth", _BAD_BIRTH, "bad birth"),
    _postgresql_function("outbox_release", _BAD_RELEASE, "bad release"),
    *(_postgresql_trigger(f"{table}_fence", f"INSERT OR UPDATE ON {table}", "lease_fence") for table in _FENCED),
    _postgresql_trigger("outbox_birth", "INSERT ON outbox", "outbox_birth"),
    _postgresql_trigger("outbox_release", "UPDATE ON outbox", "outbox_release"),
    _postgresql_function("lease_epoch", _EPOCH_FALLS, "epoch falls"),
    _postgresql_function("lease_stays", "true", "a lease stays"),
    _postgresql_trigger("lease_epoch", "UPDATE ON lease", "lease_epoch"),
    _postgresql_trigger("lease_stays", "DELETE ON lease", "lease_stays"),
)
