"""`failoverctl whatif`: what the watchdog observed, decided on once more, with these settings and with others."""
