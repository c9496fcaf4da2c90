"""Checks the JSON of `fake --profile -p 12 -n 3 --peak 2` (chunk 8): check_profile.py FILE. What must hold: every
operation once, with the bytes and operations that follow from the fake description, and times that add up to the
phases' durations."""
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    profile = json.load(file)
prefill, decode = profile["phases"]
assert profile["threads"] == 2 and profile["peak_operations_per_second"] == 2e9
assert all(rate > 0 for rate in profile["read_bytes_per_second"])
for phase in (prefill, decode):
    spent = sum(op["seconds"] for op in phase["operations"])
    assert abs(spent + phase["outside_seconds"] - phase["seconds"]) < 1e-6, phase
    assert phase["outside_seconds"] >= 0, phase
    assert all(0 < op["wait_seconds"] < op["seconds"] for op in phase["operations"]), phase
    assert all(op["roofline_fraction"] > 0 for op in phase["operations"]), phase

# Chunks of 8 and 4 tokens at positions 0 and 8; their last rows see 8 and 12 positions, their rows 36 and 42 together.
hashes, head = prefill["operations"]
assert (hashes["calls"], hashes["rows"]) == (2, 12), hashes
assert hashes["bytes"] == 2 * 2000 + 12 * 200 + (8 + 12) * 20, hashes
assert hashes["operations"] == 12 * 60 + (36 + 42) * 6, hashes
assert (head["calls"], head["rows"], head["what"]) == (1, 1, '3 "x" 3'), head
assert abs(prefill["barriers_per_token"] - 3 / 12) < 1e-3, prefill

# Three tokens at positions 0, 1, 2.
(step,) = decode["operations"]
assert (step["calls"], step["rows"]) == (3, 3), step
assert step["bytes"] == 3 * 1000 + 3 * 100 + (1 + 2 + 3) * 10, step
assert step["operations"] == 3 * 50 + (1 + 2 + 3) * 4, step
assert abs(decode["barriers_per_token"] - 1) < 1e-3, decode
