"""What editors put forward, as a list; the board is where it is changed."""

import datetime as dt

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from subscriptions.models import Pick

from .fields import ReadOnlyAdmin


@admin.register(Pick)
class PickAdmin(ReadOnlyAdmin):
    list_display = ("paper", "day", "place", "note", "change_it")
    list_filter = ("day",)
    list_select_related = ("paper",)
    search_fields = ("paper__title",)
    date_hierarchy = "day"
    ordering = ("-day", "position", "pk")
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description="place", ordering="position")
    def place(self, pick: Pick) -> int:
        return pick.position + 1

    @admin.display(description="")
    def change_it(self, pick: Pick) -> SafeString:
        return format_html('<a href="{}">on the board</a>', on_board(pick.day))


def on_board(day: dt.date) -> str:
    """The board with the picks of a day."""
    return f"{reverse('admin:subscriptions_paper_board')}?picks={day}"
