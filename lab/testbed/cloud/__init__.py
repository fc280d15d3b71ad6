"""The cloud on this machine: moto with what moto lacks, so that the template that deploys to AWS also runs here.

`cloud.Cloud` is all of it; one at a time in a process, since moto's state is the process's. Every change to moto is a
`patching.Patch` that says why. Where this cloud knowingly differs from AWS:

- Security groups are checked for IPv4 and for what comes in; IPv6 and egress are not applied to the testbed's network.
- Roles' policies are enforced, with resources and conditions; policies of resources, and who may take on a role, are
  not looked at.
- A function's memory is not limited, and its process is not frozen between calls.
- Asynchronous calls are tried again on errors as on AWS, but have no destinations or dead-letter queues.
- Alarms on metric math and composite alarms are refused aloud. CloudWatch reads some points more than it evaluates,
  without saying how many; here they are two.
- A schedule's first firing comes half a second after it is made, and schedules of a `cron` take numbers, no names.
- A stack that fails to deploy is not rolled back: begin again with a new cloud.
"""
