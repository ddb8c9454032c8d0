"""The aggregator's pages: desk, requests, offers and their editor, orders."""

from django.urls import path

from offers.views import routes

from . import desk, editor, offers, orders, requests

OFFER = routes.AGR + "offers/<int:pk>/"

urlpatterns = [
    path(routes.AGR, desk.desk, name="agr-desk"),
    path(routes.AGR + "requests/", requests.listing, name="agr-requests"),
    path(routes.AGR + "requests/<int:pk>/", requests.detail, name="agr-request"),
    path(routes.AGR + "requests/<int:pk>/offer/", editor.new, name="agr-offer-new"),
    path(routes.AGR + "offers/", offers.listing, name="agr-offers"),
    path(routes.AGR + "offers/unsolicited/", editor.unsolicited, name="agr-offer-unsolicited"),
    path(routes.AGR + "offers/revoke/", offers.revoke_many, name="agr-offers-revoke"),
    path(OFFER, offers.detail, name="agr-offer"),
    path(OFFER + "edit/", editor.edit, name="agr-offer-edit"),
    path(OFFER + "check/", editor.check, name="agr-offer-check"),
    path(OFFER + "save/", editor.save, name="agr-offer-save"),
    path(OFFER + "send/", editor.send, name="agr-offer-send"),
    path(OFFER + "schedule/", editor.schedule, name="agr-offer-schedule"),
    path(OFFER + "preview/", editor.preview, name="agr-offer-preview"),
    path(OFFER + "delete/", editor.delete, name="agr-offer-delete"),
    path(OFFER + "copy/", editor.copy, name="agr-offer-copy"),
    path(OFFER + "revoke/", offers.revoke, name="agr-offer-revoke"),
    path(routes.AGR + "orders/", orders.listing, name="agr-orders"),
    path(routes.AGR + "orders/<int:pk>/", orders.detail, name="agr-order"),
]
