"""Optional proof of work: a browser does what costs a robot that fills in many forms too much.

The challenges and their verification are altcha's (https://altcha.org); its widget is not used,
since it writes styles that the site's Content-Security-Policy forbids. ``proof.js`` solves them.
"""

import base64
import json
from typing import Any

import altcha
from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy
from django_altcha import AltchaChallengeView, AltchaField

from . import guards

MOST_TRIES = 20_000
"""About a second of a phone's work."""


class ProofInput(forms.HiddenInput):
    """Filled by ``proof.js``; a page shown again asks for new work."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(attrs={"data-proof": reverse_lazy("proof")})

    def format_value(self, value: Any) -> None:
        return None


class ProofField(AltchaField):
    """Raises ValidationError without proof, with a wrong or an old one, or one used before."""

    widget = ProofInput
    default_error_messages = dict.fromkeys(
        ("error", "invalid", "required", "replay"),
        gettext_lazy("Your browser has not shown that it is no robot. Please send the form again."),
    )

    def replay_attack_protection(self, payload: str) -> None:
        """Of a proof that was verified; counted where limits are, for all processes to know."""
        work = json.loads(base64.b64decode(payload))
        # Of several times in its salt, altcha signs the last and heeds the first.
        one_time = len(altcha.extract_params(work).get("expires", ())) == 1
        if not one_time or not guards.allowed(guards.PROOFS, work["challenge"]):
            raise forms.ValidationError(self.error_messages["replay"], code="replay")


challenge = AltchaChallengeView.as_view(max_number=MOST_TRIES)
