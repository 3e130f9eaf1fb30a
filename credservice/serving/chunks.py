"""Reads a chunked body (RFC 9112, section 7.1), as strictly as its grammar is written."""

import re

from credservice.serving.heads import Malformed

MAX_LINE = 1024  # of a size with its extensions, and of a trailer
MAX_TRAILERS = 8 * 1024  # of all

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t -~\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")


class Chunks:
    """Takes in a chunked body of up to ``most`` bytes. ``is_long``: it has more, which are left unread."""

    def __init__(self, most: int) -> None:
        self.content = bytearray()
        self.is_long = False
        self._most = most
        self._left = 0  # of the chunk that is being read, with its line end; 0 before a size
        self._ends = False  # the last chunk has come, trailers follow
        self._trailers = 0

    def take(self, buffer: bytearray) -> bool:
        """Take what there is from the front of ``buffer``; True at the end of the body. Raises Malformed."""
        while not self.is_long:
            if self._left:
                if not self._take_data(buffer):
                    return False
            elif (line := _take_line(buffer)) is None:
                return False
            elif self._ends:
                if not line:
                    return True
                self._pass_trailer(line)
            else:
                self._begin(line)
        return True

    def _begin(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise Malformed("InvalidChunkSize")
        size = int(match[1], 16)
        self._left, self._ends = (size + 2 if size else 0), size == 0
        self.is_long = len(self.content) + size > self._most

    def _take_data(self, buffer: bytearray) -> bool:
        """Move data over; True as soon as the chunk and its line end are through."""
        data = buffer[: max(0, self._left - 2)]
        self.content += data
        del buffer[: len(data)]
        self._left -= len(data)
        if self._left > 2:
            return False
        if not b"\r\n".startswith(buffer[:2]):
            raise Malformed("InvalidChunkEnd")
        if len(buffer) < 2:
            return False
        del buffer[:2]
        self._left = 0
        return True

    def _pass_trailer(self, line: bytes) -> None:
        """Check a trailer and drop it: nothing that comes after a body changes its request."""
        self._trailers += len(line) + 2
        if self._trailers > MAX_TRAILERS or not _TRAILER.fullmatch(line):
            raise Malformed("InvalidTrailer")


def _take_line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n", 0, MAX_LINE)
    if end < 0:
        if len(buffer) >= MAX_LINE or b"\r" in buffer[:-1]:
            raise Malformed("InvalidChunkLine")
        return None
    if end == 0 or buffer[end - 1] != 0x0D:
        raise Malformed("InvalidChunkLine")
    line = bytes(buffer[: end - 1])
    del buffer[: end + 1]
    return line
