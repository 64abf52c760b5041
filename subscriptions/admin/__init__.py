"""The editors' and operators' pages, one module per group of models."""

from django.contrib import admin

from . import deliveries, editions, papers, subscribers

admin.site.site_header = "Paper Round"
admin.site.site_title = "Paper Round"
admin.site.index_title = "The desk"
admin.site.enable_nav_sidebar = False

__all__ = ["deliveries", "editions", "papers", "subscribers"]
