from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SubscriptionsConfig(AppConfig):
    name = "subscriptions"
    verbose_name = "Paper Round"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from subscriptions import checks, mail_checks  # noqa: F401  (registers the system checks)
        from subscriptions.flows.roles import keep_roles

        post_migrate.connect(keep_roles, sender=self)
