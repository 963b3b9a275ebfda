"""Executions found by their order: a start asks for those of the orders it knows, however many there ever were."""

from typing import Final

from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"


def upgrade() -> None:
    """Make the index."""
    op.create_index("executions_by_order", "executions", ["account", "client_order_id"])
