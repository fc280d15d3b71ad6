"""The diagram of the workflow is the definition's, whole and as it is now."""

from __future__ import annotations

import re

import pytest

from lab.setup.diagram import BEGIN, END, PAGE, diagram, page
from tests.state_machine.definition import definition, places, targets


def test_the_page_has_the_diagram_of_this_definition() -> None:
    assert page(PAGE.read_text()) == PAGE.read_text(), "make diagram writes it anew"


def test_every_state_is_drawn_once_and_leads_where_it_does() -> None:
    lines = [line.strip() for line in diagram(definition())]
    for place in places(definition()):
        nodes = [line for line in lines if re.match(rf'(subgraph {place.name}$|{place.name}["\\[({{>]+)', line)]
        assert len(nodes) == 1, place.path
        led = {line.rsplit(" ", 1)[-1] for line in lines if line.startswith(f"{place.name} -")}
        assert led == set(targets(place.body)), place.path


def test_an_error_s_way_is_dotted_and_named() -> None:
    assert "  StopSource -.->|error| FallBack" in diagram(definition())
    assert "  StopSource --> Fence" in diagram(definition())


def test_what_a_step_waits_for_by_trying_again_is_written_in_it() -> None:
    (written,) = [line for line in diagram(definition()) if line.startswith("  CheckServing[")]
    assert written == '  CheckServing["CheckServing<br/>again, 29 times at most: NotServingYet"]'


def test_what_mermaid_would_read_as_its_own_is_written_as_an_entity() -> None:
    choice = {"Condition": '{% $tries < ${Most} and $why = "a" %}', "Next": "Again"}
    machine = {"StartAt": "Again", "States": {"Again": {"Type": "Choice", "Choices": [choice], "Default": "Again"}}}
    assert '  Again -->|"tries #lt; Most and why = #quot;a#quot;"| Again' in diagram(machine)


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_a_page_without_a_place_for_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no lines"):
        page(text)
