"""What follows a grant: the entry is judged as new, at its own prices, with the quotes, limits and gates of this moment.

If the gate approves it, its orders go out in the same step and the approval is used up; if not, the approval lapses and says why.
"""

from typing import Final, final

from msgspec.structs import replace

from tidegate.engine.approving import Approving
from tidegate.engine.core import Core
from tidegate.engine.ordering import Ordering
from tidegate.events.inputs import ApprovalAnswered
from tidegate.values.enums import Verdict

_GONE: Final = "Its strategy or symbol is not here any more; it is not sent."


@final
class Releasing:
    """Takes answers in and lets granted entries go to the gate."""

    def __init__(self, core: Core, approving: Approving, ordering: Ordering) -> None:
        self._core: Final = core
        self._approving: Final = approving
        self._ordering: Final = ordering

    def answer(self, answer: ApprovalAnswered) -> None:
        """Take a person's answer in; release what is granted with it."""
        core = self._core
        approval = self._approving.answer(answer)
        if approval is None:
            return
        intent = approval.intent
        strategy, instrument = core.strategy_places.get(intent.strategy_id, -1), core.instruments.get(intent.symbol)
        if strategy < 0 or instrument is None:
            self._approving.lapse(approval, _GONE)
            return
        anew = replace(intent, event_id=core.next_id(), timestamp=core.now_ns)
        decision = self._ordering.enter(anew, strategy, instrument.index, approval)
        if decision.verdict is not Verdict.APPROVED:
            self._approving.lapse(approval, f"Judged as new, it was not let out. {decision.sentence}")
