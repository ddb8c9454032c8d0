"""The DSO's pages: desk, requests and their composer, offers to review, orders."""

from django.urls import path

from offers.views import routes

from . import composer, desk, offers, orders, requests

REQUESTS = routes.DSO + "requests/"
GROUP = REQUESTS + "<uuid:group>/"
OFFER = routes.DSO + "offers/<int:pk>/"

urlpatterns = [
    path(routes.DSO, desk.desk, name="dso-desk"),
    path(routes.DSO + "points/<int:pk>/answers/", desk.point_answers, name="dso-point-answers"),
    path(REQUESTS, requests.listing, name="dso-requests"),
    path(REQUESTS + "new/", composer.new, name="dso-request-new"),
    path(GROUP, requests.detail, name="dso-request"),
    path(GROUP + "edit/", composer.edit, name="dso-request-edit"),
    path(GROUP + "check/", composer.check, name="dso-request-check"),
    path(GROUP + "save/", composer.save, name="dso-request-save"),
    path(GROUP + "send/", composer.send, name="dso-request-send"),
    path(GROUP + "preview/", composer.preview, name="dso-request-preview"),
    path(GROUP + "delete/", composer.delete, name="dso-request-delete"),
    path(routes.DSO + "offers/", offers.listing, name="dso-offers"),
    path(OFFER, offers.detail, name="dso-offer"),
    path(OFFER + "accept/", offers.accept, name="dso-offer-accept"),
    path(OFFER + "reject/", offers.reject, name="dso-offer-reject"),
    path(OFFER + "order/", offers.order, name="dso-offer-order"),
    path(routes.DSO + "orders/", orders.listing, name="dso-orders"),
    path(routes.DSO + "orders/<int:pk>/", orders.detail, name="dso-order"),
]
