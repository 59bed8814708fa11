"""The admin of the domain."""

from django.contrib import admin

from memories.admin import graph, projects, saved, schema, sources

__all__ = ["graph", "projects", "saved", "schema", "sources"]

admin.site.site_header = admin.site.site_title = "MemStack"
admin.site.index_title = "Administration"
