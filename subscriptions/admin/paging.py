"""Lists of tables that may have millions of rows: none is counted to its end."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST = 10_000
"""Rows that are counted, paged through or acted on at once."""


class AndMore(int):
    """The number of rows that can be paged through, where there are more: ``10,000+``."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class CappedPaginator(Paginator[Any]):
    """Pages through the first ``MOST`` rows; the count says where there are more."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found = int(rows.order_by().values("pk")[: MOST + 1].count())
        return AndMore(MOST) if found > MOST else found


class PageList(ChangeList):
    """Rows with what a LargeList looks up for those of a page."""

    model_admin: "LargeList"

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = self.model_admin.of_page(self.result_list)


class LargeList(admin.ModelAdmin[Any]):
    """Of a table that may have millions of rows: it is neither counted nor sorted whole.

    ``sortable_by``: an order that has no index is not offered.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PageList

    def of_page(self, rows: QuerySet[Any]) -> Iterable[Any]:
        """The rows of a page with all they show; in a list's own query it would be looked up
        for the pages before, too.
        """
        return rows
