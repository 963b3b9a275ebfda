"""Strategy files into strategies: read once, judged, run, rehearsed. A file that breaks a rule leaves nothing behind.

The bytes that are judged are the bytes that run and the bytes that are hashed, so a file that changes meanwhile changes nothing.
"""

import ast
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final, NamedTuple, TypeAlias, cast

import msgspec

from tidegate.config.errors import BadParameterError, StrategyFileError, UnknownStrategyError
from tidegate.config.file_rules import check_file
from tidegate.config.finding import Found, find_strategy
from tidegate.config.parameters import Given, check_params_class, read_params
from tidegate.config.rehearsal import RAISED, rehearse
from tidegate.config.remarks import field_remarks
from tidegate.config.trigger_rules import TRIGGER, check_trigger
from tidegate.strategies.plan import BadPlanError, Plan
from tidegate.strategies.strategy import Decide, NoState, Strategy, Trigger

DECIDE_ARGUMENTS: Final = 3
SOURCE_BYTES_MAX: Final = 1_000_000

Namespace: TypeAlias = dict[str, object]


class ParameterCard(NamedTuple):
    """One parameter as people see it."""

    name: str
    kind: str
    default: int | float | bool
    remark: str


def split_request(text: str) -> tuple[str, dict[str, str]]:
    """Return name and parameters of `NAME[:param=value,...]` as the command line takes it.

    Raises:
        BadParameterError: a parameter without a name or a value, or given twice.
    """
    name, _, rest = text.partition(":")
    params: dict[str, str] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not key or not equals or not value or key in params:
            raise BadParameterError(f"{part!r} in {text!r} is no parameter; write NAME:param=value,param=value.")
        params[key] = value
    return name.strip(), params


def load_strategy(name_or_path: str, params: Given, strategy_id: str | None = None) -> Strategy:
    """Return a strategy with its parameters, checked and rehearsed.

    Args:
        name_or_path: a shipped name, a name announced by an installed package, or the path of a .py file.
        params: values by name; the others keep their defaults.
        strategy_id: what orders and reports call it; the file's NAME where none is given.

    Raises:
        UnknownStrategyError: no such name or file.
        BadParameterError: no such parameter, or a bad value.
        StrategyFileError: the file breaks a rule; its line is named.
        BadPlanError: the plan that follows from the parameters cannot work.
    """
    found = find_strategy(name_or_path)
    source = _read(found.path)
    names = _run(source, found)
    path = str(found.path)
    kind = check_params_class(names.get("Params"), path)
    name, version = _name_and_version(names, path)
    values = read_params(kind, params, name)
    return Strategy(
        strategy_id=strategy_id or name,
        name=name,
        version=version,
        module=found.module,
        source=source,
        sha256=sha256(source).hexdigest(),
        params=values,
        state=_opening_state(names, path),
        plan=_plan(names, values, path),
        decide=_decide(names, path),
        trigger=_trigger(names, values, path),
    )


def parameter_cards(strategy: Strategy) -> tuple[ParameterCard, ...]:
    """Return the parameters of a strategy with kind, default and what the file says of each."""
    remarks = field_remarks(strategy.source, "Params")
    return tuple(
        ParameterCard(field.name, cast("type", field.type).__name__, field.default, remarks.get(field.name, ""))
        for field in msgspec.structs.fields(strategy.params)
    )


def _read(path: Path) -> bytes:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UnknownStrategyError(f"Strategy file {path} cannot be read ({error.strerror}); check its permissions.") from error
    if len(source) > SOURCE_BYTES_MAX:
        raise StrategyFileError(f"{path} has more than {SOURCE_BYTES_MAX} bytes; a strategy is one readable file.")
    return source


