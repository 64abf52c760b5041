from django.contrib.admin.apps import AdminConfig


class DeskConfig(AdminConfig):
    """Django's admin, with our front page."""

    default_site = "digest_service.admin.Desk"
