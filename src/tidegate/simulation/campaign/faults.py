"""What can go wrong in a world, how often, and how often it did. Names are those of the manual's table of faults."""

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Final, final

FAULTS: Final[Mapping[str, str]] = {
    "FT1": "a request is lost before the venue",
    "FT2": "the answer to an accepted order is lost",
    "FT3": "the answer is lost and the order fills at once, its first frames lost too",
    "FT4": "a fill comes twice, or by stream and report under two ids",
    "FT5": "frames overtake each other: a fill before its acceptance, or after the cancel",
    "FT6": "a frame comes seconds or minutes late",
    "FT7": "an execution is busted",
    "FT8": "the order stream drops, is silent, or loses a frame",
    "FT9": "the order stream comes and goes many times",
    "FT10": "requests are refused unread (429)",
    "FT11": "an answer is an error, cut, or a word nobody knows",
    "FT12": "a cancel meets a partly filled order",
    "FT13": "an order fills while its rest is being replaced",
    "FT14": "everything is canceled while orders are on their way",
    "FT15": "positions are stale or the list is empty",
    "FT22": "the trader dies at a durable write or while it waits",
    "FT26": "the trader freezes, another takes over, the first wakes",
    "X1": "somebody else trades on the account, or the venue liquidates",
    "X2": "the venue refuses an order",
    "X3": "the disk is slow or gone",
    "X4": "the history names fills by the venue's order id alone",
    "C1": "losses close the account to entries",
    "C2": "a strategy enters one symbol too often within an hour",
    "C3": "a strategy's orders fare badly, and a breaker closes it",
    "C4": "a breaker opens again what it had closed",
}

# Chance per occasion in a bad world: a request, a frame, a read, a second, a world. Moods scale it.
_RATES: Final[Mapping[str, float]] = {
    "FT1": 0.05,
    "FT2": 0.05,
    "FT3": 0.05,
    "FT4": 0.08,
    "FT5": 0.10,
    "FT6": 0.04,
    "FT7": 0.02,
    "FT8": 0.05,
    "FT9": 0.10,
    "FT10": 0.05,
    "FT11": 0.06,
    "FT15": 0.25,
    "FT22": 0.30,
    "FT26": 0.10,
    "X1": 0.15,
    "X2": 0.04,
    "X3": 0.02,
    "X4": 0.15,
}
_MOODS: Final = (0.0, 0.3, 0.3, 1.0, 1.0, 1.0, 2.5)  # quiet, mild, bad, pathological


@final
class Faults:
    """Draws faults of one world. Off after `heal`."""

    def __init__(self, rng: Random) -> None:
        self._random: Final = rng.random
        self.on = True
        self.reached: Final[Counter[str]] = Counter()
        mood = rng.choice(_MOODS)
        self._rates: Final = {name: min(0.6, rate * mood * rng.choice((0.0, 0.5, 1.0, 2.0))) for name, rate in _RATES.items()}

    def hit(self, name: str) -> bool:
        """Draw whether a fault happens now; it is counted if it does."""
        if not self.on or self._random() >= self._rates[name]:
            return False
        self.reached[name] += 1
        return True

    def note(self, name: str) -> None:
        """Count a situation that came about by itself."""
        self.reached[name] += 1

    def ease(self) -> None:
        """Everything goes wrong four times less often: in a world too bad for any order nothing is tested."""
        for name in self._rates:
            self._rates[name] /= 4

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.on = False
