"""Each benchmark runs in a tiny form, so that it cannot rot; what it measures then means nothing."""

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from bench import report

CLOCKS = ("--conversations", "12", "--database", "sqlite")


def program(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"bench.{name}", *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, cwd=settings.BASE_DIR, check=False
    )


def run(name: str, *options: str, fails: bool = False) -> dict[str, Any]:
    """What its last line says; a control has to fail."""
    done = program(name, "--json", *options)
    assert done.returncode == int(fails), done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.interop
def test_the_codec_is_measured_beside_the_official_library_and_the_floor() -> None:
    found = run("codec", "--rounds", "1", "--seconds", "0.01")
    for name in ("read_ratio", "write_ratio", "read_over_floor"):
        for size in ("1x1", "3x96"):
            assert found[f"{name}_{size}"] > 0


def test_the_expiry_sweep_is_measured_on_sqlite() -> None:
    found = run("expire", "--offers", "400", "200", "--due", "20", "--no-postgresql")
    assert found["seconds_1m_sqlite"] > 0
    assert found["seconds_100k_sqlite"] > 0


@pytest.mark.postgres
def test_pages_are_timed_and_their_queries_do_not_grow_with_the_rows() -> None:
    found = run("pages", "--offers", "600", "--few", "200", "--times", "1", "--every", "15")
    assert found["pages"] > 10
    assert found["worst_p95_ms"] > 0
    assert found["pages_with_more_queries"] == 0, found["more_queries"]


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.interop
def test_taking_in_is_measured_beside_the_official_service_until_the_answer_is_delivered() -> None:
    options = ("--seconds", "0.3", "--rounds", "1", "--processes", "1", "--sizes", "1x1")
    found = run("ingest", *options)
    assert found["per_second_1x1"] > 0
    assert found["answered_per_second_1x1"] > 0
    assert found["ratio_1x1"] > 0
    assert found["refused_1x1"] == 0


def test_the_footprint_of_the_demo_is_measured() -> None:
    found = run("footprint", "--settle", "0", "--seconds", "1")
    assert found["pss_mb"] > 0
    assert {"supervisor", "web", "worker"} <= {process["name"] for process in found["processes"]}


@pytest.mark.interop
def test_keys_change_under_load_towards_a_peer_of_the_specification_and_the_official_library() -> None:
    assert run("people.g38", "--messages", "30")["held"]


def test_a_clock_is_set_back_in_the_middle_of_trade() -> None:
    found = run("faults.g24", *CLOCKS)
    assert found["closed"] == 12 and found["closed_before"] < 12


@pytest.mark.control
def test_a_clock_that_is_set_back_stops_who_trusts_its_old_times() -> None:
    assert not run("faults.g24", *CLOCKS, "--patience", "8", "--weak", "timeless", fails=True)["finished"]


def test_the_fuzzer_runs_or_says_what_it_needs() -> None:
    if importlib.util.find_spec("atheris"):
        assert program("fuzz.decode", "-runs=50").returncode == 0
    else:
        assert "pip install atheris" in program("fuzz.decode").stderr


def test_a_table_stands_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    report.table(["page", "ms"], [["/", 1.5], ["/offers/", 120.25]])
    assert capsys.readouterr().out == "page         ms\n/         1.500\n/offers/  120.2\n\n"


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert report.percentile([5.0, 1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert report.percentile([float(n) for n in range(100)], 0.95) == 95.0
    assert report.percentile([7.0], 0.95) == 7.0
