"""Addresses of the app: counterparties' endpoint, the desks, the console, the API."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from offers.transport import MESSAGE_PATH
from offers.views import endpoint, home

urlpatterns: list[URLPattern | URLResolver] = [
    path(MESSAGE_PATH.lstrip("/"), endpoint.message, name="message"),
    path("", home.home, name="home"),
]
for name in ("account", "agr", "dso", "console", "tokens"):
    if find_spec(f"offers.views.{name}"):
        urlpatterns += import_module(f"offers.views.{name}").urlpatterns
if find_spec("offers.api"):
    urlpatterns.append(path("api/", include("offers.api.urls")))
