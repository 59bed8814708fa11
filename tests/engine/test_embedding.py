"""The embedding model: what is alike is near, vectors are of length 1, wrong weights are refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memories.engine import embedding
from memories.engine.embedding import weights
from memories.engine.errors import WeightsUnavailable

TEXTS = ["A man is eating food.", "Someone eats a meal.", "The sky is blue today."]


@pytest.fixture(scope="module")
def vectors() -> embedding.Vectors:
    return embedding.embed(TEXTS)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder the model is taken from for one test."""
    yield tmp_path
    embedding.configure(None)


def test_unit_rows(vectors: embedding.Vectors) -> None:
    assert vectors.shape == (3, embedding.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_like_meanings_are_near(vectors: embedding.Vectors) -> None:
    assert vectors[0] @ vectors[1] > 0.6
    assert vectors[0] @ vectors[2] < 0.3


def test_a_text_has_one_vector_whatever_its_neighbours(vectors: embedding.Vectors) -> None:
    many = embedding.embed(["word " * (i % 50) for i in range(70)] + TEXTS)
    assert (many[-3:] * vectors).sum(axis=1).min() > 0.99  # quantised: padding moves the last digits


def test_odd_texts() -> None:
    found = embedding.embed(["", " ", "\ud800", "x" * 1_000_000, "💡", "北京"])
    assert np.isfinite(found).all()
    assert embedding.embed([]).shape == (0, embedding.dimensions)


def test_storage_keeps_the_direction(vectors: embedding.Vectors) -> None:
    data = embedding.to_bytes(vectors)
    assert len(data) == 3 * embedding.dimensions * 2
    assert np.allclose(embedding.from_bytes(data), vectors, atol=1e-3)
    with pytest.raises(ValueError, match="reshape"):
        embedding.from_bytes(data[:-2])


def test_a_missing_model_says_what_to_do(folder: Path) -> None:
    embedding.configure(folder)
    with pytest.raises(WeightsUnavailable, match="MEMSTACK_EMBEDDING_DIR"):
        embedding.embed(["a"])


def test_another_file_is_refused(folder: Path) -> None:
    shutil.copy(weights.locate(weights.TOKENIZER), folder)
    (folder / weights.MODEL).write_bytes(b"not the model")
    embedding.configure(folder)
    with pytest.raises(WeightsUnavailable, match="SHA-256"):
        embedding.embed(["a"])


def test_the_environment_names_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(weights.locate(weights.TOKENIZER), folder)
    monkeypatch.setenv(weights.ENVIRONMENT, str(folder))
    assert weights.locate(weights.TOKENIZER).parent == folder
