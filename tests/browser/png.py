"""A PNG with a palette of 256 colours, a third of what a browser writes: for pictures that a repository keeps."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB, PALETTE = 2, 3


def with_palette(png: bytes) -> bytes:
    """The same picture, as PNG (W3C PNG, sections 9 and 11) with the 256 most frequent colours.

    Takes 8 bits a channel without transparency, which is what Chromium writes of a page.
    """
    chunks = list(_chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    assert (depth, kind) == (8, RGB), "not a page's screenshot"
    rows = _rows(zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT")), width * 3, height)
    pixels = [[row[x : x + 3] for x in range(0, len(row), 3)] for row in rows]
    palette, index = _palette(Counter(pixel for row in pixels for pixel in row))
    lines = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, PALETTE, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(*part) for part in parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place < len(png):
        size, name = struct.unpack(">I4s", png[place : place + 8])
        yield name, png[place + 8 : place + 8 + size]
        place += size + 12


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _rows(raw: bytes, size: int, height: int) -> Iterator[bytes]:
    before = bytearray(size)
    for number in range(height):
        start = number * (size + 1)
        before = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + size]), before)
        yield bytes(before)


def _unfiltered(method: int, row: bytearray, above: bytearray) -> bytearray:
    for x in range(len(row) if method else 0):
        left, corner = (row[x - 3], above[x - 3]) if x >= 3 else (0, 0)
        guess = (0, left, above[x], (left + above[x]) // 2, _paeth(left, above[x], corner))[method]
        row[x] = (row[x] + guess) & 255
    return row


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def _palette(counts: Counter[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    palette = [pixel for pixel, _ in counts.most_common(256)]
    index = {pixel: place for place, pixel in enumerate(palette)}
    for pixel in counts.keys() - index.keys():
        index[pixel] = min(range(len(palette)), key=lambda place: _distance(palette[place], pixel))
    return palette, index


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
