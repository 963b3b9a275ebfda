"""Failed logins: the pause before the next try grows with each, up to five minutes. Nobody is locked out for good.

Failures are counted by a keyed hash of the name in a fixed number of buckets: memory is bounded, nothing is ever pushed out, and names
that exist are counted exactly as names that do not. Two names may share a bucket; then they share its pause.
"""

from hashlib import blake2b
from typing import Final, NamedTuple, final

from tidegate.values.time import HOUR_NS, MINUTE_NS, SECOND_NS

BUCKETS: Final = 4_096
KEY_BYTES: Final = 32


class LockoutSettings(NamedTuple):
    """How many failures cost nothing, how the pause grows, and when they are forgotten."""

    free: int = 3
    pause_ns: int = SECOND_NS  # after the first that is not free; doubled with each further one
    pause_ns_max: int = 5 * MINUTE_NS
    forgotten_ns: int = HOUR_NS


class _Bucket(NamedTuple):
    failures: int
    last_ns: int
    until_ns: int


@final
class Lockout:
    """Counts failures by name. Times are monotonic and handed in; `key` is random and of this process alone."""

    def __init__(self, key: bytes, settings: LockoutSettings = LockoutSettings()) -> None:  # noqa: B008 - frozen
        assert len(key) >= KEY_BYTES, "a key that can be guessed lets its owner fill another's bucket"
        self._key: Final = key
        self._settings: Final = settings
        self._buckets: Final[dict[int, _Bucket]] = {}

    def attempt(self, name: str, now_ns: int) -> int:
        """Begin a try: it counts as failed until `succeeded`, so that many at once gain nothing.

        Returns:
            0, or how many ns are to be waited first; then nothing was begun and nothing counted.
        """
        place = self._place(name)
        bucket = self._buckets.get(place)
        if bucket is not None and now_ns - bucket.last_ns >= self._settings.forgotten_ns:
            bucket = None
        if bucket is not None and now_ns < bucket.until_ns:
            return bucket.until_ns - now_ns
        failures = 1 if bucket is None else bucket.failures + 1
        self._buckets[place] = _Bucket(failures, now_ns, now_ns + self._pause_ns(failures))
        return 0

    def succeeded(self, name: str) -> None:
        """Forget a name's failures: the right password and code came."""
        self._buckets.pop(self._place(name), None)

    def _pause_ns(self, failures: int) -> int:
        settings = self._settings
        beyond = failures - settings.free
        if beyond < 0:
            return 0
        doubled = min(beyond, settings.pause_ns_max.bit_length())  # further doubling would only make the number long
        return min(settings.pause_ns << doubled, settings.pause_ns_max)

    def _place(self, name: str) -> int:
        return int.from_bytes(blake2b(name.encode(), key=self._key, digest_size=8).digest()) % BUCKETS
