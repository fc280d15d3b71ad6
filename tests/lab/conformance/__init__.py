"""What judges of other makers say. Run by `make conformance`, which installs them; no part of `make test`."""
