"""A page that the process which makes it compresses once; it is kept and sent compressed.

At a thousand sales a page is nearly a megabyte of text: to unpack it at each scrape, and to pack it again for
Prometheus, which asks for gzip, would cost more than all the rest of the scrape.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

LEVEL: Final = 1
_RAW: Final = -zlib.MAX_WBITS  # deflated without a header of its own
_NOTED: Final = struct.Struct(">QII")  # when it was made, its length, its CRC
_GZIP_BEGINS: Final = b"\x1f\x8b\x08\0\0\0\0\0\4\xff"  # RFC 1952: deflated, no name, no time, packed fast
_GZIP_ENDS: Final = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class PackedPage:
    """A page as deflated blocks of which none is the last, so that others may follow.

    `made_ms`: when it was made, by Redis' clock.
    """

    made_ms: int
    size: int  # bytes of text
    crc: int
    blocks: bytes

    @classmethod
    def of(cls, page: bytes, made_ms: int) -> "PackedPage":
        """Pack a page."""
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW)
        blocks = packer.compress(page) + packer.flush(zlib.Z_SYNC_FLUSH)
        return cls(made_ms, len(page), zlib.crc32(page), blocks)

    @classmethod
    def read(cls, kept: bytes) -> "PackedPage":
        """Read what `written` wrote; of nothing, an empty page that is as old as can be."""
        made_ms, size, crc = _NOTED.unpack_from(kept) if kept else (0, 0, 0)
        return cls(made_ms, size, crc, kept[_NOTED.size :])

    def written(self) -> bytes:
        """Write it down, to be kept."""
        return _NOTED.pack(self.made_ms, self.size, self.crc) + self.blocks

    def plain(self, rest: bytes) -> bytes:
        """The page, and text that follows."""
        return zlib.decompressobj(_RAW).decompress(self.blocks) + rest

    def gzipped(self, rest: bytes) -> bytes:
        """The same as one member of gzip; only what follows is packed now."""
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW)
        last = packer.compress(rest) + packer.flush()
        size = (self.size + len(rest)) & 0xFFFFFFFF
        return _GZIP_BEGINS + self.blocks + last + _GZIP_ENDS.pack(zlib.crc32(rest, self.crc), size)
