"""The report of a kill or a flatten straight from a golden log: of an earlier session, or with the trader down."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tidegate.control.replies import ReportReply
from tidegate.events.acts import AnyAct
from tidegate.events.codec import decode
from tidegate.events.inputs import AnyInput
from tidegate.journal import EntryKind, LogReader, read
from tidegate.service.report_reply import report_reply
from tidegate.service.stop_report import Reports
from tidegate.values.errors import ExitCode, TidegateError

_MESSAGES: Final = frozenset({EntryKind.INPUT, EntryKind.ACT})


class NoSuchReportError(TidegateError):
    """No kill or flatten has this request id in the log that is kept. `tidegate status` lists those under way."""

    exit_code = ExitCode.ANSWER_IS_NO


def report_in_log(folder: Path, request_id: str) -> ReportReply:
    """Return the report of a request from a golden log, a trader's own while it writes included.

    It is looked for from the newest session back, and followed from where it began to the end: another session may finish it.

    Raises:
        NoSuchReportError: the log has no such request.
        TidegateError: there is no log, or it is damaged.
    """
    reader = read(folder)
    place = len(reader.sessions) - 1
    while place >= 0 and not _asks(reader, place, request_id):
        place -= 1
    while place > 0 and _asks(reader, place - 1, request_id):  # a kill file has each start ask again, until somebody resumes
        place -= 1
    reports = Reports()
    for session in reader.sessions[place:] if place >= 0 else ():
        for message in _messages(reader, session.number):
            reports.take(message)
    found = reports.found.get(request_id)
    if found is None:
        raise NoSuchReportError(f"No kill or flatten has the request id {request_id!r} here; `tidegate status` lists those under way.")
    return report_reply(found)


def _asks(reader: LogReader, place: int, request_id: str) -> bool:
    """Tell whether a session holds a request: its bytes are searched first, which costs little where a log is long."""
    needle = request_id.encode()
    number = reader.sessions[place].number
    return any(entry.kind is EntryKind.INPUT and needle in bytes(entry.payload) for entry in reader.entries(number))


def _messages(reader: LogReader, number: int) -> Iterator[AnyInput | AnyAct]:
    return (decode(entry.payload) for entry in reader.entries(number) if entry.kind in _MESSAGES)
