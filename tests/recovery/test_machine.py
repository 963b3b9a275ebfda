"""Where compiled kernels are kept: numba does not notice a changed helper or another compiler, so the folder's name does."""

from pathlib import Path

import pytest

from tidegate.recovery import machine

pytestmark = pytest.mark.req("B1.3")


@pytest.mark.parametrize("part", ["code_sha256", "libraries", "python_version"])
def test_other_code_or_another_compiler_keeps_its_kernels_elsewhere(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = machine.kernel_cache()
    assert machine.kernel_cache() == before
    assert Path(before).is_relative_to(tmp_path)
    monkeypatch.setattr(machine, part, lambda *_: "another")
    assert machine.kernel_cache() != before


def test_the_compilers_version_is_one_of_the_libraries() -> None:
    assert any(name.startswith("numba") for name in machine.libraries())
