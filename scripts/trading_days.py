"""Write the special days of XNYS, closures and odd hours on weekdays, from the exchange calendar library.

    python scripts/trading_days.py [--check]

The library needs half a second to load, a replay's whole start should not need three times that; so what it knows beyond
Monday to Friday 09:30 to 16:00 is kept as data. A test compares every day of the table with the library.
"""

import argparse
import sys
import warnings
from datetime import date, timedelta
from pathlib import Path

FIRST_YEAR, LAST_YEAR = 2000, 2027
SATURDAY = 5
TABLE = Path(__file__).parent.parent / "src" / "tidegate" / "config" / "calendars" / "XNYS.csv"


def special_days() -> str:
    """Return the table as text: day, open and close in New York; empty hours for a closed weekday."""
    import exchange_calendars  # noqa: PLC0415 - slow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = exchange_calendars.get_calendar("XNYS", start=f"{FIRST_YEAR}-01-01", end=f"{LAST_YEAR}-12-31")
    hours = {
        label.date(): (opens.tz_convert("America/New_York").strftime("%H:%M"), closes.tz_convert("America/New_York").strftime("%H:%M"))
        for label, opens, closes in zip(known.sessions, known.opens, known.closes, strict=True)
    }
    lines = [f"# {FIRST_YEAR}-{LAST_YEAR}: weekdays that are not 09:30,16:00 New York; made by scripts/trading_days.py"]
    day = date(FIRST_YEAR, 1, 1)
    while day.year <= LAST_YEAR:
        found = hours.get(day, ("", ""))
        assert day.weekday() < SATURDAY or day not in hours, "the table knows weekdays only"
        if day.weekday() < SATURDAY and found != ("09:30", "16:00"):
            lines.append(f"{day.isoformat()},{found[0]},{found[1]}")
        day += timedelta(days=1)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    made = special_days()
    if parser.parse_args().check:
        sys.exit(0 if TABLE.read_text() == made else f"{TABLE.name} is out of date; run scripts/trading_days.py and commit it.")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(made)


if __name__ == "__main__":
    main()
