"""Documents of every kind as one shape: a text, what stands where in it, and what is told about it.

`read` takes a file apart in a child process that has little memory, little time, and no network.
"""

from memories.engine.documents.limits import Limits
from memories.engine.documents.reading import read

__all__ = ["Limits", "read"]
