"""Tests say what they prove: each file names requirement rows, each row claimed done has a test."""

import subprocess
import sys

from tests.rules.source import ROOT, everything


def test_each_test_file_names_the_rows_it_proves() -> None:
    files = [source for source in everything() if source.name.startswith("tests/")]
    tests = [source for source in files if source.name.split("/")[-1].startswith("test_")]
    silent = [source.name for source in tests if "mark.req(" not in source.text and source.name.split("/")[1] != "rules"]
    assert silent == []


def test_the_table_of_requirements_is_up_to_date_and_each_row_done_has_a_test() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "requirements_table.py"), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
