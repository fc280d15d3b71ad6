"""docs/permissions.md says what the template says."""

from __future__ import annotations

from lab.testbed.iam.table import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run `make permissions`"


def test_every_condition_and_resource_is_shown_by_its_name() -> None:
    shown = page()
    assert "| `ec2:StopInstances` | `ec2:instance/${Ms1InstanceId}`<br>`ec2:instance/${Ms2InstanceId}` |" in shown
    assert "`route53:ChangeResourceRecordSetsActions` are all `CREATE` or `DELETE`" in shown
    assert "`ec2:prefix-list/*` of any account" in shown
    assert "all but `logs:log-group:/aws/lambda/${AWS::StackName}-*`" in shown
