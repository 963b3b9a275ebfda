"""What this machine runs: hashes of the deciding code and of the kernels, where compiled kernels are kept, how they are run."""

import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tidegate.config.paths import expanded
from tidegate.engine.toolchain import Toolchain
from tidegate.kernel.mode import Mode

_PACKAGE: Final = Path(__file__).parent.parent
_STAGES: Final = ("values", "events", "kernel", "market", "features", "regime", "portfolio", "strategies", "risk", "oms", "engine")
DECIDING: Final = (*_STAGES, "config", "tapes")  # what can change an act, given the same log
KERNELS: Final = (*_STAGES, "venues/sim")
LIBRARIES: Final = ("msgspec", "numba", "llvmlite", "numpy")


@cache
def code_sha256(folders: Sequence[str] = DECIDING) -> str:
    """Return the hash of the Python files of some folders of this package, names included."""
    digest = sha256()
    for folder in folders:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def libraries() -> tuple[str, ...]:
    """Return name and version of the libraries that decisions rest on."""
    return tuple(f"{name} {version(name)}" for name in LIBRARIES)


def processor() -> str:
    """Return what the processor calls itself, as far as it is known."""
    return platform.processor() or platform.machine()


def python_version() -> str:
    """Return implementation and version of the interpreter."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def kernel_cache() -> str:
    """Return the directory for compiled kernels of exactly this code; empty where none can be written."""
    home = os.environ.get("XDG_CACHE_HOME") or str(expanded("~") / (".cache" if sys.platform != "darwin" else "Library/Caches"))
    if not Path(home).is_absolute():  # a user without a folder of his own
        return ""
    parts = f"{code_sha256(KERNELS)}{libraries()}{python_version()}{_PACKAGE}"
    folder = Path(home) / "tidegate" / "kernels" / sha256(parts.encode()).hexdigest()[:24]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(folder) if os.access(folder, os.W_OK) else ""


def make_toolchain(mode: Mode, progress: Callable[[str], None] | None = None) -> Toolchain:
    """Return the way this process runs kernels; compiled ones are kept in the user's cache directory."""
    if mode is not Mode.COMPILED:
        return Toolchain(mode)
    return Toolchain(mode, cache_directory=kernel_cache(), progress=progress)
