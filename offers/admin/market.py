"""Congestion points and contracts in the admin."""

from django.contrib import admin

from offers import models

from .discreet import Discreet
from .forms import CongestionPointForm, ContractForm, WindowFormSet


@admin.register(models.CongestionPoint)
class CongestionPointAdmin(Discreet):
    form = CongestionPointForm
    list_display = ("name", "entity_address", "dso", "capacity_w", "answers_automatically", "isp_duration")
    list_filter = ("answers_automatically", "dso")
    list_select_related = ("dso",)
    search_fields = ("name", "entity_address")
    filter_horizontal = ("agrs",)


class WindowInline(admin.TabularInline):  # type: ignore[type-arg]
    model = models.IspWindow
    formset = WindowFormSet
    extra = 1
    verbose_name = "ISP window"


@admin.register(models.Contract)
class ContractAdmin(Discreet):
    form = ContractForm
    list_display = (
        "contract_id",
        "dso",
        "agr",
        "congestion_point",
        "valid_from",
        "valid_to",
        "reserved_power_w",
    )
    list_filter = ("dso", "congestion_point")
    list_select_related = ("dso", "agr", "congestion_point")
    search_fields = ("contract_id",)
    inlines = (WindowInline,)
