"""Fetches pages and files from addresses that nobody vouches for, without risk to this machine and its network."""

from memories.fetching.client import fetch
from memories.fetching.errors import FetchError
from memories.fetching.rules import Fetched, Rules, Validators

__all__ = ["FetchError", "Fetched", "Rules", "Validators", "fetch"]