def _run(source: bytes, found: Found) -> Namespace:
    """Judge the file, then run it in a namespace of its own; the module table of the interpreter is not touched."""
    path = str(found.path)
    try:
        tree = ast.parse(source, filename=path)
    except SyntaxError as error:
        raise StrategyFileError(f"{path}:{error.lineno or 1}: this is not Python: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:  # zero bytes; nested deeper than the parser goes
        raise StrategyFileError(f"{path}: this is not Python: {error or 'it is nested too deeply'}.") from error
    check_file(tree, path)
    code: CodeType = compile(tree, filename=path, mode="exec", dont_inherit=True)
    names: Namespace = {"__name__": found.module, "__file__": path, "__builtins__": __builtins__}
    try:
        exec(code, names)  # noqa: S102 - a strategy file is its owner's trusted code, and was just judged
    except (ImportError, *RAISED) as error:
        line = error.__traceback__ and error.__traceback__.tb_next and error.__traceback__.tb_next.tb_lineno
        raise StrategyFileError(f"{path}:{line or 1}: loading fails: {type(error).__name__}: {error}.") from error
    if TRIGGER in names:
        check_trigger(tree, names, path)
    return names


def _name_and_version(names: Namespace, path: str) -> tuple[str, int]:
    name, version = names.get("NAME"), names.get("VERSION")
    if not isinstance(name, str) or not name.isidentifier() or not name.islower():
        raise StrategyFileError(f'{path}: NAME is missing: write NAME = "my_strategy", in lower case without spaces.')
    if type(version) is not int or version < 1:
        raise StrategyFileError(f"{path}: VERSION is missing: write VERSION = 1, and count on with every change.")
    return name, version


def _plan(names: Namespace, params: msgspec.Struct, path: str) -> Plan:
    function = _function(names, "plan", 1, path)
    try:
        plan = function(params)
        if isinstance(plan, Plan):
            plan.check()
    except BadPlanError as error:
        raise BadPlanError(f"{path}: {error}") from error
    except RAISED as error:
        raise StrategyFileError(f"{path}: plan(params) fails: {type(error).__name__}: {error}.") from error
    if not isinstance(plan, Plan):
        raise StrategyFileError(f"{path}: plan(params) returned {plan!r}; it must return a Plan (tidegate.strategies.plan).")
    return plan


def _decide(names: Namespace, path: str) -> Decide:
    return cast("Decide", _function(names, "decide", DECIDE_ARGUMENTS, path))


def _trigger(names: Namespace, params: msgspec.Struct, path: str) -> Trigger | None:
    if TRIGGER not in names:
        return None
    trigger = cast("Trigger", names[TRIGGER])
    rehearse(trigger, params, path)
    return trigger


def _function(names: Namespace, name: str, arguments: int, path: str) -> FunctionType:
    given = names.get(name)
    call = {"plan": "plan(params)", "decide": "decide(view, state, attention)"}[name]
    if not isinstance(given, FunctionType) or given.__code__.co_argcount != arguments or given.__code__.co_kwonlyargcount:
        raise StrategyFileError(f"{path}: {name} is missing: write `def {call}`.")
    return given


def _opening_state(names: Namespace, path: str) -> msgspec.Struct:
    kind = names.get("State", NoState)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.frozen):
        raise StrategyFileError(f"{path}: State must be `class State(msgspec.Struct, frozen=True)`.")
    try:
        changing = _changing_part(msgspec.inspect.type_info(kind))
        state = kind()
    except RAISED as error:
        raise StrategyFileError(f"{path}: State cannot be made: {error}; give every field a type and a default.") from error
    if changing:
        raise StrategyFileError(f"{path}: State holds a {changing}, which may change unseen; use numbers, texts and tuples.")
    return state


_FIXED: Final = (
    msgspec.inspect.BoolType,
    msgspec.inspect.IntType,
    msgspec.inspect.FloatType,
    msgspec.inspect.StrType,
    msgspec.inspect.BytesType,
    msgspec.inspect.NoneType,
    msgspec.inspect.EnumType,
    msgspec.inspect.LiteralType,
    msgspec.inspect.DecimalType,
)


def _changing_part(kind: msgspec.inspect.Type) -> str:
    """Return the name of the first part of a type whose values can change, or nothing."""
    match kind:
        case msgspec.inspect.StructType(cls=cls, fields=fields):
            if not cls.__struct_config__.frozen:
                return cls.__name__
            parts: tuple[msgspec.inspect.Type, ...] = tuple(field.type for field in fields)
        case msgspec.inspect.TupleType(item_types=types) | msgspec.inspect.UnionType(types=types):
            parts = types
        case msgspec.inspect.VarTupleType(item_type=item):
            parts = (item,)
        case _ if isinstance(kind, _FIXED):
            return ""
        case _:
            return type(kind).__name__.removesuffix("Type").lower()
    return next((found for part in parts if (found := _changing_part(part))), "")
