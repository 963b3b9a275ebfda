"""Compiled twins: what is cloned, what is left alone, and what names the cache."""

import errno
import math
import tomllib
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
import pytest
from packaging.requirements import Requirement

from tidegate.kernel.address import COMPILED_FORMS
from tidegate.kernel.compile import BUFFER, FLOAT64, INT64, OPTIONS, Compiler, record_type
from tidegate.kernel.layout import row
from tidegate.kernel.mode import is_kernel, kernel
from tidegate.kernel.rows import RowTable
from tidegate.kernel.tables import row_at, row_count

pytestmark = pytest.mark.req("B1.3")

ROOT = Path(__file__).resolve().parent.parent.parent
ROW = row([("value", "<i8"), ("helper", "<i8"), ("uncompilable", "<f8"), ("cells", "<f8", (4,))])
FACTOR = 3

REFERENCE: Any = record_type(ROW)


@kernel
def deepest(x: int) -> int:
    return x * FACTOR


@kernel
def helper(x: int) -> int:
    return deepest(x) + 1


@kernel
def uncompilable(x: Any) -> Any:
    return {"a dict": x}[f"{x!r}"]


def uses_helpers(x: int) -> int:
    return helper(helper(x))


def reads_fields_named_like_helpers(one: Any) -> Any:
    one.uncompilable = 2.0
    return one.helper + int(one.uncompilable) + helper(one.value)


def reads_a_cell(one: Any, place: int) -> float:
    return float(one.cells[place])


def reads_a_row(state: Any, count: int, place: int) -> Any:
    table = (state.view(ROW)[0], count)
    return 1_000 * row_count(table) + row_at(table, place).value


def transcendental(x: float) -> float:
    return math.exp(math.log(x) * 0.7) + math.sqrt(x) + math.tanh(x)


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler("", COMPILED_FORMS)


def test_helpers_are_compiled_and_the_originals_stay_plain(compiler: Compiler) -> None:
    before = dict(uses_helpers.__globals__)
    compiled = compiler.entry(uses_helpers, INT64(INT64))
    assert compiled(2) == uses_helpers(2) == 22
    assert compiled is not uses_helpers
    assert dict(uses_helpers.__globals__) == before
    assert uses_helpers.__globals__["helper"] is helper


def test_a_field_named_like_a_helper_is_a_field(compiler: Compiler) -> None:
    table = np.zeros(1, ROW)
    table[0]["value"], table[0]["helper"] = 5, 7
    compiled = compiler.entry(reads_fields_named_like_helpers, INT64(REFERENCE))
    assert compiled(table[0]) == 7 + 2 + 16


def test_an_entry_point_is_compiled_once(compiler: Compiler) -> None:
    first = compiler.entry(uses_helpers, INT64(INT64))
    assert compiler.entry(uses_helpers, INT64(INT64)) is first
    assert compiler.entry(uses_helpers, FLOAT64(FLOAT64)) is not first


@pytest.mark.parametrize("place", [4, 70, 2**40])
def test_a_cell_outside_its_array_is_an_index_error(compiler: Compiler, place: int) -> None:
    compiled = compiler.entry(reads_a_cell, FLOAT64(REFERENCE, INT64))
    with pytest.raises(IndexError):
        compiled(np.zeros(1, ROW)[0], place)


@pytest.mark.parametrize("place", [3, 4, 70, -1, 2**62, -(2**63)])
def test_a_row_outside_its_table_is_an_index_error_in_both_modes(compiler: Compiler, place: int) -> None:
    compiled = compiler.entry(reads_a_row, INT64(BUFFER, INT64, INT64))
    table = np.zeros(5, ROW)
    table["value"] = range(5)
    assert compiled(table.view(np.uint8), 3, 2) == 3_002
    with pytest.raises(IndexError, match="row outside its table"):
        compiled(table.view(np.uint8), 3, place)
    with pytest.raises(IndexError):
        row_at(cast("Any", RowTable(table[:3], strict=False)), place)


def test_a_table_without_rows_has_no_first_row(compiler: Compiler) -> None:
    compiled = compiler.entry(reads_a_row, INT64(BUFFER, INT64, INT64))
    with pytest.raises(IndexError):
        compiled(np.zeros(1, ROW).view(np.uint8), 0, 0)


def test_floats_agree_to_the_bit_and_the_vector_library_is_off(compiler: Compiler) -> None:
    compiled = compiler.entry(transcendental, FLOAT64(FLOAT64))
    numbers = np.random.default_rng(3).lognormal(0.0, 4.0, 3_000).tolist()
    assert [compiled(x) for x in numbers] == [transcendental(x) for x in numbers]
    assert numba.config.DISABLE_INTEL_SVML == 1


def test_bounds_are_checked_and_floats_are_not_reordered() -> None:
    assert OPTIONS["boundscheck"] is True
    assert OPTIONS["error_model"] == "numpy"
    assert not {"fastmath", "parallel"} & set(OPTIONS)


def test_numba_is_bounded_above_and_the_one_at_hand_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["dependencies"] if line.startswith("numba")]
    assert wanted
    for requirement in wanted:
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(numba.__version__)


def test_the_tag_is_what_makes_a_kernel() -> None:
    assert is_kernel(helper)
    assert not is_kernel(uses_helpers)
    assert not is_kernel(None)


def test_an_entry_point_read_back_from_the_cache_needs_no_compiler_and_still_checks_bounds(tmp_path: Path) -> None:
    signature = INT64(BUFFER, INT64, INT64)
    Compiler(str(tmp_path), COMPILED_FORMS).entry(reads_a_row, signature)
    Compiler(str(tmp_path)).entry(uses_helpers, INT64(INT64))
    later = Compiler(str(tmp_path), COMPILED_FORMS)
    table = np.zeros(5, ROW)
    table["value"] = range(5)
    read_back = later.entry(reads_a_row, signature)
    assert read_back(table.view(np.uint8), 3, 2) == 3_002
    with pytest.raises(IndexError, match="row outside its table"):
        read_back(table.view(np.uint8), 3, 3)
    assert later.entry(uses_helpers, INT64(INT64))(2) == 22
    assert later._twins == COMPILED_FORMS, "nothing that the kept code calls was prepared again"


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_a_kept_entry_point_whose_file_is_cut_off_is_compiled_again_and_kept(suffix: str, kept: float, tmp_path: Path) -> None:
    Compiler(str(tmp_path)).entry(uses_helpers, INT64(INT64))
    for path in tmp_path.rglob(f"*.{suffix}"):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    again = Compiler(str(tmp_path))
    assert again.entry(uses_helpers, INT64(INT64))(2) == 22
    assert again._twins, "its helpers were compiled"
    later = Compiler(str(tmp_path))
    assert later.entry(uses_helpers, INT64(INT64))(2) == 22
    assert not later._twins, "it was read back"


def test_an_entry_point_that_no_disk_keeps_is_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    assert Compiler(str(tmp_path)).entry(uses_helpers, INT64(INT64))(2) == 22
