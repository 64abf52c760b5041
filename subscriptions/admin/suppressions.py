"""Addresses that must not be mailed again."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from subscriptions.flows.refused import Refused
from subscriptions.flows.staff_choices import suppress
from subscriptions.models import Subscriber, Suppression

from .fields import AddressField, address_in
from .paging import LargeList


class SuppressionForm(forms.ModelForm[Suppression]):
    email = AddressField(
        help_text="Kept as a keyed hash only; it cannot be read back. Who subscribes with it is"
        " unsubscribed at once."
    )

    reason = forms.ChoiceField(
        choices=[("", "---------")]
        + [(one.value, one.label) for one in Suppression.Reason if one is not one.ERASED]
    )

    class Meta:
        model = Suppression
        fields = ("reason",)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        there = Suppression.objects.of(data["email"]) if "email" in data else None
        if there and not there.yields_to(data.get("reason", there.reason)):
            self.add_error("email", "This address is suppressed already.")
        return data


@admin.register(Suppression)
class SuppressionAdmin(LargeList, admin.ModelAdmin[Any]):
    list_display = ("__str__", "reason", "created_at")
    list_filter = ("reason",)
    search_fields = ("email_hash",)
    search_help_text = "A whole address"
    ordering = ("-pk",)
    form = SuppressionForm
    fields = ("email", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        if search_term:
            queryset = queryset.filter(email_hash=Suppression.hash(address_in(search_term)))
        return queryset, False

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        """Suppress it, and note with the reader who had it that staff did."""
        email: str = form.cleaned_data["email"]
        reader = Subscriber.objects.with_email(email).first()
        try:
            if suppress(email, obj.reason, timezone.now()) and reader:
                self.log_change(request, reader, "Suppressed, and unsubscribed.")
                self.message_user(request, f"{reader} was unsubscribed.", messages.SUCCESS)
        except Refused as told:  # another was quicker
            self.message_user(request, str(told), messages.WARNING)
        obj.pk = Suppression.objects.get(email_hash=Suppression.hash(email)).pk
        obj.email_hash = Suppression.hash(email)
