"""A request as its handler sees it, and its answer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tidegate.emulators.alpaca.desk import Desk
from tidegate.emulators.alpaca.wire import Body
from tidegate.emulators.alpaca.world import World


class Call(NamedTuple):
    """Who asks what. `parts` are the named parts of the path."""

    world: World
    desk: Desk
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: Body


class Reply(NamedTuple):
    """The answer: a JSON value, or None for none at all."""

    value: object = None
    http: int = 200


Handler = Callable[[Call], Reply]


class Route(NamedTuple):
    """One endpoint. `is_data`: of the data host, which has a budget of its own."""

    method: str
    path: str
    handler: Handler
    is_data: bool = False
