"""The database backend of a MemStack on SQLite."""
