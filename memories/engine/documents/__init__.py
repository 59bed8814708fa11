"""Documents of every kind as one shape: a text, what stands where in it, and what is told about it."""
