"""A project's schema: its types of entities and relations, as people read and change them."""
