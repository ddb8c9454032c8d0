"""The DSO's pages: desk, requests and their composer, offers to review, orders."""

from django.urls import path

from offers.views import routes

from . import offers, orders

OFFER = routes.DSO + "offers/<int:pk>/"

urlpatterns = [
    path(routes.DSO + "offers/", offers.listing, name="dso-offers"),
    path(OFFER, offers.detail, name="dso-offer"),
    path(OFFER + "accept/", offers.accept, name="dso-offer-accept"),
    path(OFFER + "reject/", offers.reject, name="dso-offer-reject"),
    path(OFFER + "order/", offers.order, name="dso-offer-order"),
    path(routes.DSO + "orders/", orders.listing, name="dso-orders"),
    path(routes.DSO + "orders/<int:pk>/", orders.detail, name="dso-order"),
]
