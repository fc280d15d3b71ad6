"""Stand-in for the AWS CLI on a host of a demo pair: a call with its options, one value of its answer as text.

aws secretsmanager get-secret-value --secret-id ARN --query SecretString --output text
"""

from __future__ import annotations

import sys

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session


def main(endpoint: str, service: str, operation: str, *options: str) -> int:
    given = dict(zip((each.removeprefix("--") for each in options[::2]), options[1::2], strict=True))
    query = given.pop("query")
    if given.pop("output") != "text":
        raise SystemExit("stand-in aws: only --output text")
    session = Session()
    session.set_credentials("host", "host")
    client = session.create_client(service, endpoint_url=endpoint, config=Config(read_timeout=10))
    call = getattr(client, operation.replace("-", "_"))
    try:
        found = call(**{_camel(name): value for name, value in given.items()})
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 254
    for name in query.split("."):
        found = found[name]
    sys.stdout.write(f"{found}\n")
    return 0


def _camel(name: str) -> str:
    return "".join(each.capitalize() for each in name.split("-"))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
