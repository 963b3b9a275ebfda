"""What a trader answers about versions of its configuration and their stages. Times are ns UTC."""

from tidegate.config.versions import ConfigVersion
from tidegate.control.reply_roots import Part, Reply


class CriterionLine(Part, frozen=True, kw_only=True):
    """One criterion of a promotion, of the strategy that is furthest from it; empty: of the account."""

    name: str
    required: str
    measured: str
    strategy_id: str
    met: bool


class VersionReply(Reply, frozen=True, kw_only=True, tag="version"):
    """One version and what became of the request. refused: a criterion is not met; version: its bytes, where they were asked for."""

    sha256: str
    stage: str
    lines: tuple[str, ...]
    criteria: tuple[CriterionLine, ...] = ()
    refused: bool = False
    version: ConfigVersion | None = None


class VersionLine(Part, frozen=True, kw_only=True):
    """One version. permissions: what each strategy's holds by itself; in_force: modes of real money it may run in; next_stage: or none."""

    sha256: str
    parent: str
    stage: str
    permissions: tuple[str, ...]
    in_force: str
    running: bool
    actor: str
    added_ns: int
    next_stage: str


class StepLine(Part, frozen=True, kw_only=True):
    """One step of a version, or of one strategy's permission."""

    version_sha256: str
    strategy_id: str
    step: str
    before: str
    after: str
    actor: str
    approver: str
    reason: str
    evidence: str
    at_ns: int


class VersionsReply(Reply, frozen=True, kw_only=True, tag="versions"):
    """Every version, the newest first, and the last steps, the newest last."""

    running: str
    versions: tuple[VersionLine, ...]
    steps: tuple[StepLine, ...]


AnyVersionReply = VersionReply | VersionsReply
