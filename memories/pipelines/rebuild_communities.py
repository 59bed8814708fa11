"""Groups a project's entities anew. The old communities stay readable until the new ones replace them at once."""

from __future__ import annotations

from functools import partial

from memories.graph import communities, versions
from tasks_app.runner import Outcome, Progress


def run(progress: Progress) -> Outcome:
    project = progress.task.project
    progress.stage("remove", 10, "Removing existing communities...")
    communities.remove_outdated(project)
    progress.weigh(project.facts.count())
    progress.stage("detect", 30, "Detecting communities...")
    graph_version = versions.current(project)
    graph = communities.load_graph(project)
    found = communities.detect(graph)
    progress.stage("found", 50, f"Found {len(found)} communities...")
    groups = communities.describe(project, graph, found, progress.checkpoint)
    members = sum(len(group.members) for group in groups)
    progress.stage("save", 75, "Saving community relationships...", total=members)
    generation = versions.next_community_generation(project)
    for done in communities.write_groups(project, generation, groups):
        progress.count(done, members, low=75, high=90)
    progress.stage("count", 90, "Calculating member counts...")
    progress.take_graph_lane()
    return Outcome(
        result={"communities_count": len(groups), "edges_count": len(graph.edges)},
        message="Communities rebuilt",
        effects=partial(communities.swap, project, generation, groups, graph_version),
    )
