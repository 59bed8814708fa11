"""Whether two entities are one: what the names suggest, weighed with what is said of the two."""

from __future__ import annotations

from dataclasses import dataclass

from memories.engine.resolution.likeness import Likeness

SURE = 0.9
WORTH_ASKING = 0.55
NEIGHBOUR, MOST_NEIGHBOURS = 0.08, 3
CALLED = Likeness(0.95, "A memory calls it by both names")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is said of two entities. `shared` is how much both are connected with.

    `candidates` counts the longer names that the short one may stand for, `together` the memories that tell the two
    apart, `connected` says that a fact joins them, `contradicted` that they were born apart.
    """

    shared: int = 0
    candidates: int = 1
    together: int = 0
    same_type: bool = True
    connected: bool = False
    contradicted: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` from 0 to 1; `reasons` in words, what both are connected with left out. `sure` ones are joined, others
    asked about."""

    score: float
    reasons: tuple[str, ...]
    sure: bool = False


def judge(like: Likeness, evidence: Evidence) -> Judgement | None:
    """None where it is not worth asking anybody."""
    if evidence.contradicted or evidence.connected:
        return None
    score = like.score + NEIGHBOUR * min(evidence.shared, MOST_NEIGHBOURS)
    reasons = [like.reason + "."]
    if like.shortens and evidence.candidates > 1:
        score -= min(0.15 * (evidence.candidates - 1), 0.3)
        reasons.append(f"{evidence.candidates} names in this project could be meant.")
    if not evidence.same_type:
        score -= 0.15
        reasons.append("They were taken for different types of things.")
    if evidence.together:
        score -= 0.3
        reasons.append("A memory names both and does not treat them as one.")
    doubtful = evidence.together or not evidence.same_type or (like.shortens and evidence.candidates > 1)
    score = round(min(max(score, 0.0), 0.99), 3)
    return Judgement(score, tuple(reasons), score >= SURE and not doubtful) if score >= WORTH_ASKING else None
