"""How long the finder needs for both signed tables, for the atlas, and for one answer."""

from __future__ import annotations

import statistics
import time

from trustlab.finder import atlas, find
from trustlab.passage import LADDER, LADDER13

GOALS = {"tls12_table_s": 1.0, "tls13_table_s": 10.0, "atlas_64_s": 3.0, "median_find_ms": 50.0}
NOTES = {
    "tls12_table_s": "a search for each group of attacks with the same powers, on each design on TLS 1.2",
    "tls13_table_s": "the same on TLS 1.3",
    "atlas_64_s": "64 client binders, each against a strict and a lax teller",
    "median_find_ms": "one search of the two tables",
}
SEARCHES_12 = (
    (("ca",), "pin", False),
    (("copy",), "pin", False),
    (("root-tpm",), "pin", False),
    (("ca",), "balance", False),
    (("ca", "lax-peer"), "balance", False),
)
SEARCHES_13 = (
    (("ca",), "pin", False),
    (("ca", "key-usable"), "pin", False),
    (("ca", "key-usable"), "pin", True),
    (("dh-known",), "pin", False),
    (("dh-known", "key-usable", "ca"), "agree", False),
    (("own-machine", "unpinned"), "peer", False),
    (("own-machine",), "peer", False),
)


def run() -> dict[str, float]:
    """Search both tables and the atlas once."""
    times: list[float] = []
    measured = {}
    for name, ladder, searches in (
        ("tls12_table_s", LADDER, SEARCHES_12),
        ("tls13_table_s", LADDER13, SEARCHES_13),
    ):
        before = len(times)
        for design in ladder:
            for powers, goal, replay in searches:
                began = time.perf_counter()
                find(design, powers, goal, replay=replay)
                times.append(time.perf_counter() - began)
        measured[name] = sum(times[before:])
    began = time.perf_counter()
    atlas()
    measured["atlas_64_s"] = time.perf_counter() - began
    measured["median_find_ms"] = statistics.median(times) * 1000
    return measured
