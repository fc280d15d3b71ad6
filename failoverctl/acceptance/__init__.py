"""Runs of scenarios on a pair that may be broken: what a scenario does, how a run is judged, and the pair on AWS."""

NAMES = ("switchover", "crash", "hang", "partition", "reboot", "stop", "duplicate", "wrong-hand")
"""The scenarios (trials.py), for the command line, which does not wait for the import of all that they need."""
