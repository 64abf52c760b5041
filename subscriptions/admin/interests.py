"""What a subscriber follows: weighed, taken off or added on their page."""

import unicodedata
from collections import Counter
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone

from subscriptions.flows.naming import paper_named
from subscriptions.flows.validation import MOST_LINES, arxiv_category, example_paper, phrase
from subscriptions.flows.wanted import want_examples
from subscriptions.models import READING, Interest, Subscriber, Topic

Kind, Weight = Interest.Kind, Interest.Weight


class InterestForm(forms.ModelForm[Interest]):
    """A stored interest can be weighed only; a new one is written as readers write it."""

    what = forms.CharField(
        label="What", widget=forms.TextInput(attrs={"size": 50, "list": "topics-on-offer"})
    )

    class Meta:
        model = Interest
        fields = ("kind", "what", "weight")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("kind", "what", "weight"):  # the table has no labels
            self.fields[name].widget.attrs["aria-label"] = name.capitalize()
        if self.instance.pk:
            self.fields["kind"].disabled = self.fields["what"].disabled = True
            self.initial["what"] = str(self.instance)
        else:
            self.fields["kind"].initial = Kind.TOPIC

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if not self.instance.pk and kind and data.get("what"):
            text = " ".join(unicodedata.normalize("NFC", data["what"]).split())
            try:
                self._understand(kind, text)
            except ValidationError as error:
                self.add_error("what", error)
        if data.get("weight") == Weight.MUTED and kind != Kind.PHRASE:
            self.add_error("weight", "Only a phrase can be muted.")
        return data

    def _understand(self, kind: str, text: str) -> None:
        row = self.instance
        if kind == Kind.TOPIC:
            row.topic = Topic.objects.offered().filter(name__iexact=text[:80]).first()
            if row.topic is None:
                raise ValidationError(f"There is no topic “{text[:60]}” on offer.")
        elif kind == Kind.PAPER:
            row.paper = paper_named(text)
            row.value = "" if row.paper else example_paper(text)
        else:
            row.value = arxiv_category(text) if kind == Kind.CATEGORY else phrase(text)


class InterestFormSet(BaseInlineFormSet[Interest, Subscriber, forms.ModelForm[Interest]]):
    """As the reader's own form: nothing twice, and no more than that form takes."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if DELETION_FIELD_NAME in form.fields:
            form.fields[DELETION_FIELD_NAME].widget.attrs["aria-label"] = "Take off"

    def clean(self) -> None:
        super().clean()
        seen: dict[tuple[object, ...], forms.ModelForm[Interest]] = {}
        counts: Counter[tuple[str, bool]] = Counter()
        for form in self.forms:
            row = form.instance
            stays = form.is_valid() and (row.pk or form.has_changed())
            if not stays or form.cleaned_data.get(DELETION_FIELD_NAME):
                continue
            key = row.kind, row.topic_id, row.paper_id, row.value.casefold()
            counts[row.kind, row.weight < 0] += 1
            if other := seen.get(key):
                muted = (row.weight < 0) != (other.instance.weight < 0)
                told = "is both followed and muted" if muted else "is followed already"
                form.add_error("what", f"“{str(row)[:60]}” {told}: keep one.")
            seen.setdefault(key, form)
        for (kind, _), count in counts.items():
            if kind != Kind.TOPIC and count > MOST_LINES:
                raise ValidationError(
                    f"At most {MOST_LINES} of a kind; these are {count} ({Kind(kind).label})."
                )

    def save(self, commit: bool = True) -> Any:
        """Change just what staff changed: the reader may have been there meanwhile."""
        changed = super().save(commit=False)
        taken_off = [row.pk for row in self.deleted_objects]
        Interest.objects.filter(pk__in=taken_off).delete()
        for row, _ in self.changed_objects:
            Interest.objects.filter(pk=row.pk).update(weight=row.weight)
        Interest.objects.bulk_create(self.new_objects, ignore_conflicts=True)
        if self.instance.status in READING:
            want_examples(self.instance, timezone.now())
        return changed


class InterestInline(admin.TabularInline[Interest, Subscriber]):
    """Whoever may change a subscriber may change what they follow."""

    model = Interest
    form = InterestForm
    formset = InterestFormSet
    fields = ("kind", "what", "weight")
    extra = 1
    verbose_name_plural = "What they follow"

    @admin.display(description="What")
    def what(self, interest: Interest) -> str:
        return str(interest)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interest]:
        return super().get_queryset(request).select_related("topic", "paper").order_by("pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = request.user.has_perm
        return may("subscriptions.view_subscriber") or may("subscriptions.change_subscriber")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("subscriptions.change_subscriber")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)
