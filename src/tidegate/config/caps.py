"""What mode small-live allows: the limits, and beside each the smaller of it and of the mode's own cap."""

from collections.abc import Mapping
from typing import Final

import msgspec

from tidegate.config.errors import ConfigError
from tidegate.config.model import SmallLiveSection
from tidegate.config.reading import LoadedConfig
from tidegate.config.stages import SMALL_LIVE_MODE
from tidegate.values.money import attos

# A cap -> the limits it holds down. A limit that this version does not have is held down by nothing; a test knows which those are.
CAPS: Final[Mapping[str, tuple[str, ...]]] = {
    "order_notional_usd_max": ("order_notional_attos_max",),
    "position_notional_usd_max": ("position_notional_attos_max",),
    "total_exposure_usd_max": ("total_notional_attos_max", "gross_exposure_attos_max"),
    "daily_loss_usd_max": ("daily_loss_attos_max",),
}


def capped(loaded: LoadedConfig, mode: str) -> LoadedConfig:
    """Return a configuration with the limits that a mode allows.

    Raises:
        ConfigError: mode small-live, and the configuration has no caps for it.
    """
    if mode != SMALL_LIVE_MODE:
        return loaded
    caps = loaded.config.small_live
    if not isinstance(caps, SmallLiveSection):
        raise ConfigError(
            "Mode small-live needs caps of its own; write order_notional_usd_max, position_notional_usd_max, total_exposure_usd_max "
            "and daily_loss_usd_max under small_live."
        )
    smaller = {
        limit: min(attos(getattr(caps, cap)), getattr(loaded.limits, limit))
        for cap, limits in CAPS.items()
        for limit in limits
        if limit in loaded.limits.__struct_fields__
    }
    return loaded._replace(limits=msgspec.structs.replace(loaded.limits, **smaller))
