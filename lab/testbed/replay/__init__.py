"""Runs a change of a deployed pair once more, on the testbed and by today's code, and says where its path differs."""
