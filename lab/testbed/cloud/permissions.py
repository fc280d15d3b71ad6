"""IAM: a call made with a role's keys is held against the role's policies, with Resource and Condition.

Calls with other keys are the owner's own, who may do everything here. What roles called is remembered, each different
call once, for those who ask whether a policy allows too much (`python -m lab.testbed.iam.session`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError, _RESTError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model

from lab.testbed.cloud.account import arn, backend
from lab.testbed.cloud.patching import Patches
from lab.testbed.iam.calls import UnknownCall, call_of
from lab.testbed.iam.policies import Call, Decision, Statement, decide, statements_of


@dataclass(frozen=True)
class Seen:
    """A call by a role, and whether it was allowed."""

    role: str
    call: Call
    allowed: bool
    sentence: str


class Permissions:
    """Checks every call before moto answers it."""

    def __init__(self) -> None:
        self._roles: dict[str, str] = {}
        self._read: dict[tuple[str, ...], tuple[Statement, ...]] = {}
        self._seen: dict[str, Seen] = {}
        self._lock = threading.Lock()
        self.exempt: tuple[str, ...] = ()
        """How names of roles begin that are held to nothing: a sample's in a test, whose calls are not known here."""

    @property
    def seen(self) -> list[Seen]:
        """What roles have called so far, each different call once."""
        with self._lock:
            return list(self._seen.values())

    def install(self, patches: Patches) -> None:
        def authorize(response: Any, resource: str = "*") -> None:
            role = self._role_of(response.access_key)
            if role is None or role.startswith(self.exempt):
                before(response, resource)
                return
            self._demand(role, response)

        before = patches.put(
            ActionAuthenticatorMixin,
            "_authenticate_and_authorize_normal_action",
            authorize,
            why="moto reads actions only, and takes the operation's name for the action's (lambda:Invoke)",
        )

    def statements(self, role: str) -> tuple[Statement, ...]:
        """What a role's policies say, those of its own and those attached to it."""
        iam = backend("iam")
        documents = [json.dumps(iam.get_role_policy(role, name)[1]) for name in iam.list_role_policies(role)]
        attached, _ = iam.list_attached_role_policies(role)
        documents += [version.document for each in attached for version in each.versions if version.is_default]
        key = tuple(documents)
        if key not in self._read:
            self._read[key] = tuple(each for text in documents for each in statements_of(_plain(text)))
        return self._read[key]

    def _role_of(self, access_key: str) -> str | None:
        if access_key not in self._roles:
            found = next((each for each in backend("sts").assumed_roles if each.access_key_id == access_key), None)
            if found is None:
                return None
            self._roles[access_key] = str(found.role_arn).rsplit("/", 1)[-1]
        return self._roles[access_key]

    def _demand(self, role: str, response: Any) -> None:
        service, operation = response.boto3_service_name, response._get_action()
        if (service, operation) == ("sts", "GetCallerIdentity"):
            return  # it needs no permission, and none can take it away (STS API reference)
        try:
            call = call_of(service, operation, _parameters(response), arn)
            decision = decide(self.statements(role), call)
        except UnknownCall as error:
            call, decision = Call(f"{service}:{operation}"), Decision(False, str(error))
        self._remember(role, call, decision)
        if not decision.allowed:
            raise _denied(service, f"{role} is not authorized: {decision.sentence}")

    def hold(self, role: str, call: Call) -> bool:
        """Whether a role may make a call that a service makes for it."""
        if role.startswith(self.exempt):
            return True
        decision = decide(self.statements(role), call)
        self._remember(role, call, decision)
        return decision.allowed

    def _remember(self, role: str, call: Call, decision: Decision) -> None:
        seen = Seen(role, call, decision.allowed, decision.sentence)
        with self._lock:
            self._seen[repr(seen)] = seen


def _parameters(response: Any) -> Mapping[str, Any]:
    """The operation's parameters, whatever the protocol they came by."""
    request = response.normalized_request
    model = get_service_model(response.boto3_service_name)
    protocol = determine_request_protocol(model, request.content_type)
    parser = PROTOCOL_PARSERS[protocol](model.operation_model(response._get_action()), map_type=dict)
    parsed = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": response.uri_match,
        }
    )
    return {**response.uri_match, **parsed}


def _plain(text: str) -> dict[str, Any]:
    document = json.loads(text)
    plain: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
    return plain


def _denied(service: str, message: str) -> Exception:
    """The refusal in the words of the service: their codes differ, and the functions tell them apart by these."""
    codes = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "route53": "AccessDenied"}
    kind = _RESTError if service in codes else JsonRESTError
    refusal = kind(codes.get(service, "AccessDeniedException"), message)
    refusal.code = 403
    if service == "route53":  # moto's own shape of an error is of another protocol
        error = f"<Error><Type>Sender</Type><Code>{codes[service]}</Code><Message>{escape(message)}</Message></Error>"
        refusal.description = f"<ErrorResponse>{error}</ErrorResponse>"
    return refusal  # type: ignore[no-any-return]
