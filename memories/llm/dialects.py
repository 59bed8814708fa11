"""How a server is asked for structured output, and which of the ways it understands.

The first is what OpenAI, vLLM, llama.cpp and Ollama know as `json_schema`; older servers know tools, or JSON without a
schema; the last asks for nothing that a server could refuse. What worked is remembered for the life of the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SEED = 7
MOST_OUTPUT = 4096  # tokens of one answer
NAME = "note"
MODES = ("json_schema", "tool", "json_object", "plain")


@dataclass(slots=True)
class Dialect:
    """The way that is tried: one of MODES, without the options that the server has refused."""

    mode: str = MODES[0]
    refused: set[str] = field(default_factory=set)
    proven: bool = False

    def options(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What goes with the messages of a chat completion."""
        options = _FORMATS[self.mode](schema)
        if self.mode != "plain":
            options |= {"temperature": 0, "seed": SEED, "max_tokens": MOST_OUTPUT}
        if "max_tokens" in self.refused and "max_tokens" in options:
            options["max_completion_tokens"] = options["max_tokens"]
        return {name: value for name, value in options.items() if name not in self.refused}

    def refuse(self, parameter: object, sent: dict[str, Any]) -> bool:
        """Takes note of a refusal (HTTP 400 or 422); False when there is nothing left to try.

        A server that names the parameter is believed; else the next mode is tried, unless this one has worked before.
        """
        if isinstance(parameter, str) and parameter in sent:
            if parameter in {"response_format", "tools", "tool_choice"}:
                return self._next()
            self.refused.add(parameter)
            return True
        return self._next()

    def _next(self) -> bool:
        place = MODES.index(self.mode) + 1
        if self.proven or place == len(MODES):
            return False
        self.mode = MODES[place]
        return True


def _json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": NAME, "strict": True, "schema": schema}}}


def _tool(schema: dict[str, Any]) -> dict[str, Any]:
    function = {"name": NAME, "description": "Takes what the passages say.", "parameters": schema}
    return {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": NAME}},
    }


def _json_object(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_object"}}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    return {}


_FORMATS = {"json_schema": _json_schema, "tool": _tool, "json_object": _json_object, "plain": _plain}
_dialects: dict[tuple[str, str], Dialect] = {}


def of(base_url: str, model: str) -> Dialect:
    """The dialect of a server's model, shared by all who ask it."""
    return _dialects.setdefault((base_url, model), Dialect())


def forget() -> None:
    _dialects.clear()
