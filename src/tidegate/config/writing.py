"""A configuration as it was used, strategies and latencies of the command line included, as text that reads the same again."""

from typing import Final

import msgspec

from tidegate.config.model import Config
from tidegate.config.reading import LoadedConfig

_SEPARATOR: Final = b"\n---\n"
_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def config_source(config: Config, loaded: LoadedConfig) -> bytes:
    """Return the configuration as one JSON document (which is YAML too) and, behind it, the limits file it was read with."""
    _, separator, limits = loaded.source.rpartition(_SEPARATOR)
    written = msgspec.json.format(_encoder.encode(config), indent=1)
    return written + _SEPARATOR + limits if config.limits_file and separator else written
