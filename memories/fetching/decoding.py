"""Unpacks what comes, in small pieces, so that whoever counts them can stop a bomb before it has gone off."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from memories.fetching import errors

PIECE = 64 * 1024
MOST_LAYERS = 2
SENT = "gzip, deflate"
"""What is asked for; brotli is not."""


def unpacked(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces without the Content-Encoding `encoding`, none over 64 KB. FetchError for an unknown or broken one."""
    layers = [
        layer for layer in (name.strip().lower() for name in encoding.split(",")) if layer not in ("", "identity")
    ]
    if len(layers) > MOST_LAYERS or any(layer not in DECODERS for layer in layers):
        raise errors.unknown_encoding(encoding)
    for layer in reversed(layers):
        pieces = DECODERS[layer](pieces)
    return pieces


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Several members after each other are one text; what follows the last one is padding."""
    decoder = None
    for piece in pieces:
        rest = piece
        while rest:
            if decoder is None or decoder.eof:
                if decoder and not rest.startswith(b"\x1f"):
                    return
                decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
            yield from _inflated(decoder, rest)
            rest = decoder.unused_data
    if decoder and not decoder.eof:
        raise errors.damaged()


def _deflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The standard means zlib's format; some servers send it without its head."""
    decoder = None
    for piece in pieces:
        if decoder is None and piece:
            wrapped = piece[0] & 0x0F == 8 and (len(piece) < 2 or int.from_bytes(piece[:2], "big") % 31 == 0)
            decoder = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        if decoder is not None:
            yield from _inflated(decoder, piece)
    if decoder and not decoder.eof:
        raise errors.damaged()


def _inflated(decoder: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    more = bool(data)
    try:
        while more and not decoder.eof:
            piece = decoder.decompress(data, PIECE)
            data = decoder.unconsumed_tail
            more = bool(data) or len(piece) == PIECE  # a full piece may leave more in the decoder than in the tail
            yield piece
    except zlib.error:
        raise errors.damaged() from None


DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
}
