"""What may be asked of a running trader. Strict: an unknown word or field is refused, since it could change what a request means.

A request's `ask` names it, as in {"ask": "health", "probe": "ready"}.
"""

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from tidegate.config.promotion import Measured
from tidegate.config.versions import ConfigVersion
from tidegate.control.errors import BadFrameError, UnknownRequestError
from tidegate.control.replies import AnyReply
from tidegate.values.enums import GateScope, RequestVerb

FINISHED_SHOWN: Final = 50
FINISHED_MAX: Final = 1_024
NAME_MAX: Final = 128
REASON_MAX: Final = 2_000

Name: TypeAlias = Annotated[str, Meta(max_length=NAME_MAX)]
Words: TypeAlias = Annotated[str, Meta(max_length=REASON_MAX)]


class Probe(StrEnum):
    """What a health check asks."""

    LIVE = "live"  # does the loop turn
    READY = "ready"  # could an entry leave now, as far as the trader itself is concerned


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="ask"):
    """Root of requests."""


class Status(Request, frozen=True, kw_only=True, tag="status"):
    """How does the trader stand."""


class ListOrders(Request, frozen=True, kw_only=True, tag="orders"):
    """Which orders work, and the newest so many of those that finished."""

    finished_max: Annotated[int, Meta(ge=0, le=FINISHED_MAX)] = FINISHED_SHOWN


class ListPositions(Request, frozen=True, kw_only=True, tag="positions"):
    """What is held, by strategy and by account, and what it is worth."""


class ShowLimits(Request, frozen=True, kw_only=True, tag="limits"):
    """Every limit, and how much of it is used."""


class Explain(Request, frozen=True, kw_only=True, tag="explain"):
    """Where does an order stand, and where is the log that tells its story."""

    identifier: Name


class Ask(Request, frozen=True, kw_only=True, tag="ask"):
    """A person asks for something to be done. See `events.inputs.OperatorRequested`; who asks is what the socket says of its peer.

    request_id makes it idempotent: the same id asks once.
    """

    request_id: Name
    verb: RequestVerb
    scope: GateScope
    key: Name = ""
    reason: Words = ""
    order_id: Name = ""


class Health(Request, frozen=True, kw_only=True, tag="health"):
    """Is the trader alive, is it ready."""

    probe: Probe


class Doctor(Request, frozen=True, kw_only=True, tag="doctor"):
    """What does the trader find wrong with itself."""


class ListVersions(Request, frozen=True, kw_only=True, tag="versions"):
    """Which versions of the configuration are known, where each stands, and every step so far."""


class ShowVersion(Request, frozen=True, kw_only=True, tag="version_show"):
    """What is a version, to the byte. `version` is the beginning of its hash."""

    version: Name


class AddVersion(Request, frozen=True, kw_only=True, tag="version_add"):
    """A version is to become known. parent: the beginning of the hash of what it is compared with; empty: the one in force."""

    version: ConfigVersion
    parent: Name = ""


class VersionVerb(StrEnum):
    """What moves a version."""

    PROMOTE = "promote"
    APPROVE = "approve"  # the second person's word
    ROLLBACK = "rollback"


class MoveVersion(Request, frozen=True, kw_only=True, tag="version_move"):
    """A person moves a version. stage empty: the next one. measured: what the golden logs show, for a promotion."""

    version: Name
    verb: VersionVerb
    stage: Name = ""
    reason: Words = ""
    measured: Measured | None = None


AnyRequest = (
    Status
    | ListOrders
    | ListPositions
    | ShowLimits
    | Explain
    | Ask
    | Health
    | Doctor
    | ListVersions
    | ShowVersion
    | AddVersion
    | MoveVersion
)

_encoder: Final = msgspec.json.Encoder()
_requests: Final[msgspec.json.Decoder[AnyRequest]] = msgspec.json.Decoder(AnyRequest)
_replies: Final[msgspec.json.Decoder[AnyReply]] = msgspec.json.Decoder(AnyReply)


def encode(message: AnyRequest | AnyReply) -> bytes:
    """Return a message's bytes, without a frame."""
    return _encoder.encode(message)


def decode_request(body: bytes) -> AnyRequest:
    """Return a request.

    Raises:
        UnknownRequestError: it is none of this version's.
    """
    try:
        return _requests.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnknownRequestError(f"The trader does not know this request ({error}); use the client of its own version.") from error


def decode_reply(body: bytes) -> AnyReply:
    """Return a reply. Fields that a newer trader adds are passed over.

    Raises:
        BadFrameError: it is no reply of this version.
    """
    try:
        return _replies.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadFrameError(f"The trader's answer cannot be read ({error}); use the client of its own version.") from error
