"""RSS and Atom feeds: what they offer, newest first.

`read` takes a feed apart in a child process that has little memory, little time, and no network.
"""

from memories.engine.feeds.model import Entry, FeedDocument
from memories.engine.feeds.reading import read

__all__ = ["Entry", "FeedDocument", "read"]
