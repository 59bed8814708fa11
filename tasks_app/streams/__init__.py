"""Live streams of events: server-sent events from the table, hurried by pokes over the broker."""
