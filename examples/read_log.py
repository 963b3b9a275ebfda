"""Reading a golden log with polars: what each strategy asked for, what the gate said, and why not.

    python examples/read_log.py LOG

A log is exported once to Parquet: one row for each entry, the message's own fields as JSON in `body`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from tidegate.journal import read
from tidegate.journal.export import export


def entries(log: Path) -> pl.DataFrame:
    """Return every entry of a log: inputs, acts, and spans that stand for the tape's records."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "log.parquet"
        export(read(log), file)
        return pl.read_parquet(file)


def decisions(log: Path) -> pl.DataFrame:
    """Return one row for each verdict of the gate, with its reasons."""
    body = pl.col("body")
    return (
        entries(log)
        .filter(pl.col("type") == "decision")
        .select(
            pl.from_epoch("time", time_unit="ns").alias("at"),
            "strategy_id",
            "symbol",
            body.str.json_path_match("$.verdict").alias("verdict"),
            body.str.json_path_match("$.purpose").alias("purpose"),
            body.str.json_path_match("$.side").alias("side"),
            body.str.json_path_match("$.sentence").alias("sentence"),
        )
    )


def main() -> None:
    """Print what the log of the first argument holds."""
    if len(sys.argv) != 2:
        sys.exit("Usage: python examples/read_log.py LOG (a folder that `tidegate replay --log` wrote)")
    found = decisions(Path(sys.argv[1]))
    print(found.group_by("strategy_id", "purpose", "verdict").len().sort("strategy_id", "purpose", "verdict"))
    for sentence in found.filter(pl.col("verdict") != "approved").get_column("sentence").head(5):
        print("-", sentence)


if __name__ == "__main__":
    main()
