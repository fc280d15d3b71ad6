"""Inputs from outside, by the thousand: a clear refusal or a right answer, never another error, never a changed pair.

The inputs are the same in every run, so that a failure can be looked into; `HYPOTHESIS_SEED_EACH_RUN=1` takes others.
"""
