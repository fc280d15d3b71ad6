"""Writes down that it was called."""

import json
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    print("called with " + json.dumps(event))
    if any(each["body"] == "fail" for each in event.get("Records", ())):
        raise ValueError("as the message asks")
    time.sleep(event.get("seconds", 0))
    return {"called": True}
