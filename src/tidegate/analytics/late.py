"""Modules that are loaded when something of them is first used: a plain replay needs no tables and should not wait for them."""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType


def late(name: str) -> ModuleType:
    """Return a module by its full name, loaded on first use."""
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    assert spec is not None, f"no module {name}"
    assert spec.loader is not None, f"{name} has no code"
    loader = LazyLoader(spec.loader)
    spec.loader = loader
    module = sys.modules[name] = module_from_spec(spec)
    loader.exec_module(module)
    return module
