"""Fetching what stands behind an address."""
