"""Compiled twins of kernel functions.

A tagged function is cloned with globals in which every tagged function it names is a compiled twin as well, so the
originals stay plain Python. Only entry points and triggers have a signature and a place in numba's cache; numba does not notice
a changed helper or constant, so the cache directory is named by a hash of all kernel sources and the numba version.
Everything that relies on numba internals is in this file and `address.py`.
"""

import dis
from collections.abc import Callable, Mapping
from contextlib import suppress
from pickle import UnpicklingError
from types import FunctionType
from typing import Any, Final

import numba
from numba.core import types
from numba.core.runtime import rtsys

from tidegate.kernel.mode import is_kernel

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": True}
HELPER_OPTIONS = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}  # called from kernels only
# What a kept kernel raises whose file is cut off or holds something else: numba's own, pickle's and the machine code reader's.
_UNREADABLE: Final = (OSError, UnpicklingError, EOFError, AttributeError, ImportError, LookupError, RuntimeError, TypeError, ValueError)


class Compiler:
    """Makes and keeps the compiled twins of one process.

    cache_directory is where compiled entry points are kept between processes; empty: nowhere. forms are hand-made compiled
    twins of functions that cannot be compiled from their source.
    """

    def __init__(self, cache_directory: str, forms: Mapping[Callable[..., Any], Any] | None = None) -> None:
        self._twins: dict[Callable[..., Any], Any] = dict(forms or {})
        self._entries: dict[tuple[Callable[..., Any], str], Callable[..., Any]] = {}
        self._cache = bool(cache_directory)
        numba.config.CACHE_DIR = cache_directory
        numba.config.DISABLE_INTEL_SVML = 1  # the vector math library differs from libm in the last bit

    def entry(self, function: Callable[..., object], signature: object, *, keep: bool = True) -> Callable[..., Any]:
        """Return the compiled entry point with a fixed signature; `keep` it in the cache unless it is a user's code.

        Asked again, it is the same one. numba reads a cached function back by importing its module; a strategy file has none.
        """
        assert isinstance(function, FunctionType)
        key = (function, str(signature))
        if key not in self._entries:
            clone = _clone(function)
            compiled = numba.njit(cache=self._cache and keep, **OPTIONS)(clone)
            if not (self._cache and keep and _read_back(compiled, signature)):
                self._name_twins(clone)
                with suppress(OSError):  # it is compiled before it is kept, and a disk that takes no more keeps nobody from using it
                    compiled.compile(signature)
                assert compiled.signatures
            compiled.disable_compile()
            self._entries[key] = compiled
        return self._entries[key]

    def _twin(self, function: FunctionType) -> Any:
        twin = self._twins.get(function)
        if twin is None:
            clone = _clone(function)
            self._name_twins(clone)
            twin = self._twins[function] = numba.njit(**HELPER_OPTIONS)(clone)
        return twin

    def _name_twins(self, clone: FunctionType) -> None:
        """Put compiled twins in place of the kernel functions that a clone names."""
        scope = clone.__globals__
        for name in _globals_named(clone):
            value = scope.get(name)
            if is_kernel(value):
                assert isinstance(value, FunctionType)
                scope[name] = self._twin(value)


def _clone(function: FunctionType) -> FunctionType:
    """Return the function with globals of its own, in which names may be given another meaning."""
    clone = FunctionType(function.__code__, dict(function.__globals__), function.__name__, function.__defaults__)
    clone.__module__, clone.__qualname__ = function.__module__, function.__qualname__
    return clone


def _read_back(compiled: Any, signature: object) -> bool:
    """Take an entry point from the cache; return whether it was there.

    numba's own way does the same after it has loaded everything that its compiler can do, which takes longer than a small replay.
    """
    context = compiled.targetctx
    rtsys.initialize(context)
    cache = compiled._cache  # noqa: SLF001 - see the first lines of this file
    try:
        found = cache._load_overload(signature, context)  # noqa: SLF001 - likewise
    except _UNREADABLE:
        with suppress(OSError):
            cache.flush()
        return False
    if found is None:
        return False
    context.insert_user_function(found.entry_point, found.fndesc, [found.library])
    compiled.add_overload(found)
    return True


def _globals_named(function: FunctionType) -> list[str]:
    """Names the function loads as globals; co_names alone would take an attribute for a function of the same name."""
    return sorted({code.argval for code in dis.get_instructions(function) if code.opname == "LOAD_GLOBAL"})


BUFFER = types.Array(types.uint8, 1, "C")
READONLY_BUFFER = types.Array(types.uint8, 1, "C", readonly=True)
OFFSETS = types.Array(types.int64, 1, "C")
INT64 = types.int64
FLOAT64 = types.float64


def record_type(dtype: object) -> object:
    """Return numba's type of a row reference."""
    return numba.from_dtype(dtype)
