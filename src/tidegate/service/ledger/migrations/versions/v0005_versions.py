"""Versions of the configuration and their steps on the ladder: written under the lease, never changed, never deleted."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"

_COUNTER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables and their triggers."""
    _versions()
    _stages()
    fences = _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL
    for statement in fences:
        op.execute(sa.text(statement))


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _versions() -> None:
    op.create_table(
        "config_versions",
        *_texts("account", "sha256", "parent"),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("config", "limits", "strategies")),
        *_texts("tidegate", "actor"),
        *_numbers("added_ns", "writer_epoch"),
        sa.PrimaryKeyConstraint("account", "sha256", name="config_versions_pkey"),
    )


def _stages() -> None:
    op.create_table(
        "config_stages",
        sa.Column("sequence", _COUNTER, primary_key=True),
        *_texts("account", "version_sha256", "strategy_id", "permission_sha256", "step", "before", "after"),
        *_texts("actor", "approver", "reason", "evidence"),
        *_numbers("at_ns", "writer_epoch"),
    )
    op.create_index("config_stages_by_account", "config_stages", ["account", "sequence"])


_TABLES: Final = ("config_versions", "config_stages")
_NOT_HELD: Final = "NOT EXISTS (SELECT 1 FROM lease WHERE account = NEW.account AND epoch = NEW.writer_epoch AND released = 0)"
_SQLITE: Final = (
    *(
        f"CREATE TRIGGER {table}_insert_fence BEFORE INSERT ON {table} WHEN {_NOT_HELD} BEGIN SELECT RAISE(ABORT, 'stale epoch'); END"
        for table in _TABLES
    ),
    *(
        f"CREATE TRIGGER {table}_{event.lower()} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'a version stays'); END"
        for table in _TABLES
        for event in ("UPDATE", "DELETE")
    ),
)
_STAYS: Final = (
    "CREATE FUNCTION version_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'a version stays' USING ERRCODE = 'integrity_constraint_violation'; END $$"
)
_EACH: Final = "FOR EACH ROW EXECUTE FUNCTION"
_POSTGRESQL: Final = (
    _STAYS,
    *(f"CREATE TRIGGER {table}_fence BEFORE INSERT ON {table} {_EACH} lease_fence()" for table in _TABLES),
    *(f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} {_EACH} version_stays()" for table in _TABLES),
)
