"""Addresses of the API: one resource per noun, its schema and the page to try it."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from . import docs, market, messages, requests, trades

router = SimpleRouter()
router.register("congestion-points", market.Points, basename="api-point")
router.register("contracts", market.Contracts, basename="api-contract")
router.register("requests", requests.Requests, basename="api-request")
router.register("request-groups", requests.Groups, basename="api-group")
router.register("offers", trades.Offers, basename="api-offer")
router.register("orders", trades.Orders, basename="api-order")
router.register("messages", messages.Messages, basename="api-message")

urlpatterns = [
    path("v1/", market.Me.as_view(), name="api-me"),
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs.page, name="api-docs"),
]
