"""Is a chain what it was when it was written? Every difference is a finding: which record, what is wrong, in one sentence. Pure.

Rows come as the database has them, whatever that is; nothing in here trusts a type, a number or an order.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias, final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tidegate.journal.audit.anchors import AnchorLine
from tidegate.journal.audit.heads import Head, wrong_with
from tidegate.journal.audit.record import GENESIS, HASHED, json_bytes
from tidegate.values.time import MINUTE_NS, iso_utc

FINDINGS_MAX: Final = 100  # more of them are counted
OPEN_NS_MAX: Final = 10 * MINUTE_NS  # a trader signs every minute; so long without a head is not right
_WORDS_KEPT: Final = 10_000

# seq, ts_ns, actor, type, subject, body, prev_hash, hash, epoch; words as bytes
Row: TypeAlias = tuple[object, ...]


class FindingKind(StrEnum):
    """What kind of difference was found."""

    CHANGED = "changed"  # a record does not have the hash it names
    UNLINKED = "unlinked"  # a record does not follow on the one before it
    MISSING = "missing"
    UNNUMBERED = "unnumbered"  # a row that is no record, or stands where none can stand
    CUT = "cut"  # the end is gone, or the database is an older one
    HEAD_WRONG = "head_wrong"  # a head that the key of ours did not sign so
    HEAD_BROKEN = "head_broken"  # a head that was signed, and the chain is another now
    HEAD_UNANCHORED = "head_unanchored"  # the ledger has a head, and the anchors lack it
    ANCHOR_WRONG = "anchor_wrong"
    ANCHORS_MISSING = "anchors_missing"
    UNSEALED = "unsealed"  # no head for a long time: nothing but the chain itself holds its end
    EMPTY = "empty"


class Finding(msgspec.Struct, frozen=True):
    """One difference. seq: of the record it was met at; of a line of the anchors, 0 where it names none."""

    kind: FindingKind
    seq: int
    sentence: str


class Report(msgspec.Struct, kw_only=True):
    """What a check found. Times in ns UTC, 0: none.

    open_records are those after the last head, which nothing but the chain holds; open_ns is the time of the first of them.
    """

    account: str
    records: int = 0
    heads: int = 0
    anchors: int = 0
    first_ns: int = 0
    last_ns: int = 0
    sealed_seq: int = 0
    sealed_ns: int = 0
    open_ns: int = 0
    open_records: int = 0
    findings: list[Finding] = []
    more_findings: int = 0
    remarks: list[str] = []

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings

    def found(self, kind: FindingKind, seq: int, sentence: str) -> None:
        """Keep a finding; what is beyond the bound is counted."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(kind, seq, sentence))
        else:
            self.more_findings += 1


class Mark(NamedTuple):
    """A proved head to be held against the chain. is_late: it came while the check ran, and the rows may be older."""

    seq: int
    hash: bytes
    ts_ns: int
    source: str
    is_late: bool = False


def ledger_marks(heads: Iterable[Head | None], keys: Mapping[str, Ed25519PublicKey], report: Report) -> list[Mark]:
    """Prove the heads that the ledger has; return those that stand."""
    marks = []
    for head in heads:
        report.heads += 1
        if head is None:
            report.found(FindingKind.HEAD_WRONG, 0, "A head in the ledger is not written as heads are.")
        elif wrong := wrong_with(head, keys):
            report.found(FindingKind.HEAD_WRONG, head.seq, f"The head at record {head.seq} in the ledger {wrong}.")
        else:
            marks.append(Mark(head.seq, head.hash.encode(), head.ts_ns, "head in the ledger"))
    return marks


