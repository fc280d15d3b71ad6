"""Made-up accounts with something in the way: init names each, and says whether the pair can work at all."""

from __future__ import annotations

import re

import pytest

from tests.failoverctl.discovery.conftest import Init
from tests.failoverctl.discovery.made_up import MadeUp
from tests.failoverctl.pages import ROOT


def test_no_agent_no_profile_and_no_way_to_systems_manager(account: MadeUp, init: Init) -> None:
    account.rds_database()
    del account.agents[account.servers["ms1"]]
    account.agents[account.servers["ms2"]]["PingStatus"] = "ConnectionLost"
    found = init()
    assert (found.code, found.blocking) == (1, ["no-agent", "agent-offline"])
    said = found.about("no-agent")
    assert "AmazonSSMManagedInstanceCore" in said
    assert "the endpoints ssm, ssmmessages are not all there" in said
    assert "Ms1HostNames" not in found.parameters
    assert found.needed == [], "the template has a default for the host names"


def test_managed_instances_outside_ec2(account: MadeUp, init: Init) -> None:
    account.rds_database()
    for number, role in ((1, "ms1"), (2, "ms2")):
        instance = f"mi-{number:017x}"
        agent = {"InstanceId": instance, "PingStatus": "Online", "PlatformType": "Linux", "ComputerName": role}
        account.agents[instance] = {**agent, "IPAddress": f"192.168.7.{number}"}
        account.servers[role] = instance
    found = init()
    assert (found.parameters["Ms1Addresses"], found.parameters["Ms2Addresses"]) == ("192.168.7.1", "192.168.7.2")
    assert found.parameters["VpcId"] == account.vpc, "the database's, for theirs is none"
    assert (found.code, found.needed) == (1, ["SubnetIds"])


def test_stop_protection_an_auto_scaling_group_and_a_spot_instance(account: MadeUp, init: Init) -> None:
    account.rds_database()
    ms1 = account.servers["ms1"]
    account.ec2.modify_instance_attribute(InstanceId=ms1, DisableApiStop={"Value": True})
    account.servers["ms2"] = account.server(
        "ms2", "servers-b", "10.0.2.11", InstanceMarketOptions={"MarketType": "spot"}
    )
    account.ec2.create_tags(
        Resources=[account.servers["ms2"]], Tags=[{"Key": "aws:autoscaling:groupName", "Value": "tectia"}]
    )
    found = init()
    assert found.obstacles == ["stop-protection", "auto-scaling", "spot"]
    assert f"--no-disable-api-stop --instance-id {ms1}" in found.about("stop-protection")
    assert found.code == 0, "they lessen the pair: database and network still prove a fence"


def test_the_same_server_twice(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.servers["ms2"] = account.servers["ms1"]
    found = init()
    assert (found.code, found.blocking) == (1, ["same-server"])


def test_servers_in_two_networks_and_a_database_that_is_reached_through_nat(account: MadeUp, init: Init) -> None:
    account.rds_database()
    other = account.network("10.9.0.0/16")
    account.subnets["other"] = account.subnet("10.9.1.0/24", "a", other)
    account.groups["servers"] = account.group("elsewhere", other)
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = account.ec2.create_nat_gateway(SubnetId=account.subnets["other"], AllocationId=address)["NatGateway"]
    tables = account.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [other]}])["RouteTables"]
    account.ec2.create_route(
        RouteTableId=tables[0]["RouteTableId"],
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=gateway["NatGatewayId"],
    )
    account.servers["ms2"] = account.server("ms2", "other", "10.9.1.10")
    found = init()
    assert (found.code, found.blocking) == (1, ["two-networks"])
    assert "nat" in found.obstacles
    assert gateway["NatGatewayId"] in found.about("nat")
    assert found.needed == ["HostedZoneId", "VpcId", "SubnetIds"], "which network is the pair's is not known"


def test_a_database_that_no_route_leads_to(account: MadeUp, init: Init) -> None:
    account.rds_database()
    other = account.network("10.9.0.0/16")
    account.subnets["other"] = account.subnet("10.9.1.0/24", "a", other)
    account.groups["servers"] = account.group("elsewhere", other)
    account.servers["ms1"] = account.server("ms1", "other", "10.9.1.10")
    account.servers["ms2"] = account.server("ms2", "other", "10.9.1.11")
    found = init()
    assert set(found.blocking) == {"no-route", "no-secret-endpoint"}
    assert found.code == 1


