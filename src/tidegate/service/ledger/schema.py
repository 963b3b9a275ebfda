"""The ledger's tables. The migrations make them; a test holds both to each other.

Every table that a lease protects has the epoch of its last writer, which triggers of the migration compare with the lease.
Words are stored as the values of our enums, times as ns UTC, messages as the bytes they were.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy import text as words

METADATA: Final = MetaData()
COUNTER: Final = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER counts by itself there

LEASE: Final = Table(
    "lease",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("ttl_ns", BigInteger, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("taken_from", Text, nullable=False),
    Column("code_sha256", Text, nullable=False),
    Column("config_sha256", Text, nullable=False),
)

_MAKES_ORDER: Final = words("kind IN ('submit', 'replace')")

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("sequence", COUNTER, primary_key=True),
    Column("command_id", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("session", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("k", BigInteger, nullable=False),
    Column("intent_id", Text, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("command", LargeBinary, nullable=False),
    Column("recorded_ns", BigInteger, nullable=False),
    Column("previous_n", BigInteger, nullable=False),
    Column("previous_k", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("sent_ns", BigInteger, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    CheckConstraint("decision_id <> '' OR kind NOT IN ('submit', 'replace')", name="no_order_without_an_approval"),
    Index("one_row_for_each_command", "command_id", unique=True),
    Index("one_order_for_each_id", "client_order_id", unique=True, sqlite_where=_MAKES_ORDER, postgresql_where=_MAKES_ORDER),
    Index("outbox_by_state", "account", "state"),
)

EXECUTIONS: Final = Table(
    "executions",
    METADATA,
    Column("sequence", COUNTER, primary_key=True),
    Column("account", Text, nullable=False),
    Column("execution_id", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("event", LargeBinary, nullable=False),
    Column("recorded_ns", BigInteger, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    Index("one_row_for_each_execution", "account", "execution_id", unique=True),
    Index("executions_by_order", "account", "client_order_id"),
)

USERS: Final = Table(
    "users",
    METADATA,
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("totp_secret", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "name", name="users_pkey"),
)

APPROVALS: Final = Table(
    "approvals",
    METADATA,
    Column("account", Text, nullable=False),
    Column("approval_id", Text, nullable=False),
    Column("order_sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("approvers", Text, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "approval_id", name="approvals_pkey"),
)

KILLS: Final = Table(
    "kills",
    METADATA,
    Column("account", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "scope", "key", name="kills_pkey"),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("account", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "seq", name="audit_pkey"),
)

AUDIT_HEADS: Final = Table(
    "audit_heads",
    METADATA,
    Column("account", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("ts_ns", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "seq", name="audit_heads_pkey"),
)

CONFIG_VERSIONS: Final = Table(
    "config_versions",
    METADATA,
    Column("account", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("config", LargeBinary, nullable=False),
    Column("limits", LargeBinary, nullable=False),
    Column("strategies", LargeBinary, nullable=False),
    Column("tidegate", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("added_ns", BigInteger, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "sha256", name="config_versions_pkey"),
)

CONFIG_STAGES: Final = Table(
    "config_stages",
    METADATA,
    Column("sequence", COUNTER, primary_key=True),
    Column("account", Text, nullable=False),
    Column("version_sha256", Text, nullable=False),
    Column("strategy_id", Text, nullable=False),
    Column("permission_sha256", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("writer_epoch", BigInteger, nullable=False),
    Index("config_stages_by_account", "account", "sequence"),
)
