"""What the compiler is taught by hand: calls of user code by address, rows of a table, and records by address.

A trigger is compiled alone and its address is stored in the state.
Row arguments are pointers, so one call type serves every Params layout. Measured: 1.4 ns a call against 0.5 ns direct and
330 us for a tuple of functions as argument. Relies on numba internals; the pinned version range is tested.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from tidegate.events.records import RECORD
from tidegate.kernel.compile import HELPER_OPTIONS, Compiler, record_type
from tidegate.kernel.tables import record_at, row_at, row_count
from tidegate.kernel.trigger import call_trigger


def compile_trigger(
    compiler: Compiler, function: Callable[..., object], rows: tuple[np.dtype[np.void], ...], *, keep: bool
) -> tuple[Callable[..., Any], int]:
    """Return the compiled trigger and its address; keep the first alive as long as the address is used.

    `keep` says that the trigger may be kept in the cache: its source is one of those that name the cache directory.
    """
    compiled: Any = compiler.entry(function, types.int64(*[record_type(row) for row in rows]), keep=keep)
    overload = compiled.overloads[compiled.signatures[0]]
    address = overload.library.get_pointer_to_function(overload.fndesc.llvm_func_name)
    return compiled, int(address)


@intrinsic
def _call_by_address(_typing: Any, address: Any, symbol: Any, regime: Any, own: Any, params: Any) -> Any:
    """Type and emit one call through a pointer; an error inside the callee is passed on."""
    inner = types.int64(symbol, regime, own, params)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        convention = context.call_conv
        function_type = convention.get_function_type(inner.return_type, inner.args)
        callee = builder.inttoptr(arguments[0], ir.PointerType(function_type))
        status, result = convention.call_function(builder, callee, inner.return_type, inner.args, arguments[1:])
        with builder.if_then(status.is_error, likely=False):
            convention.return_status_propagate(builder, status)
        return result

    return types.int64(address, symbol, regime, own, params), generate


@numba.njit(**HELPER_OPTIONS)
def _call_compiled(_triggers: Any, address: Any, symbol: Any, regime: Any, own: Any, params: Any) -> Any:
    return _call_by_address(address, symbol, regime, own, params)


@intrinsic
def _row_of(_typing: Any, table: Any, index: Any) -> Any:
    """Type and emit the address of a row: first row plus index times row size, after a range check."""
    record = table.types[0]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = builder.extract_value(arguments[0], 0)
        count = builder.extract_value(arguments[0], 1)
        place = context.cast(builder, arguments[1], signature.args[1], types.int64)
        with builder.if_then(builder.icmp_unsigned(">=", place, count), likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("row outside its table",))
        offset = builder.mul(place, ir.Constant(ir.IntType(64), record.size))
        data = builder.bitcast(first, ir.PointerType(ir.IntType(8)))
        return builder.bitcast(builder.gep(data, [offset]), context.get_value_type(record))

    return record(table, index), generate


@numba.njit(**HELPER_OPTIONS)
def _row_at_compiled(table: Any, index: Any) -> Any:
    return _row_of(table, index)


@numba.njit(**HELPER_OPTIONS)
def _row_count_compiled(table: Any) -> Any:
    return table[1]


@intrinsic
def _record_of(_typing: Any, address: Any, count: Any, place: Any) -> Any:
    """Type and emit the address of a market record, after a range check."""
    record: Any = record_type(RECORD)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, count, place = (
            context.cast(builder, argument, given, types.int64) for argument, given in zip(arguments, signature.args, strict=True)
        )
        with builder.if_then(builder.icmp_unsigned(">=", place, count), likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("record outside its tape",))
        offset = builder.mul(place, ir.Constant(ir.IntType(64), record.size))
        return builder.inttoptr(builder.add(first, offset), context.get_value_type(record))

    return record(address, count, place), generate


@numba.njit(**HELPER_OPTIONS)
def _record_at_compiled(_tapes: Any, _rank: Any, address: Any, count: Any, place: Any) -> Any:
    return _record_of(address, count, place)


COMPILED_FORMS: dict[Callable[..., Any], Any] = {
    call_trigger: _call_compiled,
    row_at: _row_at_compiled,
    row_count: _row_count_compiled,
    record_at: _record_at_compiled,
}
