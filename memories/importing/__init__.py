"""Bulk import: what is handed in is read piece by piece, checked, and kept until the memories are made."""
