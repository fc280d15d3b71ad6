"""Does what the event's action says."""

import json
import os
import time
from typing import Any

import boto3
from sample_layer import NAME  # type: ignore[import-not-found]

calls = 0


class CustomError(Exception):
    pass


def handler(event: dict[str, Any], context: Any) -> Any:
    global calls
    calls += 1
    action = event.get("action", "echo")
    if action == "sleep":
        time.sleep(event["seconds"])
    elif action == "fail":
        raise CustomError("as asked")
    elif action == "exit":
        os._exit(3)
    elif action == "environment":
        return dict(os.environ)
    elif action == "identity":
        return boto3.client("sts").get_caller_identity()["Arn"]
    elif action == "metric":
        about = {"Namespace": "Sample", "Dimensions": [["Server"]], "Metrics": [{"Name": "Failures"}]}
        entry = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [about]}}
        print(json.dumps({**entry, "Server": "ms1", "Failures": event.get("value", 1)}))
    return {"event": event, "calls": calls, "layer": NAME, "request": context.aws_request_id}
