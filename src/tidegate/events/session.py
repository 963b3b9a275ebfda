"""A session's first entry: everything that decides what the session will do, so that a log explains itself alone."""

import msgspec


class TapeRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tape a replay read: a stream. Its rank is its place in the list."""

    name: str
    path: str  # where it was; another copy with the same hash serves as well
    sha256: str
    records: int


class SourceRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One strategy's source: the file as it was, so that `verify` can say what changed."""

    strategy_id: str
    module: str
    version: int
    sha256: str
    params: bytes  # msgpack of the Params value


class SessionOpened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="session_opened"):
    """What a session was given. `session_id` hashes what decides (not code, CPU, mode, batch size or path)."""

    format_version: int
    session_id: str
    mode: str  # replay, later live, paper, shadow
    account: str
    started_ns: int  # receive time of the first input; never a wall clock in replay
    config: bytes  # the YAML as read
    config_sha256: str
    strategies: tuple[SourceRef, ...]
    tapes: tuple[TapeRef, ...]
    instruments: bytes  # msgpack of the tuple of Instrument
    feed_latency: str
    order_latency: str
    response_latency: str
    seed: int
    code_sha256: str
    kernel_sha256: str
    layout_sha256: str
    python: str
    libraries: tuple[str, ...]
    cpu: str
    snapshot: bytes = b""  # opening state; empty: nothing came before
    snapshot_sha256: str = ""
    lease_epoch: int = 0
    assumptions: tuple[str, ...] = ()  # what the simulator takes for granted, line by line
    version_sha256: str = ""  # of the configuration's version; empty: a replay, which takes any
    permissions: tuple[str, ...] = ()  # who may trade and why, line by line
