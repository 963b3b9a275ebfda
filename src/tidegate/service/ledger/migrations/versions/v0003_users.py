"""Users, with the fences around them: a stale trader changes nobody, no step of a second factor counts twice, nobody is erased."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Make the table and its triggers."""
    op.create_table(
        "users",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("account", "name", "role", "password_hash", "totp_secret")),
        sa.Column("disabled", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created_ns", "changed_ns", "last_step", "writer_epoch")),
        sa.PrimaryKeyConstraint("account", "name", name="users_pkey"),
    )
    fences = _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL
    for statement in fences:
        op.execute(sa.text(statement))


_HELD: Final = "SELECT 1 FROM lease WHERE account = NEW.account AND epoch = NEW.writer_epoch AND released = 0"
_STEP_FALLS: Final = "NEW.last_step < OLD.last_step"


def _sqlite_trigger(name: str, event: str, condition: str, message: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} ON users WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"


_SQLITE: Final = (
    _sqlite_trigger("users_insert_fence", "INSERT", f"NOT EXISTS ({_HELD})", "stale epoch"),
    _sqlite_trigger("users_update_fence", "UPDATE", f"NOT EXISTS ({_HELD})", "stale epoch"),
    _sqlite_trigger("users_step", "UPDATE", _STEP_FALLS, "step falls"),
    _sqlite_trigger("users_stay", "DELETE", "true", "a user stays"),
)


def _postgresql_function(name: str, condition: str, message: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$"
    )


def _postgresql_trigger(name: str, event: str, function: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {event} ON users FOR EACH ROW EXECUTE FUNCTION {function}()"


_POSTGRESQL: Final = (
    _postgresql_function("users_step", _STEP_FALLS, "step falls"),
    _postgresql_function("users_stay", "true", "a user stays"),
    _postgresql_trigger("users_fence", "INSERT OR UPDATE", "lease_fence"),  # the function of the first migration
    _postgresql_trigger("users_step", "UPDATE", "users_step"),
    _postgresql_trigger("users_stay", "DELETE", "users_stay"),
)
