"""The figures speak the chart language: kW at the right ISPs, the near bound marked, colours as names."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from offers import charts

DAY = date(2026, 11, 24)
ZONE = "Europe/Amsterdam"


def isps(*bands: tuple[str, int, int]) -> list[charts.Isp]:
    axis = charts.axis(DAY, range(69, 69 + len(bands)), ZONE, 15)
    for isp, (disposition, low, high) in zip(axis, bands, strict=True):
        isp.update(disposition=disposition, min_w=low, max_w=high)
    return axis


LESS = isps(
    ("Available", -8_000_000, 100_000),
    ("Requested", -8_160_000, -160_000),
    ("Requested", -8_240_000, -240_000),
)


def trace(figure: charts.Figure, name: str) -> dict[str, Any]:
    return next(trace for trace in figure["data"] if trace["name"] == name)


def test_an_axis_has_local_and_utc_time_and_the_number_of_each_isp() -> None:
    assert charts.axis(DAY, range(69, 70), ZONE, 15) == [
        {"n": 69, "isp": 69, "local": "17:00", "end": "17:15", "utc": "16:00"}
    ]


def test_an_axis_on_a_day_of_23_hours_skips_the_hour_that_does_not_exist() -> None:
    spring = charts.axis(date(2026, 3, 29), range(8, 10), ZONE, 15)
    assert [isp["local"] for isp in spring] == ["01:45", "03:00"]


def test_an_instant_inside_an_isp_stands_between_its_edges() -> None:
    assert charts.edge_of(datetime(2026, 11, 24, 16, 7, 30, tzinfo=UTC), DAY, ZONE, 15) == 68.5


def test_requested_is_hatched_and_available_is_not() -> None:
    figure = charts.power_space(LESS)
    assert trace(figure, "Requested")["x"] == [69.5, 70.5]
    assert "pattern" in trace(figure, "Requested")["marker"]
    assert trace(figure, "Available")["x"] == [68.5]
    assert "pattern" not in trace(figure, "Available")["marker"]


def test_the_axis_shows_the_near_bounds_and_a_note_says_how_far_the_band_goes_on() -> None:
    figure = charts.power_space(LESS)
    low, high = figure["layout"]["yaxis"]["range"]
    assert -300 < low < -240 and 100 < high < 200
    assert "MinPower down to −8,240" in [note["text"] for note in figure["layout"]["annotations"]]


def test_a_request_to_use_more_is_mirrored() -> None:
    figure = charts.power_space(isps(("Requested", 300_000, 9_000_000)))
    thick = next(trace for trace in figure["data"] if trace.get("line", {}).get("color") == "token:ink")
    assert thick["y"] == [300, 300, None]
    assert "MaxPower up to +9,000" in [note["text"] for note in figure["layout"]["annotations"]]


def test_an_option_is_a_step_line_with_its_own_dash_colour_and_letter() -> None:
    options: list[charts.Option] = [
        {"letter": "A", "powers": {70: -120_000, 71: -180_500}},
        {"letter": "B", "powers": {71: -50_000}},
    ]
    figure = charts.power_space(LESS, options)
    first, second = trace(figure, "Option A"), trace(figure, "Option B")
    assert first["x"] == [68, 68.5, 69.5, 70.5, 71]
    assert first["y"] == [0, 0, -120, -180.5, -180.5]
    assert first["text"][-1] == "−180.5"
    assert (first["line"]["dash"], second["line"]["dash"]) == ("solid", "9px,4px")
    assert (first["line"]["color"], second["line"]["color"]) == ("token:opt-a", "token:opt-b")
    letters = {note["text"]: note["x"] for note in figure["layout"]["annotations"] if len(note["text"]) == 1}
    assert letters == {"A": 70.5, "B": 70.5}


def notes(figure: charts.Figure) -> dict[str, dict[str, Any]]:
    return {note["text"]: note for note in figure["layout"]["annotations"]}


def test_an_option_that_stands_alone_keeps_the_look_of_its_letter() -> None:
    figure = charts.power_space(LESS, [{"letter": "B", "powers": {70: -120_000}}])
    line = trace(figure, "Option B")["line"]
    assert (line["color"], line["dash"]) == ("token:opt-b", "9px,4px")
    assert notes(figure)["B"]["bgcolor"] == "token:opt-b"


def test_letters_of_options_that_run_together_stand_apart() -> None:
    axis = isps(*[("Requested", -8_000_000, -200_000)] * 24)
    lines: list[charts.Option] = [
        {"letter": name, "powers": dict.fromkeys(range(69, 93), power)}
        for name, power in (("A", -100_000), ("B", -95_000), ("C", -90_000))
    ]
    places = [notes(charts.power_space(axis, lines))[name]["x"] for name in "ABC"]
    assert all(abs(one - other) > 2 for one in places for other in places if one != other)
    assert len(set(places)) == 3


def test_no_letter_stands_on_the_unit() -> None:
    axis = isps(*[("Available", -900_000, 900_000)] * 20)
    figure = charts.power_space(axis, [{"letter": "A", "powers": {69: 900_000, 85: 890_000, 70: -5}}])
    assert notes(figure)["A"]["x"] == 84.5


def test_notes_on_both_ends_of_a_band_stand_apart() -> None:
    figure = charts.power_space(isps(("Requested", -9_000_000, -200_000), ("Available", -100, 9_000_000)))
    found = [notes(figure)[text] for text in ("MinPower down to −9,000", "MaxPower up to +9,000")]
    head = next(note for text, note in notes(figure).items() if text.startswith("kW"))
    spots = {(note["y"], note["yshift"]) for note in (*found, head)}
    assert len(spots) == 3


def test_the_end_of_the_axis_says_its_clock() -> None:
    axis = charts.axis(DAY, range(93, 97), ZONE, 15)
    assert charts.request_chart(axis, {}, 1)["layout"]["xaxis"]["ticktext"][-1] == "24:00<br>end"


def test_the_name_of_the_capacity_stands_where_the_load_is_low() -> None:
    axis = charts.axis(DAY, range(61, 81), ZONE, 15)
    late = {n: 4_160_000 if n > 74 else 3_000_000 for n in range(61, 81)}
    early = {n: 4_160_000 if n < 67 else 3_000_000 for n in range(61, 81)}
    sides = [
        notes(charts.request_chart(axis, load, 4_000_000))["capacity 4,000 kW"]["xanchor"]
        for load in (late, early)
    ]
    assert sides == ["left", "right"]


def test_a_small_figure_shows_least_zero_and_most_and_no_end() -> None:
    axis = charts.axis(DAY, range(1, 97), ZONE, 15)
    layout = charts.mini(charts.position(axis, {}, {70: -2_300_000, 72: 2_000_000}))["layout"]
    assert layout["yaxis"]["ticktext"][1] == "0" and len(layout["yaxis"]["ticktext"]) == 3
    assert layout["xaxis"]["ticktext"][-1] == ""


def test_an_empty_option_has_a_line_at_zero_and_no_letter() -> None:
    figure = charts.power_space(LESS, [{"letter": "A", "powers": {}}])
    assert set(trace(figure, "Option A")["y"]) == {0}
    assert not [note for note in figure["layout"]["annotations"] if note["text"] == "A"]


def test_the_need_is_hatched_between_capacity_and_forecast() -> None:
    axis = charts.axis(DAY, range(69, 71), ZONE, 15)
    figure = charts.request_chart(axis, {69: 3_900_000, 70: 4_160_000}, 4_000_000)
    over = trace(figure, "Over capacity")
    assert (over["x"], over["base"], over["y"]) == ([69.5], [4000], [160])
    assert figure["layout"]["annotations"][0]["text"] == "capacity 4,000 kW"


def test_a_load_above_the_forecast_is_called_rebound() -> None:
    axis = charts.axis(DAY, range(69, 71), ZONE, 15)
    forecast = {69: 4_160_000, 70: 3_900_000}
    calm = charts.load_after_order(axis, 4_000_000, forecast, {69: 4_000_000, 70: 3_900_000})
    risen = charts.load_after_order(axis, 4_000_000, forecast, {69: 4_000_000, 70: 3_980_000})
    assert [note["text"] for note in calm["layout"]["annotations"]] == ["capacity 4,000 kW"]
    assert "rebound +80" in [note["text"] for note in risen["layout"]["annotations"]]


def test_a_position_tells_ordered_from_offered() -> None:
    axis = charts.axis(DAY, range(1, 97), ZONE, 15)
    figure = charts.position(axis, {70: -140_000}, {75: -60_000}, {70: -320_000}, now_edge=42.5)
    assert trace(figure, "Ordered")["text"] == ["−140"]
    assert "pattern" in trace(figure, "Offered")["marker"]
    assert figure["layout"]["shapes"][0]["x0"] == 42.5


def test_a_position_without_anything_is_still_a_figure() -> None:
    axis = charts.axis(DAY, range(1, 97), ZONE, 15)
    assert charts.mini(charts.position(axis, {}, {}))["layout"]["yaxis"]["range"] == [-1, 1]


@pytest.mark.parametrize("count", [1, 4, 20, 92, 96, 100, 192, 288])
def test_an_axis_has_at_most_eight_labels_on_any_day(count: int) -> None:
    axis = [charts.Isp(n=n, local="00:00") for n in range(1, count + 1)]
    figure = charts.position(axis, {}, {})
    assert 1 <= len(figure["layout"]["xaxis"]["tickvals"]) <= 8


def test_a_figure_is_plain_json_and_names_its_colours() -> None:
    text = json.dumps(charts.power_space(LESS, contract={70: -100_000}, free={70: -320_000}))
    assert "token:plot-req" in text
    assert "#" not in text and "rgb" not in text
