"""What a child says, cut into lines: each passed on whole, a long one in parts, and the last one remembered."""

from typing import Final, final

LINE_BYTES_MAX: Final = 16_384
_LAST_CHARACTERS: Final = 500


@final
class LineCutter:
    """Bytes in, marked lines out. A mark stands before each line; empty: lines pass as they are."""

    def __init__(self, mark: str) -> None:
        self.last_line = ""  # the newest line with something in it
        self._mark = mark.encode()
        self._rest = b""

    def cut(self, data: bytes) -> bytes:
        """Return the lines that are whole now; a line that grows too long is broken."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LINE_BYTES_MAX:
            lines.append(self._rest[:LINE_BYTES_MAX])
            self._rest = self._rest[LINE_BYTES_MAX:]
        return b"".join(map(self._marked, lines))

    def end(self) -> bytes:
        """Return what was left without an end of line."""
        rest, self._rest = self._rest, b""
        return self._marked(rest) if rest else b""

    def _marked(self, line: bytes) -> bytes:
        if line.strip():
            self.last_line = line.decode(errors="replace").strip()[:_LAST_CHARACTERS]
        return self._mark + line + b"\n"
