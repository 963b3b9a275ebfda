"""Say which share of mutants the tests killed; exit 1 below the wall. Reads `mutmut export-cicd-stats`."""

import json
import sys
from pathlib import Path

STATS = Path(__file__).resolve().parent.parent / "mutants" / "mutmut-cicd-stats.json"
KILLED_PERCENT_MIN = 85.0


def main() -> int:
    """Print the score; a mutant that made the tests hang or crash was noticed as well."""
    stats = json.loads(STATS.read_text())
    judged = stats["total"] - stats["skipped"]
    killed = stats["killed"] + stats["timeout"] + stats["segfault"]
    percent = 100.0 * killed / judged if judged else 0.0
    print(f"{killed} of {judged} mutants killed: {percent:.1f} % (the wall is {KILLED_PERCENT_MIN:.0f} %)")
    return 0 if percent >= KILLED_PERCENT_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
