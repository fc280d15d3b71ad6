"""The KMS key that signs the history, where the owner gives one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msfailover.signatures import ALGORITHM, Signature


def sign(client: Any, key: str, unsigned: Signature) -> Signature:
    """The signature, made with the key: over the message itself, which is far below the 4,096 bytes that Sign takes.

    Args:
        client: KMS.
        key: the ARN of an asymmetric key for signing, of the kind ECC_NIST_P256.

    Raises:
        botocore.exceptions.ClientError: KMS refused.
    """
    message = {"Message": unsigned.message, "MessageType": "RAW", "SigningAlgorithm": ALGORITHM}
    return replace(unsigned, signature=bytes(client.sign(KeyId=key, **message)["Signature"]))
