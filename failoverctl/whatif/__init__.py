"""`failoverctl whatif`: what the watchdog observed, decided on once more, with these settings and with others."""

TAKEOVER_S = 60.0
"""Seconds of a takeover, from the decision until the other server serves, where nobody says otherwise."""
