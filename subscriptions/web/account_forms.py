"""What a reader with a session fills in, and what opens one."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscriptions.flows.validation import valid_email
from subscriptions.sources.ids import arxiv_id

from .guards import domain_problem


class AddressForm(forms.Form):
    """The address of somebody who says they are a reader."""

    email = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )

    def clean_email(self) -> str:
        return valid_email(self.cleaned_data["email"])


class NewAddressForm(AddressForm):
    """Where a reader's digests shall go from now on."""

    def __init__(self, current: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current = current
        self.fields["email"].label = _("New email address")

    def clean_email(self) -> str:
        email = valid_email(self.cleaned_data["email"], domain_problem)
        if email.lower() == self.current.lower():
            raise ValidationError(_("That is the address your digests go to now."))
        return email


class SubmissionForm(forms.Form):
    """A paper that a reader puts forward."""

    paper = forms.CharField(
        label=gettext_lazy("arXiv id or link"),
        max_length=200,
        help_text=gettext_lazy("Like 1706.03762 or https://arxiv.org/abs/1706.03762."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )

    def clean_paper(self) -> str:
        found = arxiv_id(self.cleaned_data["paper"])
        if found is None:
            raise ValidationError(_("That is not an arXiv id or link; one is 1706.03762."))
        return found[0]
