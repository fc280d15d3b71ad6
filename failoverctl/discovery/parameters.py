"""The template's parameters: which of them an account can tell, and how the others are found.

Every parameter of the template is in exactly one of these tables; a test compares them with template.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass

MANDATORY = (
    "Ms1InstanceId",
    "Ms1Addresses",
    "Ms2InstanceId",
    "Ms2Addresses",
    "DatabaseHost",
    "DatabaseName",
    "HostedZoneId",
    "RecordName",
    "VpcId",
    "SubnetIds",
    "AdminTlsName",
)
"""Those that have no default: never guessed."""

FOUND = (
    *MANDATORY[:2],
    "Ms1HostNames",
    *MANDATORY[2:4],
    "Ms2HostNames",
    "DatabaseEngine",
    *MANDATORY[4:5],
    "DatabasePort",
    *MANDATORY[5:6],
    "DatabaseSecretArn",
    "DatabaseIamUser",
    "DatabaseResourceId",
    "DatabaseTls",
    "DatabaseKillWith",
    "DatabaseOtherPorts",
    "DatabaseNetworkAclIds",
    "DatabaseSubnetIds",
    "NetworkAclRuleNumber",
    *MANDATORY[6:],
)
"""Those that may be found, in the order of the file."""

LISTS = (
    "Ms1Addresses",
    "Ms1HostNames",
    "Ms2Addresses",
    "Ms2HostNames",
    "DatabaseOtherPorts",
    "DatabaseNetworkAclIds",
    "DatabaseSubnetIds",
    "SubnetIds",
    "SecondProbeSubnetIds",
)
"""Those that hold several values, separated by commas."""

HOW = {
    "Ms1InstanceId": "aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceId'",
    "Ms1Addresses": "ip -brief address (on the first server)",
    "Ms1HostNames": "hostname -f (on the first server)",
    "Ms2InstanceId": "aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceId'",
    "Ms2Addresses": "ip -brief address (on the second server)",
    "Ms2HostNames": "hostname -f (on the second server)",
    "DatabaseEngine": "--engine postgresql, mysql or oracle",
    "DatabaseHost": "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,Endpoint.Address]'",
    "DatabasePort": "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,Endpoint.Port]'",
    "DatabaseName": "psql --list (PostgreSQL), SHOW DATABASES (MySQL), lsnrctl services (Oracle); then --database-name",
    "DatabaseSecretArn": "aws secretsmanager list-secrets --query 'SecretList[].Name'; then --secret",
    "DatabaseIamUser": "--iam-user, in place of a secret",
    "DatabaseResourceId": "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,DbiResourceId]'",
    "DatabaseTls": "SHOW ssl (PostgreSQL), SHOW VARIABLES LIKE 'have_ssl' (MySQL), lsnrctl status (Oracle)",
    "DatabaseKillWith": "rds for MySQL and Oracle on RDS, engine for all others",
    "DatabaseOtherPorts": "ss -tln (on the database's host)",
    "DatabaseNetworkAclIds": "aws ec2 describe-network-acls --filters Name=association.subnet-id,Values=SUBNET",
    "DatabaseSubnetIds": "aws rds describe-db-subnet-groups --query 'DBSubnetGroups[].Subnets[].SubnetIdentifier'",
    "NetworkAclRuleNumber": "aws ec2 describe-network-acls --query 'NetworkAcls[].Entries[].RuleNumber'",
    "HostedZoneId": "aws route53 list-hosted-zones --query 'HostedZones[].[Name,Id]'",
    "RecordName": "--record: the name that the agents are configured with",
    "VpcId": "aws ec2 describe-instances --query 'Reservations[].Instances[].VpcId'",
    "SubnetIds": "aws ec2 describe-subnets --query 'Subnets[].[SubnetId,AvailabilityZone,AvailableIpAddressCount]'",
    "AdminTlsName": "openssl s_client -connect SERVER:443 </dev/null | openssl x509 -noout -ext subjectAltName",
}
"""The command that finds a parameter by hand."""

ASK = {
    "DatabaseKnownClients": "SELECT DISTINCT machine FROM v$session (Oracle): names that neither server ever has",
    "DatabasePathIsDirect": "yes, if you know it and the database shows names only (Oracle)",
    "Resolvers": "empty for the network's own name servers",
    "SecondProbeSubnetIds": "subnets in another zone than SubnetIds",
    "AdminPort": "ss -tlnp (on the active server): the administration interface",
    "AdminPath": "the page to be asked for",
    "AdminExpectedText": "a text in that page",
    "ManagementPort": "ss -tlnp (on the active server): what the agents connect to",
    "ServiceName": "systemctl list-units --type service (on the active server)",
    "PackageName": "rpm -qf or dpkg -S, with the service's program",
    "NotificationEmail": "who is notified",
}
"""What no API of AWS tells and the template has a default for."""

CHOICES = (
    "PairName",
    "DatabaseCaFile",
    "LateLoginSeconds",
    "RecordTtlSeconds",
    "AdminCaFile",
    "ProbeIntervalSeconds",
    "ProbeTimeoutSeconds",
    "FailureThreshold",
    "WatchStartsFailover",
    "WatchHoldsConnection",
    "AlarmPeriodSeconds",
    "AlarmPeriods",
    "RestartFirst",
    "AccessSettlesSeconds",
    "PowerPauseSeconds",
    "AuditActs",
    "StartCommand",
    "StopCommand",
    "StatusCommand",
    "StartLimitSeconds",
    "StatusLimitSeconds",
    "ReplicateSoftware",
    "ReplicationIntervalMinutes",
    "ReplicationLateSeconds",
    "ReplicationOldestSeconds",
    "OldestCopySeconds",
    "ReplicationMostRemovedPercent",
    "SoftwarePaths",
    "ConfigPath",
    "GameDaySchedule",
    "GameDayServesSeconds",
    "LogRetentionDays",
    "HistoryDays",
    "HistorySigningKeyArn",
    "RecoveryTargetSeconds",
    "ModeAlarmHours",
    "MaintenanceAlarmHours",
    "AcknowledgementAlarmHours",
)
"""What nobody finds, because it is decided; the template's defaults are a beginning."""


def parts(name: str, value: str) -> tuple[str, ...]:
    """The values of a parameter, in order; one, unless it is a list."""
    if name not in LISTS:
        return (value,)
    return tuple(each for part in value.split(",") if (each := part.strip()))


@dataclass(frozen=True)
class Value:
    """A parameter that was found.

    Args:
        name: in the template.
        value: as `sam deploy` takes it.
        why: where it comes from, for the file's comment.
        among: where it is a proposal and no fact, the parts that another choice may consist of; empty for any. None for
            a fact.
    """

    name: str
    value: str
    why: str
    among: frozenset[str] | None = None

    def is_met_by(self, other: str) -> bool:
        """Whether a value in the file is as good as this one; the order of a list does not count."""
        theirs = set(parts(self.name, other))
        if self.among is None:
            return theirs == set(parts(self.name, self.value))
        return not self.among or (bool(theirs) and theirs <= self.among)


@dataclass(frozen=True)
class Missing:
    """A parameter that was not found: why, how it is found, and whether the stack can't be deployed without it.

    `defaulted` where no API of AWS tells it, and the pair can do with the template's default.
    """

    name: str
    why: str
    how: str
    needed: bool
    defaulted: bool = False


@dataclass(frozen=True)
class Drift:
    """A parameter whose value in the file is not what the account shows."""

    name: str
    was: str
    now: str


ANY: frozenset[str] = frozenset()
"""Of a proposal: whatever else the file has is as good."""
