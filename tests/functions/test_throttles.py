"""A throttle that outlasts the SDK's own tries has a name of its own, and the workflow tries the whole step again."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters import clients
from msfailover.adapters.clients import THROTTLES, Throttled

from tests.functions.conftest import Start
from tests.functions.wire import Failure, Wire
from tests.state_machine.definition import Place, definition, places
from tests.state_machine.test_shape import CALLS, by_path


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "Throttling", "ThrottlingException"])
def test_a_throttle_is_raised_under_a_name_of_its_own(cloud: None, code: str) -> None:
    assert code in THROTTLES
    parsed = {"Error": {"Code": code, "Message": "too many"}, "ResponseMetadata": {}}
    with pytest.raises(Throttled, match=code) as raised:
        clients._name_throttles(parsed, clients.ec2().meta.service_model.operation_model("DescribeInstances"))
    assert isinstance(raised.value, ClientError), "whoever knows what to do with an error of AWS still does"


def test_it_is_raised_by_a_client_when_its_own_tries_are_over(cloud: None) -> None:
    emitted = clients.ec2().meta.events.emit
    with pytest.raises(Throttled):
        emitted(
            "after-call.ec2.DescribeInstances",
            http_response=None,
            parsed={"Error": {"Code": "RequestLimitExceeded", "Message": ""}, "ResponseMetadata": {}},
            model=clients.ec2().meta.service_model.operation_model("DescribeInstances"),
            context={},
        )


def test_any_other_refusal_stays_what_it_is(cloud: None) -> None:
    parsed = {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}, "ResponseMetadata": {}}
    clients._name_throttles(parsed, None)


BEST_EFFORT = ("AskSourceToStop", "FollowRecord", "AskForCopy")


@pytest.mark.parametrize("place", CALLS, ids=by_path)
def test_every_step_that_asks_a_function_is_tried_again_when_it_was_throttled(place: Place) -> None:
    retried = [error for retry in place.body.get("Retry", ()) for error in retry["ErrorEquals"]]
    name = place.path.rsplit("/", 1)[-1]
    assert name in BEST_EFFORT or {"Throttled", "States.ALL"} & set(retried)


def test_a_throttled_question_to_the_standby_is_no_answer_about_it(run: Start, cloud: None) -> None:
    """Taken for *unknown* it would block a failover that another try a moment later lets go ahead."""

    def refuse(_: object) -> None:
        raise Failure("ThrottlingException")

    server = run("server")
    with Wire(clients.ssm(), "ssm", {"SendCommand": refuse}), pytest.raises(Throttled):
        server.handler({"action": "check_standby", "server": "ms2", "execution": "x"}, None)


def test_operators_are_notified_though_the_topic_is_throttled_for_some_seconds() -> None:
    (notify,) = [place for place in places(definition()) if place.name == "Notify"]
    (retry,) = notify.body["Retry"]
    waits = [retry["IntervalSeconds"] * retry["BackoffRate"] ** number for number in range(retry["MaxAttempts"])]
    assert sum(waits) >= 10


def test_the_copy_of_the_new_direction_is_asked_for_once_the_change_is_written_and_waited_for_by_nothing() -> None:
    by_name = {place.name: place.body for place in places(definition())}
    asked = by_name["AskForCopy"]
    following = {name: body["Next"] for name, body in by_name.items() if name in ("Commit", "FollowRecord")}
    assert following == {"Commit": "FollowRecord", "FollowRecord": "MustAskForCopy"}
    assert asked["Arguments"]["InvocationType"] == "Event"
    assert [catch["ErrorEquals"] for catch in asked["Catch"]] == [["States.ALL"]]
    assert asked["Catch"][0]["Next"] == asked["Next"] == "Notify"
