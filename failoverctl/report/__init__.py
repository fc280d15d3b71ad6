"""What happened, as a page: drawn from a change of a deployed pair, and by the testbed from its runs."""
