"""Keys from the supervisor to a child: through an inherited pipe, so that neither arguments nor environment ever hold them."""

import os
from collections.abc import Mapping
from typing import Final, final

import msgspec

from tidegate.service.keys import KeySourceError
from tidegate.service.secrecy import Secret

_BYTES_MAX: Final = 16_384  # far above any key, and what every system's empty pipe takes without a reader


@final
class PipeKeys:
    """The keys that the parent process wrote, read once; the pipe is closed."""

    def __init__(self, handle: int) -> None:
        """Read an inherited pipe to its end.

        Raises:
            KeySourceError: it is no pipe of keys.
        """
        try:
            with os.fdopen(handle, "rb") as pipe:
                values = msgspec.json.decode(pipe.read(_BYTES_MAX), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            # Without its cause: what a decoder complains about may be the secret itself.
            raise KeySourceError("The pipe of keys cannot be read; let `tidegate up` start this process.") from None
        self._values = {name: Secret(value) for name, value in values.items() if value}

    def describe(self) -> str:
        """See `KeySource`."""
        return "keys of tidegate up"

    def get(self, name: str) -> Secret | None:
        """See `KeySource`."""
        return self._values.get(name)


def key_pipe(keys: Mapping[str, Secret]) -> int:
    """Return the reading end of a new pipe that already holds the keys. Whoever gets it closes it."""
    data = msgspec.json.encode({name: secret.reveal() for name, secret in keys.items()})
    assert len(data) <= _BYTES_MAX, "these are no keys"
    reading, writing = os.pipe()
    try:
        os.write(writing, data)
    finally:
        os.close(writing)
    return reading
