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
from tidegate.control.hiding import Hiding
from tidegate.control.replies import AnyReply
from tidegate.values.enums import GateScope, RequestVerb, Role

FINISHED_SHOWN: Final = 50
FINISHED_MAX: Final = 1_024
NAME_MAX: Final = 128
REASON_MAX: Final = 2_000
SECRET_MAX: Final = 256

Name: TypeAlias = Annotated[str, Meta(max_length=NAME_MAX)]
Words: TypeAlias = Annotated[str, Meta(max_length=REASON_MAX)]
Hidden: TypeAlias = Annotated[str, Meta(max_length=SECRET_MAX)]  # a password, a token, a proof; its field's name is in `hiding`


class Probe(StrEnum):
    """What a health check asks."""

    LIVE = "live"  # does the loop turn
    READY = "ready"  # could an entry leave now, as far as the trader itself is concerned


class Request(Hiding, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="ask"):
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


class ListApprovals(Request, frozen=True, kw_only=True, tag="approvals"):
    """Which orders wait for a person's approval, and the newest so many of the requests that are closed."""

    closed_max: Annotated[int, Meta(ge=0, le=FINISHED_MAX)] = FINISHED_SHOWN


class AnswerApproval(Request, frozen=True, kw_only=True, tag="answer_approval"):
    """A person approves or rejects exactly the order that he saw: `order_sha256` names it. Who answers is as of an `Ask`.

    request_id makes it idempotent: the same id answers once.
    """

    request_id: Name
    approval_id: Name
    order_sha256: Name
    granted: bool
    reason: Words = ""
    proof: Hidden = ""


class Ask(Request, frozen=True, kw_only=True, tag="ask"):
    """A person asks for something to be done. See `events.inputs.OperatorRequested`.

    Who asks is what the proof of a login says, else what the socket says of its peer. request_id makes it idempotent: the same id asks
    once. What a second person has to confirm is asked for by him in the same words.
    """

    request_id: Name
    verb: RequestVerb
    scope: GateScope
    key: Name = ""
    reason: Words = ""
    order_id: Name = ""
    proof: Hidden = ""


class Report(Request, frozen=True, kw_only=True, tag="report"):
    """What has a kill or a flatten found and done, by the id of its request."""

    request_id: Name


class Health(Request, frozen=True, kw_only=True, tag="health"):
    """Is the trader alive, is it ready."""

    probe: Probe


class Doctor(Request, frozen=True, kw_only=True, tag="doctor"):
    """What does the trader find wrong with itself."""


class Login(Request, frozen=True, kw_only=True, tag="login"):
    """A user proves who he is: password, and a code of his authenticator."""

    name: Name
    password: Hidden
    code: Hidden


class Logout(Request, frozen=True, kw_only=True, tag="logout"):
    """End the login of this proof."""

    proof: Hidden


class Whoami(Request, frozen=True, kw_only=True, tag="whoami"):
    """Whom does the trader take the one who asks for."""

    proof: Hidden = ""


class FirstAdmin(Request, frozen=True, kw_only=True, tag="first_admin"):
    """Make the first admin, with the one-time token that the trader has printed."""

    token: Hidden
    name: Name
    password: Hidden


class AddUser(Request, frozen=True, kw_only=True, tag="add_user"):
    """Make a user. The answer has his second factor, once."""

    proof: Hidden
    name: Name
    role: Role
    password: Hidden


class ChangeUser(Request, frozen=True, kw_only=True, tag="change_user"):
    """Change what is given of a user, and nothing else; his logins end. Everybody may change his own password."""

    proof: Hidden
    name: Name
    role: Role | None = None
    disabled: bool | None = None
    password: Hidden = ""
    new_second_factor: bool = False


class ListUsers(Request, frozen=True, kw_only=True, tag="users"):
    """Which users are there."""

    proof: Hidden


AnyIdentity = Login | Logout | Whoami | FirstAdmin | AddUser | ChangeUser | ListUsers


class ListVersions(Request, frozen=True, kw_only=True, tag="versions"):
    """Which versions of the configuration are known, where each stands, and every step so far."""


class ShowVersion(Request, frozen=True, kw_only=True, tag="version_show"):
    """What is a version, to the byte. `version` is the beginning of its hash."""

    version: Name


class AddVersion(Request, frozen=True, kw_only=True, tag="version_add"):
    """A version is to become known. parent: the beginning of the hash of what it is compared with; empty: the one in force."""

    version: ConfigVersion
    parent: Name = ""
    proof: Hidden = ""


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
    proof: Hidden = ""


AnyPicture = Status | ListOrders | ListPositions | ShowLimits | Explain | ListApprovals
AnyVersion = ListVersions | ShowVersion | AddVersion | MoveVersion
AnyRequest = AnyPicture | AnswerApproval | Ask | Report | Health | Doctor | AnyIdentity | AnyVersion

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
