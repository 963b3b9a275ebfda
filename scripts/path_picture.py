"""Draw the data's path for the README and the manual."""

from typing import Final

from scripts.drawing import Arrow, Box, Frame, picture
from tidegate.risk.checks import CHECKS

TOP: Final = 92
DOWN: Final = 232


def path_picture() -> str:
    """Return the picture: senses above, judgement below, the golden log under both."""
    boxes = (
        Box(78, TOP, ("tapes", "quotes, trades"), 116, 50),
        Box(228, TOP, ("market", "book, bars, quality"), 130, 50, "accent"),
        Box(388, TOP, ("features", "averages, volatility"), 130, 50, "accent"),
        Box(548, TOP, ("regime", "symbol and market"), 130, 50, "accent"),
        Box(716, TOP, ("trigger", "and exit levels"), 126, 50, "accent"),
        Box(716, DOWN, ("strategy", "decide, sizing"), 126, 50),
        Box(548, DOWN, ("risk gate", f"{len(CHECKS)} checks in order"), 130, 50, "guard"),
        Box(388, DOWN, ("orders", "one table of states"), 130, 50),
        Box(228, DOWN, ("simulated venue", "latency, queue, fees"), 136, 50),
        Box(388, 314, ("portfolio", "exact integers"), 130, 46),
        Box(388, 408, ("golden log: every input, every act, the hash of the final state",), 712, 36),
        Box(136, 484, ("verify", "the same bytes?"), 130, 46),
        Box(304, 484, ("explain", "why this order"), 130, 46),
        Box(472, 484, ("report", "metrics, plots"), 130, 46),
        Box(640, 484, ("export", "Parquet, JSON lines"), 130, 46),
    )
    frames = (
        Frame(150, 40, 644, 92, "senses: compiled, every record"),
        Frame(308, 180, 486, 168, "judgement: plain Python, only when something deserves attention"),
    )
    arrows = (
        Arrow([(136, TOP), (163, TOP)]),
        Arrow([(293, TOP), (323, TOP)]),
        Arrow([(453, TOP), (483, TOP)]),
        Arrow([(613, TOP), (653, TOP)]),
        Arrow([(716, 117), (716, 207)]),
        Arrow([(653, DOWN), (613, DOWN)]),
        Arrow([(483, DOWN), (453, DOWN)]),
        Arrow([(323, DOWN), (296, DOWN)]),
        Arrow([(228, 257), (228, 314), (323, 314)]),
        Arrow([(453, 314), (548, 314), (548, 257)]),
        Arrow([(78, 117), (78, 390)]),
        Arrow([(472, 348), (472, 390)]),
        *(Arrow([(x, 426), (x, 461)]) for x in (136, 304, 472, 640)),
    )
    notes = (
        (724, 166, "attention"),
        (236, 332, "fills"),
        (556, 296, "positions,"),
        (556, 310, "exposure"),
        (84, 372, "inputs"),
        (480, 373, "acts"),
    )
    return picture(
        (820, 524),
        title="The path of the data: tapes, senses, attention, judgement, venue, golden log",
        frames=frames,
        boxes=boxes,
        arrows=arrows,
        notes=notes,
    )
