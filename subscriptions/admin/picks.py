"""What editors put forward, as a list."""

from django.contrib import admin
from django.http import HttpRequest

from subscriptions.models import Pick


@admin.register(Pick)
class PickAdmin(admin.ModelAdmin[Pick]):
    list_display = ("paper", "day", "position", "note")
    list_editable = ("position", "note")
    list_filter = ("day",)
    list_select_related = ("paper",)
    search_fields = ("paper__title",)
    autocomplete_fields = ("paper",)
    filter_horizontal = ("topics",)
    date_hierarchy = "day"

    def get_readonly_fields(self, request: HttpRequest, obj: Pick | None = None) -> list[str]:
        """A pick is not moved: readers may have had it. Delete it and pick anew."""
        return ["paper", "day"] if obj else []
