"""Communities: planted ones are found, degenerate graphs are fine, nothing is ever disconnected."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memories.engine.communities import detect, distinctive_terms, match, name, pagerank, place, summarise
from memories.engine.communities.detection import adjusted_rand, connected, simplified

Pairs = npt.NDArray[np.int64]


def planted(groups: int, size: int, inside: float, outside: float) -> tuple[int, Pairs, Pairs]:
    """Nodes, edges and the group of each node of a random graph with groups."""
    random = np.random.default_rng(7)
    truth = np.arange(groups * size) // size
    heads, tails = np.triu_indices(groups * size, 1)
    chosen = random.random(len(heads)) < np.where(truth[heads] == truth[tails], inside, outside)
    return groups * size, np.stack([heads, tails], axis=1)[chosen], truth


@pytest.mark.parametrize(
    ("count", "edges", "labels"),
    [
        (0, [], []),
        (1, [], [0]),
        (3, [], [0, 1, 2]),
        (1, [(0, 0)], [0]),
        (2, [(0, 1), (1, 0)], [0, 0]),
        (2, [(0, 1), (0, 1)], [0, 0]),
        (4, [(1, 2), (3, 3)], [0, 1, 1, 2]),
    ],
)
def test_degenerate_graphs(count: int, edges: list[tuple[int, int]], labels: list[int]) -> None:
    assert detect(count, edges, [1.0] * len(edges)).tolist() == labels
    assert np.isclose(pagerank(count, edges, [1.0] * len(edges)).sum(), 1 if count else 0)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_edges_without_weight_do_not_count(weight: float) -> None:
    assert detect(2, [(0, 1)], [weight]).tolist() == [0, 1]


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="does not exist"):
        detect(2, [(0, 2)], [1.0])


@pytest.mark.parametrize(("groups", "size", "inside", "outside"), [(4, 25, 0.4, 0.02), (40, 12, 0.5, 0.005)])
def test_planted_groups_are_found(groups: int, size: int, inside: float, outside: float) -> None:
    count, edges, truth = planted(groups, size, inside, outside)
    labels = detect(count, edges, np.ones(len(edges)))
    assert adjusted_rand(labels, truth) > 0.9
    assert np.array_equal(labels, detect(count, edges, np.ones(len(edges))))


graphs = st.integers(1, 25).flatmap(
    lambda count: st.tuples(
        st.just(count), st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=60)
    )
)


@settings(deadline=None)
@given(graphs)
def test_communities_are_connected(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    labels = detect(count, edges, [1.0] * len(edges))
    parts = connected(count, simplified(count, edges, [1.0] * len(edges)), labels)
    assert len(set(parts.tolist())) == len(set(labels.tolist()))
    assert labels.shape == (count,)


def test_a_disconnected_community_is_split() -> None:
    edges = simplified(4, [(0, 1), (2, 3)], [1, 1])
    assert connected(4, edges, np.zeros(4, dtype=np.int64)).tolist() == [0, 0, 2, 2]


def test_agreement_of_partitions() -> None:
    one = np.array([0, 0, 1, 1])
    assert adjusted_rand(one, np.array([5, 5, 2, 2])) == 1
    assert adjusted_rand(one, np.array([0, 1, 0, 1])) < 0


def test_touched_nodes_go_where_their_edges_are() -> None:
    neighbours = {"new": {"a": 1.0, "b": 2.0, "c": 2.0}, "other": {"new": 1.0}}
    labels = {"new": "n", "other": "o", "a": "left", "b": "right", "c": "right"}
    assert place(neighbours, labels) == {"new": "right", "other": "right"}


def test_a_node_without_edges_stays_alone() -> None:
    assert place({"new": {}}, {"new": "n"}) == {"new": "n"}


def test_modularity_keeps_a_node_from_a_huge_community() -> None:
    neighbours = {"x": {"hub": 1.0, "small": 1.0}}
    labels = {"x": "x", "hub": "huge", "small": "tiny"}
    assert place(neighbours, labels, {"huge": 1000.0, "tiny": 4.0, "x": 2.0}) == {"x": "tiny"}


def test_ids_are_carried_to_the_largest_overlap() -> None:
    a, b = UUID(int=1), UUID(int=2)
    old = {a: frozenset("uvwx"), b: frozenset("yz")}
    new = [frozenset("x"), frozenset("uvw"), frozenset("yzq"), frozenset("r")]
    assert match(old, new) == [None, a, b, None]
    assert match({}, new) == [None] * 4


def test_the_hub_has_the_highest_rank() -> None:
    rank = pagerank(5, [(0, 1), (0, 2), (0, 3)], [1, 1, 1])
    assert rank.argmax() == 0
    assert rank[4] == rank.min()


def test_names() -> None:
    members = [("Berlin", 0.1), ("Anna Smith", 0.5), ("Acme", 0.3), ("Tom", 0.05)]
    assert name(members) == "Anna Smith, Acme & Berlin"
    assert name(members, ["berlin", "databases", "databases", "tea"]) == "Anna Smith, Acme & Berlin: databases, tea"
    assert name([("Anna", 1.0)]) == "Anna"
    assert name([]) == ""


def test_distinctive_terms() -> None:
    found = distinctive_terms([{"tea": 5, "the": 9}, {"war": 4, "the": 9}], limit=1)
    assert found == [["tea"], ["war"]]


def test_a_summary_takes_the_middle_and_nothing_twice() -> None:
    vectors = np.array([[1, 0], [0.95, 0.31], [0.9, 0.43], [0, 1], [1, 0]], dtype=np.float32)
    picked = summarise(["a", "b", "c", "d", "A "], vectors, 2)
    assert picked == [2, 3]
    assert summarise([], np.zeros((0, 2)), 3) == []
    assert summarise([" "], np.zeros((1, 2)), 3) == []
