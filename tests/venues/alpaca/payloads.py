"""Sample messages of Alpaca, as its documentation shows them, and ways to damage them."""

import json
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = Any

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Json:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def body(value: Json) -> bytes:
    return json.dumps(value).encode()


SCALARS = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(max_size=12) | st.sampled_from(
    ["", "NaN", "1e999999999", "-0", "0.0000000001", "new", "2026-11-18T15:02:11Z", "2026-13-99T99:99:99Z", "sell_short", []]
)  # fmt: skip


def paths(value: Json, front: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return where every field of a message stands, at any depth."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, part in inner:
        found += [(*front, key), *paths(part, (*front, key))]
    return found


@st.composite
def damaged(draw: st.DrawFn, value: Json) -> Json:
    """Return a message with some fields dropped, nulled or replaced, and a field nobody knows."""
    out = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(0, 3))):
        *front, last = draw(st.sampled_from(paths(value)))
        holder = out
        try:
            for key in front:
                holder = holder[key]
            if draw(st.booleans()):
                holder[last] = draw(SCALARS)
            else:
                del holder[last]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier edit took it away
    if isinstance(out, dict):
        out["brand_new_field"] = draw(SCALARS)
    return out
