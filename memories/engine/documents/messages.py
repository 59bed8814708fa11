"""What the reading process and its parent say to each other: one JSON value a line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from memories.engine.documents.limits import Limits
from memories.engine.documents.model import Document


class Job(msgspec.Struct, frozen=True):
    """What is to be read. `media_type`, `url`, `name` and `charset` are what is known of it, or empty."""

    path: Path
    media_type: str
    url: str = ""
    name: str = ""
    charset: str = ""
    limits: Limits = Limits()


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    done: int
    total: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The document can't be read; `sentence` is for the person."""

    sentence: str


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """A library failed on it. `where` is for the operator: the error's type and its place, none of the file's words."""

    where: str
    out_of_memory: bool = False


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    document: Document


Message = Progress | Refused | Broken | Finished
encode = msgspec.json.Encoder(enc_hook=str).encode
read_message = msgspec.json.Decoder(Message).decode
read_job = msgspec.json.Decoder(Job, dec_hook=lambda kind, value: kind(value)).decode
