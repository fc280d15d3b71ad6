"""The adapters are tested on the same local AWS as the functions that call them."""

from __future__ import annotations

from tests.functions.conftest import answers, cloud, hosts, network, record, run, zone

__all__ = ["answers", "cloud", "hosts", "network", "record", "run", "zone"]