@final
class AnchorCheck:
    """Reads the lines of the anchors: proves each, and keeps what the chain and the ledger's heads are held against."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey], report: Report) -> None:
        self._keys: Final = keys
        self._report: Final = report
        self._proved: Final[set[str]] = set()
        self.marks: Final[list[Mark]] = []

    def read(self, lines: Iterable[AnchorLine], *, known_bytes: int) -> None:
        """Take all lines in. known_bytes: how long the file was before the rows were read; what is beyond came later."""
        last = 0
        for line in lines:
            head = line.head
            if head is None:
                self._unreadable(line)
            elif head.account == self._report.account:
                self._report.anchors += 1
                if wrong := wrong_with(head, self._keys):
                    self._wrong(line, wrong, head.seq)
                    continue
                if head.seq < last:
                    what = f"stands after one of record {last}: it was moved, or an older copy of the ledger went on"
                    self._wrong(line, what, head.seq)
                last = max(last, head.seq)
                self._proved.add(head.signature)
                self.marks.append(
                    Mark(head.seq, head.hash.encode(), head.ts_ns, f"anchor in line {line.number}", line.offset >= known_bytes),
                )

    def hold(self, heads: Iterable[Head | None]) -> None:
        """Every head that the ledger has was anchored before: one that is not in the file was taken out of it."""
        for head in heads:
            if head is not None and head.signature not in self._proved and not wrong_with(head, self._keys):
                self._report.found(
                    FindingKind.HEAD_UNANCHORED,
                    head.seq,
                    f"The head at record {head.seq} of {iso_utc(head.ts_ns)} is in the ledger and not in the anchors: "
                    "lines of that file were cut off or changed, or it is another one.",
                )

    def _unreadable(self, line: AnchorLine) -> None:
        if line.is_torn:
            self._report.remarks.append(
                f"The last line of the anchors, {line.number}, is unfinished, as after a power cut; the next start of a trader cuts it.",
            )
        else:
            self._wrong(line, "is not written as heads are", 0)

    def _wrong(self, line: AnchorLine, what: str, seq: int) -> None:
        self._report.found(FindingKind.ANCHOR_WRONG, seq, f"The anchor in line {line.number} {what}.")


def check_chain(rows: Iterable[Row], marks: Iterable[Mark], report: Report) -> None:
    """Follow a chain from its first record to its last, and hold each proved head against it.

    Args:
        rows: every record of the account, by number.
        marks: proved heads of the ledger and of the anchors, in any order.
        report: takes what is found.
    """
    follower = _Follower(marks, report)
    follower.run(rows)
    follower.end()


@final
class _Follower:
    """Takes one row after the other. `run` is what a million records spend their time in, so it does the usual and nothing else."""

    def __init__(self, marks: Iterable[Mark], report: Report) -> None:
        self._report: Final = report
        self._account: Final = json_bytes(report.account)
        self._ahead: Final = iter(sorted(marks))
        self._mark = next(self._ahead, None)
        self._last_seq = 0
        self._last_hash: object = GENESIS.encode()
        self._words: Final[dict[object, bytes]] = {}

    def run(self, rows: Iterable[Row]) -> None:
        """Hold each row against its own hash, the row before, and the heads that name it."""
        report, account, words = self._report, self._account, self._words
        for row in rows:
            seq, ts_ns, actor, kind, subject, body, prev_hash, named, epoch = row
            try:
                who, what = words.get(actor) or self._word(actor), words.get(kind) or self._word(kind)
                text = HASHED % (account, who, body, epoch, prev_hash, seq, _json(subject), ts_ns, what)
                digest = sha256(text).hexdigest().encode()
            except (TypeError, UnicodeDecodeError):
                digest = b""
            if digest == named and prev_hash == self._last_hash and seq == self._last_seq + 1:
                report.last_ns = ts_ns  # type: ignore[assignment]  # what has this hash was a record
                self._last_seq, self._last_hash = seq, named
            else:
                self._differs(row, digest)
            report.records += 1
            if not report.open_ns:
                self._opened(ts_ns)
            if self._mark is not None and self._mark.seq <= self._last_seq:
                self._pass_marks(_number(seq), digest)

    def end(self) -> None:
        """The rows are over."""
        _end(self._mark, self._ahead, self._last_seq, self._report)

    def _differs(self, row: Row, digest: bytes) -> None:
        """Say what is wrong with a row."""
        seq, prev_hash, named = row[0], row[6], row[7]
        if digest != named:
            sentence = f"Record {seq} was changed: its content does not have the hash it names."
            self._report.found(FindingKind.CHANGED, _number(seq), sentence)
        if seq != self._last_seq + 1:
            self._out_of_step(seq)
        elif prev_hash != self._last_hash:
            self._unlinked(seq)
        self._last_seq, self._last_hash = max(self._last_seq, _number(seq)), named

    def _pass_marks(self, seq: int, digest: bytes) -> None:
        while self._mark is not None and self._mark.seq <= self._last_seq:
            _hold(self._mark, seq, digest, self._report)
            self._mark = next(self._ahead, None)

    def _opened(self, ts_ns: object) -> None:
        """The first record after a head, or of all."""
        if isinstance(ts_ns, int):
            self._report.open_ns = ts_ns
            self._report.first_ns = self._report.first_ns or ts_ns

    def _word(self, word: object) -> bytes:
        """Return a word as JSON; actors and types are few, and kept."""
        text = _json(word)
        if len(self._words) < _WORDS_KEPT:
            self._words[word] = text
        return text

    def _out_of_step(self, seq: object) -> None:
        report, expected = self._report, self._last_seq + 1
        if not isinstance(seq, int) or seq < expected:
            sentence = f"A row has the number {seq!r}, which no record can have there; it was put in."
            report.found(FindingKind.UNNUMBERED, _number(seq), sentence)
            return
        gone = f"Record {expected} is" if seq == expected + 1 else f"Records {expected} to {seq - 1} are"
        report.found(FindingKind.MISSING, expected, f"{gone} missing: record {self._last_seq} is followed by record {seq}.")

    def _unlinked(self, seq: object) -> None:
        before = f"record {self._last_seq}" if self._last_seq else "the beginning of the chain"
        self._report.found(
            FindingKind.UNLINKED,
            _number(seq),
            f"Record {seq} does not follow on {before}: one of the two was changed and hashed anew, put in, or moved.",
        )


def _hold(mark: Mark, seq: int, digest: bytes, report: Report) -> None:
    """Hold a proved head against the record that has its number."""
    when = iso_utc(mark.ts_ns)
    if mark.seq < seq:
        report.found(FindingKind.HEAD_BROKEN, mark.seq, f"The {mark.source} of {when} names record {mark.seq}, and there is none.")
    elif mark.hash != digest:
        report.found(
            FindingKind.HEAD_BROKEN,
            seq,
            f"Record {seq} is not the one that the {mark.source} of {when} names: "
            "the chain up to there was made anew, or goes on from an older copy.",
        )
    else:
        report.sealed_seq, report.sealed_ns, report.open_ns = seq, mark.ts_ns, 0


def _end(mark: Mark | None, ahead: Iterator[Mark], last_seq: int, report: Report) -> None:
    """The rows are over: a head beyond them says that more of them were there."""
    beyond = [one for one in (mark, *ahead) if one is not None and not one.is_late]
    if beyond:
        newest = beyond[-1]
        gone = newest.seq - last_seq
        report.found(
            FindingKind.CUT,
            last_seq,
            f"The chain ends at record {last_seq}, and the {newest.source} of {iso_utc(newest.ts_ns)} names record {newest.seq}: "
            f"{gone} {'record is' if gone == 1 else 'records are'} gone. The end was cut off, or the ledger is an older copy.",
        )
    report.open_records = max(0, last_seq - report.sealed_seq)
    if report.open_ns and report.last_ns - report.open_ns > OPEN_NS_MAX:
        report.found(
            FindingKind.UNSEALED,
            report.sealed_seq + 1,
            f"No head covers the {report.open_records} records after {report.sealed_seq}, from {iso_utc(report.open_ns)} on: heads were "
            "taken away, or the trader could not sign or keep them; look for records of the type anchor_failed.",
        )


def _json(word: object) -> bytes:
    if not isinstance(word, bytes):
        raise TypeError(word)
    return json_bytes(word.decode())


def _number(seq: object) -> int:
    return seq if isinstance(seq, int) else 0