def test_an_rds_proxy_beside_the_database(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.rds.create_db_proxy(
        DBProxyName="pooled",
        EngineFamily="POSTGRESQL",
        Auth=[{"SecretArn": account.secret}],
        RoleArn="arn:aws:iam::123456789012:role/proxy",
        VpcSubnetIds=[account.subnets["database-a"], account.subnets["database-b"]],
    )
    account.rds.register_db_proxy_targets(DBProxyName="pooled", DBInstanceIdentifiers=["tectia"])
    found = init()
    assert (found.code, found.obstacles) == (0, ["proxy"])
    assert "RDS Proxy pooled" in found.about("proxy")


def test_a_read_replica_is_not_the_database(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="tectia")
    found = init("copy")
    assert "read-replica" in found.blocking
    assert (found.code, found.needed) == (1, ["DatabaseHost", "DatabaseName"])


def test_an_engine_whose_sessions_nobody_can_list(account: MadeUp, init: Init) -> None:
    account.rds_database(engine="sqlserver-ex", Port=1433, DBName="")
    found = init()
    assert "engine" in found.blocking
    assert "DatabaseEngine" in found.needed


def test_a_database_that_is_not_there(account: MadeUp, init: Init) -> None:
    found = init("nowhere")
    assert (found.code, found.needed) == (1, ["DatabaseHost", "DatabaseName", "DatabaseEngine"])
    assert [each["why"] for each in found.json["missing"] if each["name"] == "DatabaseHost"] == [
        "there is no database nowhere here: --database"
    ]


def test_a_server_that_is_not_there(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.servers["ms2"] = "i-0123456789abcdef0"
    found = init()
    assert found.code == 1
    assert found.needed == ["Ms2InstanceId", "Ms2Addresses", "SubnetIds"]


def test_no_endpoint_of_secrets_manager_and_a_new_account_s_limit_of_functions(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.limit = 10
    (endpoint,) = account.ec2.describe_vpc_endpoints()["VpcEndpoints"]
    account.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    found = init()
    assert (found.code, found.obstacles) == (1, ["no-secret-endpoint", "concurrency"])
    assert found.blocking == ["no-secret-endpoint"]


def test_a_secret_that_was_named_and_is_not_there(account: MadeUp, init: Init) -> None:
    account.rds_database()
    found = init("tectia", "--secret", "another")
    assert (found.code, found.needed) == (1, ["DatabaseSecretArn"])
    assert found.blocking == ["no-secret"]


def test_several_secrets_whose_names_speak_for_themselves_are_no_choice(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.secrets.create_secret(Name="ms_failover-of-another-pair", SecretString="{}")
    found = init()
    assert (found.code, found.needed) == (1, ["DatabaseSecretArn"])


def test_five_groups_in_front_of_the_database_leave_no_room(account: MadeUp, init: Init) -> None:
    groups = [account.group(f"group-{number}") for number in range(5)]
    account.rds_database(VpcSecurityGroupIds=groups)
    found = init()
    assert (found.code, found.obstacles) == (0, ["groups-full"])


@pytest.mark.parametrize(
    ("values", "more", "named"),
    [
        ([], {"AliasTarget": {"HostedZoneId": "Z1", "DNSName": "x.elb.amazonaws.com", "EvaluateTargetHealth": False}},
         "record-not-simple"),
        (["10.0.1.10"], {"SetIdentifier": "one", "Weight": 1}, "record-not-simple"),
        (["10.0.77.7"], {}, "record-elsewhere"),
    ],
)  # fmt: skip
def test_a_record_that_can_t_be_changed_or_leads_elsewhere(
    account: MadeUp, init: Init, values: list[str], more: dict[str, object], named: str
) -> None:
    account.rds_database()
    account.forget_record()
    account.record(account.zone, values, **more)
    found = init()
    assert found.obstacles == [named]
    assert found.code == (1 if named == "record-not-simple" else 0)


def test_every_obstacle_is_named_by_a_test_and_in_the_docs() -> None:
    source = (ROOT / "failoverctl/discovery/obstacles.py").read_text()
    names = set(re.findall(r'Obstacle\(\s*"([a-z0-9-]+)"', source))
    tested = "\n".join(each.read_text() for each in (ROOT / "tests/failoverctl/discovery").glob("test_*.py"))
    page = (ROOT / "docs/deploy.md").read_text()
    assert len(names) > 25
    assert sorted(each for each in names if f'"{each}"' not in tested) == []
    assert sorted(each for each in names if f"`{each}`" not in page) == []
