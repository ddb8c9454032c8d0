"""The message console: every message in and out of a participant, as it went over the wire."""

from django.urls import path

from .. import routes
from . import pages

urlpatterns = [
    path(routes.ANY + "console/", pages.console, name="console"),
    path(routes.ANY + "console/test/", pages.test, name="console-test"),
    path(routes.ANY + "console/<int:pk>/", pages.message, name="console-message"),
    path(routes.ANY + "console/<int:pk>/again/", pages.again, name="console-again"),
    path(routes.ANY + "console/<int:pk>/process/", pages.process, name="console-process"),
    path(routes.ANY + "console/<int:pk>/conversation/", pages.download, name="console-download"),
    path(routes.ANY + "console/<int:pk>/raw/", pages.raw, name="console-raw"),
]
