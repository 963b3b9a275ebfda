"""The id of a replay's session: a hash of all that decides what it will do, and of nothing else.

Two runs of one identity give the same acts with the same ids; so code, processor, mode, batch size and paths are left out, and a
strategy counts by its bytes and parameters, not by where its file lies.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tidegate.config.model import Config, StrategySection
from tidegate.engine.spec import EligibleCell, StrategySlot
from tidegate.risk.limits import RiskLimits
from tidegate.values import ids
from tidegate.values.ids import SessionId
from tidegate.values.instruments import Instrument

_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")


class _Identity(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What of a strategy decides."""

    strategy_id: str
    name: str
    version: int
    sha256: str
    params: dict[str, int | float | bool]
    symbols: tuple[str, ...]
    eligible: tuple[EligibleCell, ...]


def session_id_of(
    config: Config, *, limits: RiskLimits, instruments: Sequence[Instrument], slots: Sequence[StrategySlot], tapes: Sequence[str]
) -> SessionId:
    """Return the id of a replay.

    `config.simulator` holds latencies and seed; `tapes` are the hashes of the tapes in the order of their rank.
    """
    return ids.session_id(
        config_bytes(config),
        limits.canonical(),
        _encoder.encode(tuple(instruments)),
        *(_encoder.encode(_identity(slot)) for slot in slots),
        *(tape.encode() for tape in tapes),
    )


def config_bytes(config: Config) -> bytes:
    """Return the configuration as canonical bytes, less what the other parts say: strategies with their paths, and limits."""
    nothing: tuple[StrategySection, ...] = ()
    live: dict[str, msgspec.UnsetType] = dict.fromkeys(("live", "small_live", "promotion", "webhooks"), msgspec.UNSET)
    bare = msgspec.structs.replace(config, strategies=nothing, other_strategies=(), limits_file="", limits=None, **live)
    return _encoder.encode(bare)


def _identity(slot: StrategySlot) -> _Identity:
    strategy = slot.strategy
    return _Identity(
        strategy_id=strategy.strategy_id,
        name=strategy.name,
        version=strategy.version,
        sha256=strategy.sha256,
        params=msgspec.structs.asdict(strategy.params),
        symbols=slot.symbols,
        eligible=slot.eligible,
    )
