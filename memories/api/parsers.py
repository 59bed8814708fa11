"""Reading a request's body: within the limit, UTF-8, JSON; whatever it is, a 4xx and never a 500."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from memories.api.problems import TooLarge


class StrictJSONParser(BaseParser):
    """`application/json` in UTF-8, at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes.

    NaN and infinities pass here, so that the field they stand in can be named.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return loads(read_limited(stream))


def read_limited(stream: IO[Any]) -> bytes:
    """The whole stream; TooLarge when it has more bytes than a request may."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    data: bytes = stream.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"A request may have {limit:,} bytes; send it in parts.")
    return data


def loads(data: bytes | str) -> Any:
    """The JSON value; ParseError, with a sentence, for what isn't JSON, is nested too deep, or has numbers too long."""
    try:
        return json.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    except UnicodeDecodeError:
        raise ParseError("The text is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise ParseError(f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise ParseError("The JSON is nested too deep.") from None
    except ValueError:
        raise ParseError("The JSON has a number with too many digits.") from None
