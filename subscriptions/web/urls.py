from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .views import archive, feedback, health, preferences, privacy, subscribe


class DayConverter(StringConverter):
    regex = r"[12]\d{3}-[01]\d-[0-3]\d"


register_converter(DayConverter, "day")

urlpatterns = [
    path("", subscribe.signup, name="signup"),
    path("check-inbox/", subscribe.check_inbox, name="check-inbox"),
    path("confirm/<token>/", subscribe.confirm, name="confirm"),
    path("preferences/<token>/", preferences.preferences, name="preferences"),
    path("u/<token>/", preferences.unsubscribe, name="unsubscribe"),
    path("digest/<token>/", feedback.digest, name="digest"),
    path("digest/<token>/<int:place>/<verdict>/", feedback.paper, name="digest-paper"),
    path("archive/", archive.archive, name="archive"),
    path("archive/<day:day>/", archive.edition, name="edition"),
    path("papers/<int:pk>/", archive.paper, name="paper"),
    path("privacy/", privacy.privacy, name="privacy"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
