"""The pages: each reads with `memories.queries`, writes with `memories.services`, and works without scripts."""
