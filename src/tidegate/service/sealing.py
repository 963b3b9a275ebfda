"""Signs the end of the audit chain: the head goes to the anchors first, which are outside the database, and then into the ledger.

In this order, so that a head which the ledger has and the anchors lack was taken out of the anchors.
"""

import asyncio
import os
from pathlib import Path
from typing import Final, final

from tidegate.config.paths import expanded
from tidegate.control.home import Home
from tidegate.control.peers import user_name
from tidegate.events.session import SessionOpened
from tidegate.journal.audit.anchors import ANCHORS_NAME, Anchors, AnchorsUnreadableError, last_anchor
from tidegate.journal.audit.heads import Head, key_name, sign
from tidegate.journal.audit.keys import SigningKey, signing_key
from tidegate.journal.audit.record import AuditType, Plain
from tidegate.service.audit_words import TRADER
from tidegate.service.auditing import Auditing
from tidegate.service.ledger.port import Ledger
from tidegate.service.ledger.rows import Batch, Lease
from tidegate.service.ledger.thread import LedgerThread
from tidegate.service.ports import SealAudit
from tidegate.service.setup import Setup
from tidegate.values.time import iso_utc


@final
class Sealer:
    """The key and the anchors of one trader."""

    def __init__(self, folder: Path, anchors: Path) -> None:
        """Read the key, or make it.

        Args:
            folder: where the key is.
            anchors: the file that heads are appended to.

        Raises:
            AuditKeyError: there is no key and none can be made.
        """
        self._signing: Final[SigningKey] = signing_key(folder)
        self._anchors: Final = Anchors(anchors)

    @property
    def is_new(self) -> bool:
        """Tell whether the key was made just now."""
        return self._signing.is_new

    @property
    def key(self) -> str:
        """The name of the key's public half."""
        return key_name(self._signing.key.public_key())

    @property
    def path(self) -> Path:
        """Where the anchors are."""
        return self._anchors.path

    async def seal(self, ledger: LedgerThread, wish: SealAudit) -> None:
        """Sign the chain as the ledger has it now; return when both places have the head.

        Raises:
            TidegateError: one of them refuses.
        """
        end = await ledger.ask(lambda store: store.audit_end(wish.account))
        if not end.seq:
            return
        head = sign(self._signing.key, end, account=wish.account, epoch=wish.epoch, ts_ns=wish.at_ns)
        await asyncio.to_thread(self._anchors.append, head)
        await ledger.submit(Batch(account=wish.account, epoch=wish.epoch, heads=(head,)))

    def doubt(self, ledger: Ledger, account: str) -> str:
        """Return how the ledger contradicts the last anchor, or why that is not known, as a sentence; empty: it does not.

        Raises:
            LedgerUnavailableError: the ledger cannot be read.
        """
        try:
            anchor = last_anchor(self._anchors.path, account)
        except AnchorsUnreadableError as error:
            return str(error)
        return "" if anchor is None else _doubt(anchor, ledger)


def anchors_path(home: Home, setup: Setup) -> Path:
    """Return where the anchors of a trader are: as configured, or in its home."""
    named = setup.live.audit_anchors
    return setup.loaded.folder / expanded(named) if named else home.audit / ANCHORS_NAME


def open_chain(auditing: Auditing, sealer: Sealer, lease: Lease, opening: SessionOpened, doubt: str) -> None:
    """Record how a session begins: who started it, under which lease, with which code and configuration; and what is doubted."""
    starter = user_name(os.geteuid())
    if doubt:
        auditing.happened(AuditType.CHAIN_DOUBTED, TRADER, opening.account, {"why": doubt})
    if sealer.is_new:
        auditing.happened(AuditType.KEY_MADE, starter, sealer.key)
    taken: dict[str, Plain] = {"epoch": lease.epoch, "holder": lease.holder, "taken_from": lease.taken_from}
    auditing.happened(AuditType.LEASE_TAKEN, TRADER, lease.account, taken)
    auditing.happened(
        AuditType.TRADER_STARTED,
        starter,
        opening.session_id,
        {
            "mode": opening.mode,
            "epoch": lease.epoch,
            "code_sha256": opening.code_sha256,
            "config_sha256": opening.config_sha256,
            "strategies": [f"{one.strategy_id} {one.version} {one.sha256}" for one in opening.strategies],
            "anchors": str(sealer.path),
            "key": sealer.key,
        },
    )


def _doubt(anchor: Head, ledger: Ledger) -> str:
    end = ledger.audit_end(anchor.account)
    found = ledger.audit(anchor.account, anchor.seq - 1, 1)
    if found and found[0].hash == anchor.hash:
        return ""
    what = f"ends at record {end.seq}" if end.seq < anchor.seq else f"has another record {anchor.seq}"
    return (
        f"The ledger {what}, and the anchor of {iso_utc(anchor.ts_ns)} says otherwise: it is an older copy or was changed; "
        "run `tidegate audit verify`."
    )
