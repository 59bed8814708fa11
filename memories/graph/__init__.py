"""Every write to the graph: entities, facts, mentions, communities and what search looks up of them.

The functions here run in the transaction of a task's completion, or in one of their own for what nobody reads yet.
"""
