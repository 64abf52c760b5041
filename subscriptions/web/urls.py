from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from . import feeds, proof, sitemaps
from .views import (
    account,
    archive,
    digest,
    fresh,
    health,
    inbound,
    papers,
    preferences,
    privacy,
    saved,
    search,
    sign_in,
    submissions,
    subscribe,
    topics,
    votes,
)


class DayConverter(StringConverter):
    regex = r"[12]\d{3}-[01]\d-[0-3]\d"


class WeekConverter(StringConverter):
    regex = r"[12]\d{3}-W[0-5]\d"


class KeyConverter(StringConverter):
    regex = "[A-Za-z0-9_-]{1,43}"


register_converter(DayConverter, "day")
register_converter(KeyConverter, "key")
register_converter(WeekConverter, "week")

urlpatterns = [
    path("", subscribe.signup, name="signup"),
    path("preview/", subscribe.preview, name="preview"),
    path("proof/", proof.challenge, name="proof"),
    path("check-inbox/", subscribe.check_inbox, name="check-inbox"),
    path("confirm/<token>/", subscribe.confirm, name="confirm"),
    path("preferences/<token>/", preferences.preferences, name="preferences"),
    path("preferences/<token>/account/", sign_in.ask_from_preferences, name="preferences-account"),
    path("preferences/<token>/saved/", saved.saved, name="saved"),
    path("preferences/<token>/saved.bib", saved.saved_bib, name="saved-bib"),
    path("preferences/<token>/feed/", preferences.feed, name="preferences-feed"),
    path("fresh/<token>/", fresh.fresh, name="fresh"),
    path("u/<token>/", preferences.unsubscribe, name="unsubscribe"),
    path("digest/<token>/", digest.digest, name="digest"),
    path("digest/<token>/<int:place>/why/", digest.why, name="digest-why"),
    path("digest/<token>/<int:place>/<verdict>/", digest.paper, name="digest-paper"),
    path("archive/", archive.archive, name="archive"),
    path("archive/<day:day>/", archive.edition, name="edition"),
    path("archive/<week:name>/", archive.week, name="week"),
    path("topics/", topics.topics, name="topics"),
    path("topics/<slug:slug>/", topics.topic, name="topic"),
    path("papers/<int:pk>/", papers.paper, name="paper"),
    path("papers/<int:pk>/paper.bib", papers.paper_bib, name="paper-bib"),
    path("feeds/daily.atom", feeds.daily, name="daily-feed"),
    path("feeds/topics/<slug:slug>.atom", feeds.of_topic, name="topic-feed"),
    path("feeds/mine/<key:key>.atom", feeds.own, name="private-feed"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    re_path(
        r"^sitemap-(?P<section>pages|topics|editions|papers-\d{1,6})\.xml$",
        sitemaps.section,
        name="sitemap-of",
    ),
    path("robots.txt", sitemaps.robots, name="robots"),
    path("search/", search.search, name="search"),
    path("papers/<int:pk>/vote/", votes.vote, name="vote"),
    path("submit/", submissions.submit, name="submit"),
    path("account/submissions/<int:pk>/withdraw/", submissions.withdraw, name="withdraw"),
    path("sign-in/", sign_in.ask, name="sign-in"),
    path("sign-in/<token>/", sign_in.by_link, name="sign-in-link"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("account/", account.account, name="account"),
    path("account/address/", account.change_address, name="change-address"),
    path("account/copy/", account.take_along, name="export"),
    path("account/erase/", account.erase_all, name="erase"),
    path("new-address/<token>/", account.new_address, name="new-address"),
    path("privacy/", privacy.privacy, name="privacy"),
    path("inbound/", inbound.inbound, name="inbound"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
