"""What the forms of the ledger say when they refuse, in the same words."""

from tidegate.service.ledger.rows import ApprovalRow, ApprovalUse, Mark, OutboxRow
from tidegate.values.enums import ApprovalState
from tidegate.values.time import iso_utc


def stale_sentence(account: str, epoch: int) -> str:
    """Say that a lease is not the account's any more."""
    return (
        f"Epoch {epoch} does not hold the account {account} any more: another trader took it over, or it was given back; stop this trader."
    )


def duplicate_sentence(row: OutboxRow) -> str:
    """Say that a command is recorded already."""
    return (
        f"Command {row.command_id} or its order {row.client_order_id} is recorded already; it is never sent twice, ask the venue about it."
    )


def mark_sentence(mark: Mark, row: OutboxRow | None) -> str:
    """Say why a mark was refused. row: as the ledger has it."""
    if row is None:
        return f"Command {mark.command_id} is not in the ledger and cannot be marked {mark.state}; send nothing."
    return (
        f"Command {mark.command_id} of epoch {row.epoch} is {row.state} and cannot be marked {mark.state} here; "
        "send nothing, and find out who marked it."
    )


def step_sentence(name: str) -> str:
    """Say that a used code would be forgotten."""
    return f"The last used code of {name} would be forgotten, so that it could be used again; nothing was changed, report it."


def spent_sentence(use: ApprovalUse, row: ApprovalRow | None) -> str:
    """Say why an approval cannot be used. row: as the ledger has it."""
    if row is None:
        return f"Approval {use.approval_id} is not in the ledger; its order is not sent."
    if row.order_sha256 != use.order_sha256:
        return f"Approval {row.approval_id} is of another order; this one is not sent."
    if row.state is not ApprovalState.GRANTED:
        return f"Approval {row.approval_id} is {row.state.value.replace('_', ' ')} and cannot be used; its order is not sent."
    return f"Approval {row.approval_id} expired at {iso_utc(row.expires_ns)}; its order is not sent."
