"""What a task has spent on the language model, and what it may still spend."""

from __future__ import annotations

from dataclasses import dataclass

from memories.llm.endpoint import Endpoint
from memories.llm.failures import BudgetSpent


@dataclass(slots=True)
class Budget:
    """Tokens and seconds of one task over all its attempts; `reserved` is what questions under way may cost."""

    most_tokens: int
    most_seconds: float
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    reserved: int = 0

    @classmethod
    def of(cls, endpoint: Endpoint) -> Budget:
        return cls(endpoint.task_tokens, endpoint.task_seconds)

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def allows(self, tokens: int) -> bool:
        return self.tokens + self.reserved + tokens <= self.most_tokens and self.seconds < self.most_seconds

    def require(self, tokens: int) -> None:
        """BudgetSpent when a question of so many tokens has no place in what is left."""
        if self.seconds >= self.most_seconds:
            raise BudgetSpent(f"The {self.most_seconds:g} seconds that a task may wait for it are over.")
        if not self.allows(tokens):
            raise BudgetSpent(f"What is left of a task's {self.most_tokens:,} tokens does not suffice.")

    def spend(self, tokens_in: int, tokens_out: int) -> None:
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out

    def state(self) -> dict[str, float]:
        return {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out, "seconds": round(self.seconds, 3)}

    def restore(self, state: dict[str, float]) -> None:
        self.tokens_in, self.tokens_out = int(state["tokens_in"]), int(state["tokens_out"])
        self.seconds = state["seconds"]
