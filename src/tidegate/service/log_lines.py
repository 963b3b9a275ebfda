"""The service's own log: one JSON object a line on stderr. It explains the process; the golden log explains the trading.

Two walls keep secrets out: only keys of a list come through, so that a whole request or account is never logged by accident;
and every text is searched for the secrets the process knows, tracebacks included. Locals are never printed.
"""

import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, Final, TextIO
from urllib.parse import quote

import msgspec
import structlog

from tidegate.service.secrecy import REDACTED, Secret

ALLOWED: Final = frozenset(
    {
        "account",
        "actor",
        "attempt",
        "bytes",
        "client_order_id",
        "code",
        "command_id",
        "count",
        "delay_ms",
        "duration_ms",
        "epoch",
        "error",
        "event",
        "exception",
        "exit_code",
        "expires",
        "finding",
        "from_state",
        "holder",
        "intent_id",
        "k",
        "key",
        "left_out",
        "level",
        "limit",
        "logger",
        "mode",
        "n",
        "name",
        "observed",
        "path",
        "pid",
        "port",
        "reason",
        "scope",
        "sequence",
        "session",
        "signal",
        "state",
        "status",
        "strategy_id",
        "stream",
        "symbol",
        "time",
        "to_state",
        "url",
        "venue",
        "venue_order_id",
        "version",
    }
)
_Line = MutableMapping[str, Any]


class Redaction:
    """A structlog processor: leaves out what is not allowed, and hides known secrets in what is."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        texts = {text for secret in secrets for text in (secret.reveal(), quote(secret.reveal(), safe=""))}
        self._texts = tuple(Secret(text) for text in sorted(texts, key=len, reverse=True))  # a longer one may hold a shorter

    def __call__(self, _logger: object, _method: str, line: _Line) -> _Line:
        """Return the line as it may be seen."""
        kept = {name: self._seen(value) for name, value in line.items() if name in ALLOWED}
        left_out = sorted(self.hidden(name) for name in line if name not in ALLOWED and not name.startswith("_"))
        return {**kept, "left_out": left_out} if left_out else kept

    def hidden(self, text: str) -> str:
        """Return a text without the secrets that are in it."""
        for secret in self._texts:
            text = text.replace(secret.reveal(), REDACTED)
        return text

    def _seen(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.hidden(str(value))


def set_up_log(secrets: Sequence[Secret] = (), *, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send our own log and that of every library through the two walls; called once the keys are read, and again when they change."""
    redaction = Redaction(secrets)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redaction,
        structlog.processors.JSONRenderer(serializer=_json),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(max(level, logging.WARNING))  # it tells at each start what it found unchanged
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _json(line: object, default: object = None) -> str:  # noqa: ARG001 - structlog hands its own over
    return msgspec.json.encode(line).decode()
