"""Subscribers: what they follow, what they were sent, what they would get next."""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.views.decorators.clickjacking import xframe_options_sameorigin

from subscriptions.digests.preview import coming_digest
from subscriptions.flows.erase import erase
from subscriptions.models import Interest, Section, Subscriber, Suppression

RECENT = 20


class InterestInline(admin.TabularInline[Interest, Subscriber]):
    model = Interest
    extra = 0
    autocomplete_fields = ("topic", "paper")


class SubscriberForm(forms.ModelForm[Subscriber]):
    sections_off = forms.MultipleChoiceField(
        label="Sections not wanted",
        choices=Section.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@admin.register(Subscriber)
class SubscriberAdmin(admin.ModelAdmin[Subscriber]):
    list_display = (
        "email", "status", "cadence", "follows", "next_digest_at", "covered_until", "preview_link",
    )  # fmt: skip
    list_filter = ("status", "cadence")
    search_fields = ("email",)
    ordering = ("-pk",)
    show_full_result_count = False
    form = SubscriberForm
    inlines = (InterestInline,)
    readonly_fields = (
        "email",
        "status", "next_digest_at", "covered_until", "paused_until", "consent_version",
        "consent_asked_at", "confirmed_at", "signup_mailed_at", "recent_deliveries",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody is signed up by hand: consent is the reader's own."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        followed = Count("interests", filter=Q(interests__weight__gt=0))
        return super().get_queryset(request).annotate(followed=followed)

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: Any) -> None:
        """Write only what staff changed, on the row as it is now: the reader may have left."""
        with transaction.atomic():
            row = Subscriber.objects.select_for_update().get(pk=obj.pk)
            for name in form.changed_data:
                setattr(row, name, getattr(obj, name))
            if row.status == Subscriber.Status.ACTIVE and form.changed_data:
                row.reschedule(timezone.now())
            row.save(update_fields=[*form.changed_data, "next_digest_at"])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Whoever may delete a reader deletes all that is theirs."""
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Subscriber) -> None:
        erase(obj.pk, timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        for subscriber in queryset:
            erase(subscriber.pk, timezone.now())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/preview/", view(self.preview), name="subscriptions_subscriber_preview"),
            path(
                "<int:pk>/preview.html",
                view(xframe_options_sameorigin(self.preview_html)),
                name="subscriptions_subscriber_preview_html",
            ),
            *super().get_urls(),
        ]

    @method_decorator(csp_update({"frame-src": [SELF]}))
    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The coming digest of one reader: HTML in a frame, and the text."""
        subscriber = self._get(request, pk)
        delivery, rendered = coming_digest(subscriber, timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Coming digest of {subscriber.email}",
            "subscriber": subscriber,
            "delivery": delivery,
            "rendered": rendered,
            "size": len(rendered.html.encode()),
        }
        return TemplateResponse(request, "admin/subscriptions/subscriber/preview.html", context)

    def preview_html(self, request: HttpRequest, pk: int) -> HttpResponse:
        _, rendered = coming_digest(self._get(request, pk), timezone.now())
        response = HttpResponse(rendered.html)
        response["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self';"
            " sandbox allow-popups"
        )
        return response

    def _get(self, request: HttpRequest, pk: int) -> Subscriber:
        subscriber = self.get_object(request, str(pk))
        if subscriber is None or not self.has_view_permission(request, subscriber):
            raise Http404
        return subscriber

    @admin.display(ordering="followed", description="follows")
    def follows(self, subscriber: Any) -> int:
        return subscriber.followed  # type: ignore[no-any-return]

    @admin.display(description="")
    def preview_link(self, subscriber: Subscriber) -> str:
        url = reverse("admin:subscriptions_subscriber_preview", args=[subscriber.pk])
        return format_html('<a href="{}">preview</a>', url)

    @admin.display(description=f"last {RECENT} deliveries")
    def recent_deliveries(self, subscriber: Subscriber) -> str:
        rows = format_html_join(
            "",
            '<li><a href="{}">{} to {}</a>: {} papers, {} {}</li>',
            (
                (
                    reverse("admin:subscriptions_delivery_change", args=[row.pk]),
                    row.first_day,
                    row.newest_day,
                    len(row.items),
                    row.get_status_display(),
                    row.last_reply,
                )
                for row in subscriber.deliveries.order_by("-newest_day")[:RECENT]
            ),
        )
        return format_html("<ul>{}</ul>", rows) if rows else "none yet"


class SuppressionForm(forms.ModelForm[Suppression]):
    email = forms.EmailField(help_text="Kept as a keyed hash only; it cannot be read back.")

    class Meta:
        model = Suppression
        fields = ("reason",)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (email := data.get("email")) and Suppression.objects.has(email):
            self.add_error("email", "This address is suppressed already.")
        return data

    def save(self, commit: bool = True) -> Suppression:
        self.instance.email_hash = Suppression.hash(self.cleaned_data["email"])
        self.instance.created_at = timezone.now()
        return super().save(commit)


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin[Suppression]):
    list_display = ("__str__", "reason", "created_at")
    list_filter = ("reason",)
    form = SuppressionForm

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
