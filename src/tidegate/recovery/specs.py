"""What an engine was built from, out of its session's first entry."""

from pathlib import Path

import msgspec

from tidegate.config.build import engine_spec, slots_of
from tidegate.config.caps import capped
from tidegate.config.reading import parse_config
from tidegate.engine.spec import EngineSpec
from tidegate.events.session import SessionOpened
from tidegate.values.instruments import Instrument


def recorded_spec(opening: SessionOpened) -> EngineSpec:
    """Return the specification of a recorded session; its strategies are the ones of that name that stand here today.

    Raises:
        TidegateError: its configuration or a strategy of it cannot be read any more.
    """
    loaded = parse_config(opening.config, name=f"session {opening.session_id} (configuration)", folder=Path())
    loaded = capped(loaded, opening.mode)
    instruments = recorded_instruments(opening)
    spec = engine_spec(loaded, session_id=opening.session_id, instruments=instruments, slots=slots_of(loaded, instruments))
    return msgspec.structs.replace(spec, account=opening.account, lease_epoch=opening.lease_epoch)


def recorded_instruments(opening: SessionOpened) -> tuple[Instrument, ...]:
    """Return the instruments of a recorded session, by the places that its market records name."""
    return msgspec.msgpack.decode(opening.instruments, type=tuple[Instrument, ...])
