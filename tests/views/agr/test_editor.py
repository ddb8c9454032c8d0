"""The editor's endpoints: started from a request, checked, saved, sent, planned, previewed, thrown away."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from offers import models
from offers.services import drafts, trading
from tests import cast
from tests.cast import NOON, Cast

from .conftest import Address


@pytest.fixture
def draft(everybody: Cast, trader: Client, address: Address) -> models.FlexOffer:
    """A new offer on a request, as the button makes it."""
    row = cast.answerable_request(everybody)
    response = trader.post(address("agr-offer-new", row.pk))
    offer = models.FlexOffer.objects.get()
    assert response["Location"] == address("agr-offer-edit", offer.pk)
    return offer


def good() -> dict[str, Any]:
    return cast.offer_draft(NOON + timedelta(hours=1))


def post(client: Client, url: str, draft: Any) -> Any:
    return client.post(url, json.dumps(draft), content_type="application/json")


def test_a_new_offer_has_one_empty_option_and_lives_as_long_as_its_request(draft: models.FlexOffer) -> None:
    assert draft.draft["expires_at"] == "2026-03-02T13:00:00Z"
    assert [o["option_reference"] for o in draft.draft["options"]] == ["A"]
    assert draft.currency == "EUR" and draft.flex_request is not None


def test_the_editor_is_given_the_request_isp_by_isp_with_its_findings(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    response = trader.get(address("agr-offer-edit", draft.pk))
    data = response.context["editor_data"]
    assert [isp["n"] for isp in data["request"]["isps"]] == list(range(65, 81))
    requested = data["request"]["isps"][4]
    assert requested["disposition"] == "Requested" and requested["max_w"] == -200_000
    assert requested["local"] == "17:00" and requested["utc"] == "16:00"
    assert "OfferOption[1].Price" in {finding["field"] for finding in data["findings"]}
    assert response.context["heading"] == "Station West, tomorrow 17:00–19:00"


def test_checking_says_every_reason_with_its_field_and_stores_nothing(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    typed = good()
    typed["expires_at"] = "2026-03-04T00:00:00+01:00"
    typed["options"][1]["option_reference"] = "A"
    typed["options"][2]["isps"][0]["power"] = "lots"
    found = post(trader, address("agr-offer-check", draft.pk), typed).json()["findings"]
    assert {(f["field"], f["severity"]) for f in found} >= {("OfferOption[3].ISP[69].Power", "error")}
    typed["options"][2]["isps"][0]["power"] = -1
    found = post(trader, address("agr-offer-check", draft.pk), typed).json()["findings"]
    assert "OfferOption[2].OptionReference" in {f["field"] for f in found}
    typed["options"][1]["option_reference"] = "B"
    found = post(trader, address("agr-offer-check", draft.pk), typed).json()["findings"]
    assert [f["field"] for f in found] == ["ExpirationDateTime"]
    draft.refresh_from_db()
    assert draft.draft["options"][0]["price"] == ""


def test_a_draft_without_fault_has_no_findings(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    assert post(trader, address("agr-offer-check", draft.pk), good()).json() == {"findings": []}


def test_saving_keeps_what_was_typed_right_or_wrong(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    typed = good()
    typed["options"][0]["price"] = "1O1"
    answer = post(trader, address("agr-offer-save", draft.pk), typed)
    assert answer.json()["saved_at"] == "2026-03-02T11:00:00Z"
    draft.refresh_from_db()
    assert draft.draft == typed
    page = trader.get(address("agr-offer-edit", draft.pk))
    assert page.context["editor_data"]["draft"] == typed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b"1e999",
    ],
)
@pytest.mark.parametrize("name", ["agr-offer-check", "agr-offer-save"])
def test_what_is_no_draft_is_refused_with_a_sentence(
    draft: models.FlexOffer, trader: Client, address: Address, name: str, body: bytes
) -> None:
    answer = trader.post(address(name, draft.pk), body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["sentence"]


@pytest.mark.parametrize("typed", [{"options": 7}, {"options": [{"isps": "x"}]}, {"options": [{}] * 60}])
def test_an_object_of_another_shape_is_a_finding_and_no_failure(
    draft: models.FlexOffer, trader: Client, address: Address, typed: dict[str, Any]
) -> None:
    assert post(trader, address("agr-offer-check", draft.pk), typed).json()["findings"]
    assert post(trader, address("agr-offer-save", draft.pk), typed).status_code == 200
    for name in ("agr-offer-edit", "agr-offer"):
        assert trader.get(address(name, draft.pk)).status_code == 200
    assert trader.get(address("agr-desk")).status_code == 200
    assert trader.post(address("agr-offer-send", draft.pk)).status_code == 422
    assert trader.post(address("agr-offer-preview", draft.pk)).status_code == 422


def test_sending_signs_it_and_shows_the_offer(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    response = trader.post(address("agr-offer-send", draft.pk), {"draft": json.dumps(good())}, follow=True)
    assert response.redirect_chain == [(address("agr-offer", draft.pk), 302)]
    draft.refresh_from_db()
    assert draft.state == "sent" and draft.options.count() == 3
    assert "is signed and on its way" in response.content.decode()


def test_a_refused_offer_comes_back_with_all_reasons_and_everything_typed(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    typed = good()
    typed["expires_at"] = "2026-03-01T00:00:00+01:00"
    response = trader.post(address("agr-offer-send", draft.pk), {"draft": json.dumps(typed)})
    assert response.status_code == 422
    data = response.context["editor_data"]
    assert data["draft"] == typed and data["findings"][0]["field"] == "ExpirationDateTime"
    assert "Not sent, for 1 reason" in response.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft" and draft.draft == typed and not draft.options.exists()


def test_what_was_sent_is_not_edited_any_more(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    trader.post(address("agr-offer-send", draft.pk), {"draft": json.dumps(good())})
    assert trader.get(address("agr-offer-edit", draft.pk))["Location"] == address("agr-offer", draft.pk)
    answer = post(trader, address("agr-offer-save", draft.pk), good())
    assert answer.status_code == 409 and "cannot be changed" in answer.json()["sentence"]
    assert trader.post(address("agr-offer-send", draft.pk)).status_code == 409
    assert trader.post(address("agr-offer-delete", draft.pk)).status_code == 409


def test_the_preview_is_the_xml_as_it_would_go_out(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    response = trader.post(address("agr-offer-preview", draft.pk), {"draft": json.dumps(good())})
    assert response["Content-Type"].startswith("text/plain")
    text = response.content.decode()
    assert text.startswith("<FlexOffer ") and 'OptionReference="C"' in text
    assert models.Message.objects.filter(type="FlexOffer").count() == 0


def test_the_preview_of_what_cannot_be_written_says_why(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    response = trader.post(address("agr-offer-preview", draft.pk))
    assert response.status_code == 422 and b"OfferOption[1].Price" in response.content


def test_a_planned_offer_is_sent_by_itself_at_the_local_time(
    draft: models.FlexOffer, trader: Client, address: Address, everybody: Cast
) -> None:
    post(trader, address("agr-offer-save", draft.pk), good())
    response = trader.post(address("agr-offer-schedule", draft.pk), {"at": "2026-03-02T12:30"}, follow=True)
    assert "planned for Mon 2 Mar 12:30" in response.content.decode()
    draft.refresh_from_db()
    assert draft.send_at == NOON + timedelta(minutes=30)
    trading.send_planned(NOON + timedelta(minutes=31))
    draft.refresh_from_db()
    assert draft.state == "sent"


@pytest.mark.parametrize(
    ("typed", "sentence"), [("soon", "is no time"), ("2026-03-02T11:00", "in the future")]
)
def test_a_time_that_cannot_be_planned_is_refused(
    draft: models.FlexOffer, trader: Client, address: Address, typed: str, sentence: str
) -> None:
    response = trader.post(address("agr-offer-schedule", draft.pk), {"at": typed})
    assert sentence in " ".join(str(m) for m in get_messages(response.wsgi_request))
    draft.refresh_from_db()
    assert draft.send_at is None


def test_a_plan_is_taken_back_by_an_empty_time(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    post(trader, address("agr-offer-save", draft.pk), good())
    trader.post(address("agr-offer-schedule", draft.pk), {"at": "2026-03-02T12:30"})
    trader.post(address("agr-offer-schedule", draft.pk), {"at": ""})
    draft.refresh_from_db()
    assert draft.send_at is None


def test_a_draft_is_thrown_away(draft: models.FlexOffer, trader: Client, address: Address) -> None:
    response = trader.post(address("agr-offer-delete", draft.pk))
    assert response["Location"] == address("agr-offers")
    assert not models.FlexOffer.objects.exists()
    assert trader.get(address("agr-offer-edit", draft.pk)).status_code == 404


def test_a_copy_has_the_options_to_the_cent_and_can_be_sent(
    everybody: Cast, trader: Client, address: Address
) -> None:
    mine, _ = cast.accepted_offer(everybody)
    trader.post(address("agr-offer-copy", mine.pk))
    copy = models.FlexOffer.objects.filter(owner=everybody.agr).latest("pk")
    assert copy.pk != mine.pk and copy.flex_request_id == mine.flex_request_id
    assert [o["price"] for o in copy.draft["options"]] == ["101.40", "55.00", "126.15"]
    assert trading.check_offer(copy, copy.draft, NOON) == []


def test_a_page_that_changes_something_is_not_opened_by_a_link(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    for name in ("send", "save", "check", "delete", "schedule", "preview", "copy", "revoke"):
        assert trader.get(address(f"agr-offer-{name}", draft.pk)).status_code == 405


def test_an_offer_without_a_request_needs_a_point_and_a_day(
    everybody: Cast, trader: Client, address: Address
) -> None:
    where = {"point": everybody.point.pk, "day": "2026-03-03"}
    response = trader.post(address("agr-offer-unsolicited"), where)
    offer = models.FlexOffer.objects.get()
    assert response["Location"] == address("agr-offer-edit", offer.pk)
    assert offer.flex_request is None and offer.counterparty == everybody.dso
    assert offer.draft["expires_at"] == "2026-03-02T23:00:00Z"
    data = trader.get(address("agr-offer-edit", offer.pk)).context["editor_data"]
    assert len(data["request"]["isps"]) == 96
    trader.post(address("agr-offer-send", offer.pk), {"draft": json.dumps(good())})
    offer.refresh_from_db()
    assert offer.state == "sent"


@pytest.mark.parametrize(
    "where", [{}, {"point": "x"}, {"point": "9" * 30, "day": "2026-03-03"}, {"day": "9"}]
)
def test_nothing_is_drafted_for_no_point_or_no_day(
    everybody: Cast, trader: Client, address: Address, where: dict[str, str]
) -> None:
    response = trader.post(address("agr-offer-unsolicited"), where)
    assert "choose a congestion point and a day" in " ".join(map(str, get_messages(response.wsgi_request)))
    assert not models.FlexOffer.objects.exists()


def test_nothing_is_drafted_where_others_trade(everybody: Cast, stranger: Client, address: Address) -> None:
    where = {"point": everybody.point.pk, "day": "2026-03-03"}
    assert stranger.post(address("agr-offer-unsolicited"), where).status_code == 404
    own = address("agr-offer-unsolicited").replace("agr.demo", "agr.rival")
    response = stranger.post(own, where)
    assert "Nothing was drafted" in " ".join(map(str, get_messages(response.wsgi_request)))
    assert not models.FlexOffer.objects.exists()


# --- two windows on one draft -------------------------------------------------------------------------


def save(client: Client, url: str, draft: Any, seen: str) -> Any:
    return client.post(
        url, json.dumps(draft), content_type="application/json", headers={"If-Match": f'"{seen}"'}
    )


def priced(price: str) -> dict[str, Any]:
    typed = good()
    typed["options"][0]["price"] = price
    return typed


def opened(client: Client, address: Address, draft: models.FlexOffer) -> str:
    """The version that a window has read."""
    token: str = client.get(address("agr-offer-edit", draft.pk)).context["editor_data"]["token"]
    return token


def test_the_second_window_to_save_is_told_and_overwrites_nothing(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    url, seen = address("agr-offer-save", draft.pk), opened(trader, address, draft)
    assert save(trader, url, priced("11.00"), seen).status_code == 200
    answer = save(trader, url, priced("22.00"), seen)
    assert answer.status_code == 409
    said = answer.json()
    assert "saved at 12:00:00, by another window" in said["sentence"] and said["theirs"] == priced("11.00")
    draft.refresh_from_db()
    assert draft.draft == priced("11.00")


def test_who_keeps_their_own_saves_on_top_of_the_version_they_were_shown(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    url, seen = address("agr-offer-save", draft.pk), opened(trader, address, draft)
    first = save(trader, url, priced("11.00"), seen).json()["token"]
    again = save(trader, url, priced("12.00"), first)
    assert again.status_code == 200 and again.json()["token"] != first
    shown = save(trader, url, priced("22.00"), seen).json()["token"]
    assert save(trader, url, priced("22.00"), shown).status_code == 200


def test_the_same_text_saved_twice_is_in_nobodys_way(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    url, seen = address("agr-offer-save", draft.pk), opened(trader, address, draft)
    save(trader, url, priced("11.00"), seen)
    assert save(trader, url, priced("11.00"), seen).status_code == 200


def test_an_offer_over_another_version_is_not_sent_and_comes_back_as_typed(
    draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    seen = opened(trader, address, draft)
    save(trader, address("agr-offer-save", draft.pk), priced("11.00"), seen)
    posted = {"draft": json.dumps(priced("22.00")), "token": seen}
    response = trader.post(address("agr-offer-send", draft.pk), posted)
    assert response.status_code == 409
    data = response.context["editor_data"]
    assert data["draft"] == priced("22.00") and data["conflict"]["theirs"] == priced("11.00")
    draft.refresh_from_db()
    assert draft.state == "draft" and draft.draft == priced("11.00")
    decided = {"draft": json.dumps(priced("22.00")), "token": data["conflict"]["token"]}
    assert trader.post(address("agr-offer-send", draft.pk), decided).status_code == 302


def test_a_colleague_is_named(
    everybody: Cast, draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    seen = opened(trader, address, draft)
    trading.save_offer_draft(everybody.agr, draft.pk, priced("11.00"), everybody.manager, NOON)
    answer = save(trader, address("agr-offer-save", draft.pk), priced("22.00"), seen)
    assert "by manager" in answer.json()["sentence"]


def test_the_editor_says_when_the_request_has_closed(
    everybody: Cast, draft: models.FlexOffer, trader: Client, address: Address
) -> None:
    models.FlexRequest.objects.filter(owner=everybody.agr).update(expires_at=NOON - timedelta(seconds=1))
    seen = trader.get(address("agr-offer-edit", draft.pk)).content.decode()
    assert "This request is closed." in seen and "Request closes in" not in seen


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:00+00:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_at_the_edge_of_the_calendar_breaks_no_page(
    draft: models.FlexOffer, trader: Client, address: Address, instant: str
) -> None:
    saved = post(trader, address("agr-offer-save", draft.pk), {**good(), "expires_at": instant})
    assert saved.status_code == 200
    pages = [address("agr-desk"), address("agr-offers")]
    pages += [address(name, draft.pk) for name in ("agr-offer", "agr-offer-edit")]
    assert [trader.get(page).status_code for page in pages] == [200] * 4


@pytest.mark.parametrize("at", ["9999-12-31T23:59", "9999-12-31T23:59-23:59"])
def test_nothing_is_planned_for_the_end_of_time(
    draft: models.FlexOffer, trader: Client, address: Address, at: str
) -> None:
    post(trader, address("agr-offer-save", draft.pk), good())
    assert trader.post(address("agr-offer-schedule", draft.pk), {"at": at}).status_code == 302
    draft.refresh_from_db()
    assert draft.send_at is None


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"options": json.loads("[" * 500 + "]" * 500)}, "nested"),
        ({"note": "x" * drafts.LARGEST}, f"at most {drafts.LARGEST}"),
    ],
)
def test_a_draft_too_deep_or_too_large_gets_a_sentence_and_the_last_one_is_kept(
    draft: models.FlexOffer, trader: Client, address: Address, typed: dict[str, Any], says: str
) -> None:
    post(trader, address("agr-offer-save", draft.pk), good())
    kept = models.FlexOffer.objects.get(pk=draft.pk).draft
    answer = post(trader, address("agr-offer-save", draft.pk), typed)
    assert (answer.status_code, says in answer.json()["sentence"]) == (400, True)
    assert models.FlexOffer.objects.get(pk=draft.pk).draft == kept
