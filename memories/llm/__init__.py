"""The optional language model behind any OpenAI-compatible endpoint: it reads passages in the local extractor's place.

Importing this package does not import `openai`; `extractor` and `calls` do, when an endpoint is configured.
"""
