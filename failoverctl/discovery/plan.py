"""From what was found to parameters: each with the reason why, and each that was not found with the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msfailover.text import clean

from failoverctl.discovery import network, parameters
from failoverctl.discovery.facts import Database, Facts, Host
from failoverctl.discovery.parameters import ANY, Drift, Missing, Value

SELDOM = ("DatabaseSecretArn", "DatabaseIamUser", "DatabaseResourceId", "DatabaseOtherPorts", "NetworkAclRuleNumber")
"""What is missed only together with another one, or not at all."""
_DEFAULT = "the template's default holds"
"""Why a parameter is not found that no API of AWS tells and the pair can do without."""


def values(facts: Facts) -> list[Value]:
    """Every parameter that is known, in the order of the file."""
    found = {each.name: each for each in _found(facts) if each.value}
    return [found[name] for name in parameters.FOUND if name in found]


def missing(facts: Facts, known: list[Value], in_file: Mapping[str, str]) -> list[Missing]:
    """What neither the account nor the file tells. The mandatory ones come first."""
    there = {each.name for each in known} | {name for name, value in in_file.items() if value}
    lacking = [name for name in parameters.FOUND if name not in there]
    logs_in = bool(there & {"DatabaseSecretArn", "DatabaseIamUser"})
    told = [
        Missing(name, _why_not(facts, name), parameters.HOW[name], name in parameters.MANDATORY)
        for name in lacking
        if name not in SELDOM and (name != "DatabaseSubnetIds" or not facts.database or facts.database.kind != "ec2")
    ]
    asked = {name: how for name, how in parameters.ASK.items() if name not in in_file}
    told += [Missing(name, _DEFAULT, how, needed=False, defaulted=True) for name, how in asked.items()]
    if not logs_in:
        told.append(Missing("DatabaseSecretArn", _no_login(facts), parameters.HOW["DatabaseSecretArn"], needed=True))
    if not facts.engine and "DatabaseEngine" not in in_file:
        told = [each for each in told if each.name != "DatabaseEngine"]
        told.append(
            Missing("DatabaseEngine", _why_not(facts, "DatabaseEngine"), parameters.HOW["DatabaseEngine"], True)
        )
    return sorted(told, key=lambda each: not each.needed)


def drift(known: list[Value], in_file: Mapping[str, str]) -> list[Drift]:
    """What the file says otherwise than the account, for parameters that the file has."""
    return [
        Drift(each.name, in_file[each.name], each.value)
        for each in known
        if each.name in in_file and not each.is_met_by(in_file[each.name])
    ]


def _found(facts: Facts) -> Iterator[Value]:
    for host in facts.hosts:
        yield from _of_host(host)
    given = facts.wanted.given
    if facts.database is not None:
        yield from _of_database(facts, facts.database)
    elif facts.engine:
        yield Value("DatabaseEngine", facts.engine, "as given")
    yield from _login(facts)
    yield from network.acl_values(facts)
    zone = facts.zone()
    if zone is not None:
        kind = "private" if zone.private else "public"
        yield Value("HostedZoneId", zone.zone_id, f"the {kind} zone {zone.name}")
    yield Value("RecordName", facts.wanted.record, "as given")
    yield Value("VpcId", facts.vpc, "the servers' network")
    subnets = tuple(dict.fromkeys(subnet for host in facts.hosts for subnet in host.subnets[:1]))
    if subnets and facts.vpc and all(host.subnets for host in facts.hosts):
        zones = ", ".join(sorted({facts.subnets[each].zone for each in subnets if each in facts.subnets}))
        local = frozenset(each.subnet_id for each in facts.subnets.values() if each.vpc == facts.vpc)
        why = f"the servers' own ({zones}): functions there reach what they reach"
        yield Value("SubnetIds", ",".join(subnets), why, local)
    if given.get("AdminTlsName"):
        yield Value("AdminTlsName", given["AdminTlsName"], "as given")


def _of_host(host: Host) -> Iterator[Value]:
    place = host.role.value.capitalize()
    state = host.instance.state if host.instance else "a managed instance" if host.managed and host.agent else ""
    if not state:
        return
    named = f", tag Name {clean(host.name, 40)}" if host.name else ""
    yield Value(f"{place}InstanceId", host.instance_id, f"{state}{named}")
    how = "as its agent reports it; add its other addresses" if host.managed else "every private address EC2 knows"
    yield Value(f"{place}Addresses", ",".join(host.addresses), how, ANY if host.managed else None)
    computer = host.agent.computer.lower().strip(".") if host.agent else ""
    if re.fullmatch(r"[a-z0-9_.-]{1,250}", computer):
        names = dict.fromkeys((computer.partition(".")[0], computer))
        yield Value(f"{place}HostNames", ",".join(names), "as its agent reports it", ANY)


def _of_database(facts: Facts, database: Database) -> Iterator[Value]:
    given, engine, on_rds = facts.wanted.given, facts.engine, database.kind != "ec2"
    source = f"{'RDS cluster' if database.kind == 'cluster' else 'RDS'} {database.id}" if on_rds else database.id
    if engine:
        by_port = not on_rds and "DatabaseEngine" not in given
        why = f"whose port {database.port} is; --engine says otherwise" if by_port else database.engine or "as given"
        yield Value("DatabaseEngine", engine, why, ANY if by_port else None)
    if database.copy_of:
        return  # the writer is another one
    yield Value("DatabaseHost", database.host, f"{source}, the writer's endpoint" if on_rds else source)
    port = database.tls_port or database.port
    yield Value("DatabasePort", str(port or ""), "its option SSL" if database.tls_port else source)
    others = ",".join(str(each) for each in _other_ports(database) if engine == "oracle")
    yield Value("DatabaseOtherPorts", others, "RDS Oracle listens there without TLS")
    name = given.get("DatabaseName") or database.name
    why = "as given" if given.get("DatabaseName") else "the database that RDS made first"
    if engine == "oracle" and not given.get("DatabaseName"):
        why = "its SID, which is its service name unless changed (lsnrctl services)"
    yield Value("DatabaseName", name, why, None if given.get("DatabaseName") else ANY)
    if on_rds and engine:
        ends = "rds" if engine != "postgresql" else "engine"
        yield Value("DatabaseKillWith", ends, "what RDS lets a monitoring role use", None)
    yield from _tls(database, engine)


def _tls(database: Database, engine: str) -> Iterator[Value]:
    if engine == "oracle" and database.options:
        clear = not database.tls_port if database.kind == "rds" else database.port == 1521
        if clear:
            yield Value("DatabaseTls", "off", "this port speaks no TLS")
        elif database.tls_port or database.port == 2484:
            yield Value("DatabaseTls", "verify", "this port speaks TLS")
    elif database.kind != "ec2" and engine in ("postgresql", "mysql"):
        yield Value("DatabaseTls", "verify", "RDS offers TLS on its port; its bundle is the authority", ANY)


def _other_ports(database: Database) -> tuple[int, ...]:
    """Ports beside the parameter's that only this database has; the template knows the engine's own."""
    odd = database.tls_port and (database.port not in (1521, 2484))
    return tuple(dict.fromkeys((database.port, 1521, 2484))) if odd else ()


def _login(facts: Facts) -> Iterator[Value]:
    given, database = facts.wanted.given, facts.database
    user = given.get("DatabaseIamUser", "")
    if user and not facts.wanted.secret:
        yield Value("DatabaseIamUser", user, "as given; IAM tokens in place of a secret")
        if database and database.resource_id:
            yield Value("DatabaseResourceId", database.resource_id, "what the tokens are good for")
        return
    if len(facts.secrets or ()) == 1 and facts.secrets:
        (secret,) = facts.secrets
        why = "as given" if facts.wanted.secret else "the only secret with ms-failover in its name"
        yield Value("DatabaseSecretArn", secret.arn, why, None if facts.wanted.secret else ANY)


def _no_login(facts: Facts) -> str:
    database = facts.database
    if facts.secrets is None:
        why = "the secrets could not be read"
    elif facts.secrets:
        named = ", ".join(each.name for each in facts.secrets[:5])
        why = f"several secrets speak for themselves by name ({named}): --secret says which"
    elif facts.wanted.secret:
        why = f"there is no secret {facts.wanted.secret}"
    else:
        why = "no secret has ms-failover in its name; docs/databases.md says what the role needs"
    if database and database.iam and facts.engine in ("postgresql", "mysql"):
        why += ". IAM authentication is on: --iam-user does without a secret"
    return why


def _why_not(facts: Facts, name: str) -> str:
    """Why a parameter was not found, in a few words."""
    place = next((each for each in facts.hosts if name.startswith(each.role.capitalize())), None)
    if place is not None:
        return _why_no_host(place, name)
    if name.startswith("Database") and name not in ("DatabaseNetworkAclIds", "DatabaseSubnetIds"):
        return _why_no_database(facts, facts.database, name)
    if name in ("DatabaseNetworkAclIds", "DatabaseSubnetIds"):
        return network.why_no_acls(facts).rstrip(".")
    if name == "HostedZoneId":
        return _why_no_zone(facts)
    if name == "AdminTlsName":
        return "no API of AWS tells whom the certificate is for: --admin-tls-name"
    return "the servers are in no network, or in two" if name in ("VpcId", "SubnetIds") else "it was not given"


def _why_no_host(host: Host, name: str) -> str:
    if name.endswith("HostNames"):
        return "Systems Manager knows no agent there" if host.asked else "Systems Manager could not be asked"
    if host.instance is None and not host.managed:
        return f"EC2 knows no instance {host.instance_id} here"
    return f"{host.instance_id} has no address that is known"


def _why_no_database(facts: Facts, database: Database | None, name: str) -> str:
    if database is None:
        return f"there is no database {facts.wanted.database or 'given'} here: --database"
    if database.copy_of:
        return f"{database.id} is a read replica of {database.copy_of}: give the writer"
    if name in ("DatabaseHost", "DatabasePort"):
        return f"{database.id} has no endpoint yet"
    if name == "DatabaseEngine" and database.engine:
        return f"{database.engine} is no engine that sessions can be listed of"
    if name == "DatabaseEngine":
        return f"port {database.port} is no engine's own: --engine"
    if name == "DatabaseName":
        where = "RDS made no first database" if database.kind != "ec2" else "no API of AWS knows it"
        return f"{where}: --database-name"
    return "no API of AWS tells"


def _why_no_zone(facts: Facts) -> str:
    if facts.zones is None:
        return "the hosted zones could not be read"
    unseen = [each.zone_id for each in facts.zones if not each.seen]
    seen = [each.zone_id for each in facts.zones if each.seen]
    if len(seen) > 1:
        return f"several zones of that name exist ({', '.join(seen)}); delegation decides which counts"
    if unseen:
        return f"the private zone {unseen[0]} is not associated with the servers' network"
    return f"no hosted zone of this account holds {facts.wanted.record or 'the record'}"
