"""Writes down that it was called."""

import json
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    print("called with " + json.dumps(event))
    time.sleep(event.get("seconds", 0))
    return {"called": True}
