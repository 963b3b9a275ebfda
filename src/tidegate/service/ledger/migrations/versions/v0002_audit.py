"""The audit chain and its signed heads: appended under the lease, each record on the one before, never changed, never taken out."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Make the tables and their triggers."""
    op.create_table(
        "audit",
        *_texts("account"),
        *_numbers("seq", "ts_ns"),
        *_texts("actor", "type", "subject", "body", "prev_hash", "hash"),
        *_numbers("writer_epoch"),
        sa.PrimaryKeyConstraint("account", "seq", name="audit_pkey"),
    )
    op.create_table(
        "audit_heads",
        *_texts("account"),
        *_numbers("seq", "count"),
        *_texts("hash"),
        *_numbers("ts_ns"),
        *_texts("key", "signature"),
        *_numbers("writer_epoch"),
        sa.PrimaryKeyConstraint("account", "seq", name="audit_heads_pkey"),
    )
    fences = _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL
    for statement in fences:
        op.execute(sa.text(statement))


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


# What the triggers refuse: a writer whose epoch is not the account's lease, a record that does not follow on the last one, a head
# that names no record, and any change of what stands there. The first message is read by `failures`.
_TABLES: Final = ("audit", "audit_heads")
_HELD: Final = "SELECT 1 FROM lease WHERE account = NEW.account AND epoch = NEW.writer_epoch AND released = {false}"
_LAST: Final = "SELECT {what} FROM audit WHERE account = NEW.account ORDER BY seq DESC LIMIT 1"
_FIRST_HASH: Final = "0" * 64
_BAD_LINK: Final = (
    f"NEW.seq <> COALESCE(({_LAST.format(what='seq')}), 0) + 1 OR NEW.prev_hash <> COALESCE(({_LAST.format(what='hash')}), '{_FIRST_HASH}')"
)
_BAD_HEAD: Final = "NOT EXISTS (SELECT 1 FROM audit WHERE account = NEW.account AND seq = NEW.seq AND hash = NEW.hash)"


def _sqlite_trigger(name: str, event: str, condition: str, message: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"


_NOT_HELD: Final = f"NOT EXISTS ({_HELD.format(false='0')})"
_SQLITE: Final = (
    *(_sqlite_trigger(f"{table}_insert_fence", f"INSERT ON {table}", _NOT_HELD, "stale epoch") for table in _TABLES),
    *(_sqlite_trigger(f"{table}_update", f"UPDATE ON {table}", "true", "a record stays") for table in _TABLES),
    *(_sqlite_trigger(f"{table}_delete", f"DELETE ON {table}", "true", "a record stays") for table in _TABLES),
    _sqlite_trigger("audit_link", "INSERT ON audit", _BAD_LINK, "bad link"),
    _sqlite_trigger("audit_head", "INSERT ON audit_heads", _BAD_HEAD, "bad head"),
)


def _postgresql_function(name: str, condition: str, message: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$"
    )


def _postgresql_trigger(name: str, event: str, function: str, each: str = "ROW") -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} FOR EACH {each} EXECUTE FUNCTION {function}()"


_POSTGRESQL: Final = (
    _postgresql_function("audit_link", _BAD_LINK, "bad link"),
    _postgresql_function("audit_head", _BAD_HEAD, "bad head"),
    _postgresql_function("audit_stays", "true", "a record stays"),
    *(_postgresql_trigger(f"{table}_fence", f"INSERT ON {table}", "lease_fence") for table in _TABLES),
    *(_postgresql_trigger(f"{table}_stays", f"UPDATE OR DELETE ON {table}", "audit_stays") for table in _TABLES),
    *(_postgresql_trigger(f"{table}_kept", f"TRUNCATE ON {table}", "audit_stays", "STATEMENT") for table in _TABLES),
    _postgresql_trigger("audit_link", "INSERT ON audit", "audit_link"),
    _postgresql_trigger("audit_head", "INSERT ON audit_heads", "audit_head"),
)
