"""Runs of scenarios on a pair that may be broken: what a scenario does, how a run is judged, and the pair on AWS."""
