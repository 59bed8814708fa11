"""Questions to the language model: several at once, within limits of time, size and tokens, each of them stoppable.

They run in an event loop that turns only while somebody waits for an answer. Two looks at `stop` are never further
apart than a fifth of a second, however long a server is silent; closing breaks off whatever is under way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import httpx2
import msgspec
import openai

from memories.llm import dialects
from memories.llm.budget import Budget
from memories.llm.dialects import Dialect
from memories.llm.endpoint import Endpoint
from memories.llm.failures import BadAnswer, LlmFailure, Misconfigured, NoAnswer

LOOK_SECONDS = 0.2
CONNECT_SECONDS = 5.0
RETRIES = 3
TRIES_TOGETHER = 2  # a question with all its repetitions may take so many times as long as one try
UNREADABLE = "It answered nothing that can be read."
SILENT = "It did not answer within {} seconds."
MOST_BYTES = 2 * 1024 * 1024
CHARACTERS_A_TOKEN = 3  # fewer than English has: what is reserved should not be too little
REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}

Asking = asyncio.Task["Answer"]


@dataclass(frozen=True, slots=True)
class Question:
    """A system prompt, the data it is about, and the JSON schema of the answer."""

    system: str
    data: str
    schema: dict[str, Any]

    @property
    def tokens(self) -> int:
        """About what it may cost at most, the answer included."""
        prompt = len(self.system) + len(self.data) + len(msgspec.json.encode(self.schema))
        return prompt // CHARACTERS_A_TOKEN + dialects.MOST_OUTPUT


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model wrote: JSON if it did as it was told."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class _Function(msgspec.Struct):
    arguments: str


class _ToolCall(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    """What counts of a chat completion."""

    choices: list[_Choice]
    usage: _Usage | None = None


class _TooLong(openai.OpenAIError):
    """The server sends more than any answer needs; errors of this family are not tried again."""


class Model:
    """The language model as one task asks it; a context manager, which breaks off what is under way at its end."""

    def __init__(self, endpoint: Endpoint, stop: Callable[[], None]) -> None:
        self.endpoint, self.budget = endpoint, Budget.of(endpoint)
        self._stop = stop
        self._dialect = dialects.of(endpoint.base_url, endpoint.model)
        self._runner = asyncio.Runner()
        self._client: openai.AsyncOpenAI | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self._runner.run(self._end())
        finally:
            self._runner.close()

    async def _end(self) -> None:
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def ask(self, question: Question) -> Asking:
        """Begins to ask; BudgetSpent when what is left does not allow it."""
        self.budget.require(question.tokens)
        self.budget.reserved += question.tokens
        return self._runner.get_loop().create_task(self._ask(question))

    def wait(self, asking: Asking) -> Answer:
        """The answer. LlmFailure says why there is none; what `stop` raises goes through."""
        begun = time.monotonic()
        try:
            return self._runner.run(self._wait(asking, self.budget.most_seconds - self.budget.seconds))
        finally:
            self.budget.seconds += time.monotonic() - begun

    async def _wait(self, asking: Asking, seconds: float) -> Answer:
        until = time.monotonic() + seconds
        while not asking.done():
            self._stop()
            left = until - time.monotonic()
            if left <= 0:
                raise NoAnswer(f"It did not answer within the {self.budget.most_seconds:g} seconds of a task.")
            await asyncio.wait([asking], timeout=min(LOOK_SECONDS, left))
        return asking.result()

    async def _ask(self, question: Question) -> Answer:
        try:
            async with asyncio.timeout(TRIES_TOGETHER * self.endpoint.timeout):
                answer = await self._answer(question)
        except TimeoutError:
            raise NoAnswer(SILENT.format(self.endpoint.timeout)) from None
        finally:
            self.budget.reserved -= question.tokens
        self._dialect.proven = True
        return answer

    async def _answer(self, question: Question) -> Answer:
        while True:
            dialect = Dialect(self._dialect.mode, set(self._dialect.refused))
            options = dialect.options(question.schema)
            try:
                return self._understood(await self._completion(question, options), question)
            except openai.APIStatusError as error:
                if error.status_code not in REFUSED or not self._refused(dialect, error.param, options):
                    raise _failure(error) from None
            except openai.APITimeoutError:
                raise NoAnswer(SILENT.format(self.endpoint.timeout)) from None
            except openai.OpenAIError as error:
                raise _failure(error) from None

    def _refused(self, tried: Dialect, parameter: object, options: dict[str, Any]) -> bool:
        """Whether there is another way to ask. Of questions side by side the first to be refused finds it for all."""
        if (tried.mode, tried.refused) != (self._dialect.mode, self._dialect.refused):
            return True
        return self._dialect.refuse(parameter, options)

    async def _completion(self, question: Question, options: dict[str, Any]) -> bytes:
        messages: Any = [{"role": "system", "content": question.system}, {"role": "user", "content": question.data}]
        completions = self._connected().chat.completions.with_raw_response
        response = await completions.create(model=self.endpoint.model, messages=messages, **options)
        data: bytes = response.http_response.content
        return data

    def _connected(self) -> openai.AsyncOpenAI:
        """The client, made in the loop that it belongs to."""
        if self._client is None:
            hooks: Any = {"response": [_limit]}
            timeout = httpx2.Timeout(self.endpoint.timeout, connect=min(CONNECT_SECONDS, self.endpoint.timeout))
            self._client = openai.AsyncOpenAI(
                base_url=self.endpoint.base_url,
                api_key=self.endpoint.api_key or "none",
                timeout=timeout,
                max_retries=RETRIES,
                default_headers={"Accept-Encoding": "identity"},
                http_client=openai.DefaultAsyncHttpxClient(event_hooks=hooks, timeout=timeout),
            )
        return self._client

    def _understood(self, data: bytes, question: Question) -> Answer:
        """Takes the answer out of what the server sent, and counts what it cost, be it usable or not."""
        try:
            completion = msgspec.json.decode(data, type=_Completion)
        except msgspec.DecodeError:
            raise BadAnswer(UNREADABLE) from None
        first = completion.choices[0] if completion.choices else _Choice(_Message())
        calls = first.message.tool_calls
        text = calls[0].function.arguments if calls else first.message.content or ""
        used = completion.usage or _Usage(question.tokens - dialects.MOST_OUTPUT, len(text) // CHARACTERS_A_TOKEN)
        tokens_in, tokens_out = max(used.prompt_tokens, 0), max(used.completion_tokens, 0)
        self.budget.spend(tokens_in, tokens_out)
        if first.finish_reason == "length":
            raise BadAnswer("Its answer was longer than an answer may be and was cut off.")
        if not text.strip():
            raise BadAnswer(UNREADABLE)
        return Answer(text, tokens_in, tokens_out)


async def _limit(response: httpx2.Response) -> None:
    """Lets no more than MOST_BYTES of an answer in; packed ones could grow beyond that, so they are refused."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _TooLong
    stream = response.stream
    if isinstance(stream, httpx2.AsyncByteStream):
        response.stream = _Limited(stream)


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MOST_BYTES:
                raise _TooLong
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _failure(error: openai.OpenAIError) -> LlmFailure:
    """The same in our words: a server may quote the key in its own."""
    if isinstance(error, _TooLong):
        return BadAnswer("Its answer was far longer than an answer may be.")
    if isinstance(error, openai.APIStatusError):
        return _refusal(error.status_code)
    return NoAnswer("Its server can't be reached.")


def _refusal(status: int) -> LlmFailure:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Misconfigured(f"Its server refused the key (HTTP {status}); look at MEMSTACK_LLM_API_KEY.")
    if status == HTTPStatus.NOT_FOUND:
        return Misconfigured(
            "Its server does not know the address or the model (HTTP 404); look at MEMSTACK_LLM_BASE_URL and "
            "MEMSTACK_LLM_MODEL."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NoAnswer("Its server had too much to do each time it was asked (HTTP 429).")
    return NoAnswer(f"Its server answered with an error (HTTP {status}).")
