"""Sentence vectors by all-MiniLM-L6-v2 (int8) through ONNX Runtime, on one thread.

The session belongs to its process: make the first call after a worker has forked. Texts are cut at 256 word pieces; the
vectors are means over the pieces, of length 1, so that a dot product is the cosine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from memories.engine.embedding.weights import MODEL, TOKENIZER, locate
from memories.engine.errors import WeightsUnavailable

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

__all__ = ["configure", "dimensions", "embed", "from_bytes", "to_bytes", "unload"]

Vectors = npt.NDArray[np.float32]
dimensions = 384
MOST_TOKENS = 256
BATCH = 32  # larger ones cost memory and are no faster
MOST_CHARACTERS = 8_000  # far more than 256 word pieces; spares the tokenizer the rest


class _Encoder:
    """Tokenizer and session of one process, loaded when first used."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._lock = threading.Lock()
        self._loaded: tuple[int, Tokenizer, InferenceSession] | None = None

    def get(self) -> tuple[Tokenizer, InferenceSession]:
        with self._lock:
            if self._loaded is None or self._loaded[0] != os.getpid():  # a session does not survive a fork
                self._loaded = (os.getpid(), _tokenizer(self.folder), _session(self.folder))
            return self._loaded[1:]

    def forget(self, folder: Path | None) -> None:
        with self._lock:
            self.folder, self._loaded = folder, None


_encoder = _Encoder()


def configure(folder: Path | str | None) -> None:
    """Takes the model from a folder with `model.onnx` and `tokenizer.json`; None: the environment's, else the
    packages."""
    _encoder.forget(Path(folder) if folder else None)


def unload() -> None:
    """Frees the model's 270 MB until the next call."""
    _encoder.forget(_encoder.folder)


def embed(texts: Sequence[str]) -> Vectors:
    """Unit vectors of the texts, float32 of shape (n, 384). Raises WeightsUnavailable."""
    vectors = np.zeros((len(texts), dimensions), dtype=np.float32)
    if not texts:
        return vectors
    tokenizer, session = _encoder.get()
    clean = [text[:MOST_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
    encodings = tokenizer.encode_batch(clean)
    order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))  # batches of like length, little padding
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        vectors[rows] = _run(session, [encodings[i].ids for i in rows])
    return vectors


def to_bytes(vectors: npt.ArrayLike) -> bytes:
    """Vectors for storage: float16, little endian, row after row."""
    return np.ascontiguousarray(vectors, dtype="<f2").tobytes()


def from_bytes(data: bytes) -> Vectors:
    """What `to_bytes` stored, as float32 of shape (n, 384). Raises ValueError for another length."""
    return np.frombuffer(data, dtype="<f2").astype(np.float32).reshape(-1, dimensions)


def _run(session: InferenceSession, ids: list[list[int]]) -> Vectors:
    """Mean pooling over the pieces that are text, then length 1 (Reimers and Gurevych 2019)."""
    longest = max(map(len, ids))
    tokens = np.zeros((len(ids), longest), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, pieces in enumerate(ids):
        tokens[row, : len(pieces)] = pieces
        mask[row, : len(pieces)] = 1
    feed: dict[str, Any] = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    wanted = {argument.name for argument in session.get_inputs()}
    states = session.run(None, {name: value for name, value in feed.items() if name in wanted})[0]
    if states.ndim == 3:
        weights = mask[..., None].astype(np.float32)
        states = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
    lengths = np.linalg.norm(states, axis=1, keepdims=True)
    return np.asarray(states / np.maximum(lengths, 1e-12), dtype=np.float32)


def _tokenizer(folder: Path | None) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(locate(TOKENIZER, folder)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer


def _session(folder: Path | None) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = locate(MODEL, folder)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own errors have no common public class
        raise WeightsUnavailable(f"The embedding model {path} can't be loaded: {error}") from error
