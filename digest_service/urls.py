from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("anymail/", include("subscriptions.web.hooks")),
    path("", include("subscriptions.web.urls")),
]
handler404 = "subscriptions.web.views.errors.not_found"
handler500 = "subscriptions.web.views.errors.server_error"
