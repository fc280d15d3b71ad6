"""Made-up accounts: which parameters init finds in each, and which obstacles it names."""

from __future__ import annotations

from tests.failoverctl.discovery.conftest import Init
from tests.failoverctl.discovery.made_up import RECORD, MadeUp


def test_postgresql_on_rds_with_nothing_in_the_way(account: MadeUp, init: Init) -> None:
    host = account.rds_database()
    found = init()
    assert (found.code, found.needed, found.obstacles, found.json["unread"]) == (0, [], [], [])
    assert found.parameters == {
        "Ms1InstanceId": account.servers["ms1"],
        "Ms1Addresses": "10.0.1.10",
        "Ms1HostNames": "tectia-a,tectia-a.corp.example",
        "Ms2InstanceId": account.servers["ms2"],
        "Ms2Addresses": "10.0.2.10",
        "Ms2HostNames": "tectia-b,tectia-b.corp.example",
        "DatabaseEngine": "postgresql",
        "DatabaseHost": host,
        "DatabasePort": "5432",
        "DatabaseName": "tectia",
        "DatabaseSecretArn": account.secret,
        "DatabaseTls": "verify",
        "DatabaseKillWith": "engine",
        "DatabaseNetworkAclIds": account.acl,
        "DatabaseSubnetIds": f"{account.subnets['database-a']},{account.subnets['database-b']}",
        "HostedZoneId": account.zone,
        "RecordName": RECORD,
        "VpcId": account.vpc,
        "SubnetIds": f"{account.subnets['servers-a']},{account.subnets['servers-b']}",
        "AdminTlsName": RECORD,
    }


def test_mysql_on_rds_ends_sessions_by_rds_and_takes_tokens(account: MadeUp, init: Init) -> None:
    account.rds_database(engine="mysql", Port=3306, EnableIAMDatabaseAuthentication=True)
    account.secrets.delete_secret(SecretId=account.secret, ForceDeleteWithoutRecovery=True)
    without = init()
    assert (without.code, without.needed) == (1, ["DatabaseSecretArn"])
    (why,) = [each["why"] for each in without.json["missing"] if each["name"] == "DatabaseSecretArn"]
    assert "--iam-user" in why
    found = init("tectia", "--iam-user", "ms_failover")
    assert (found.code, found.needed) == (0, [])
    known = found.parameters
    assert (known["DatabaseEngine"], known["DatabasePort"], known["DatabaseKillWith"]) == ("mysql", "3306", "rds")
    assert known["DatabaseIamUser"] == "ms_failover"
    resource = account.rds.describe_db_instances()["DBInstances"][0]["DbiResourceId"]
    assert known["DatabaseResourceId"] == resource
    assert "DatabaseSecretArn" not in known


def test_oracle_on_rds_without_tls(account: MadeUp, init: Init) -> None:
    account.rds_database(engine="oracle-ee", Port=1521, DBName="ORCL")
    found = init()
    known = found.parameters
    assert (known["DatabaseEngine"], known["DatabasePort"], known["DatabaseTls"]) == ("oracle", "1521", "off")
    assert (known["DatabaseName"], known["DatabaseKillWith"]) == ("ORCL", "rds")
    assert (found.code, found.obstacles) == (0, ["no-tls"])


def test_oracle_on_rds_with_the_option_ssl_on_a_port_of_its_own(account: MadeUp, init: Init) -> None:
    account.rds.create_option_group(
        OptionGroupName="tls", EngineName="oracle-ee", MajorEngineVersion="19", OptionGroupDescription="TLS"
    )
    account.rds.modify_option_group(
        OptionGroupName="tls", OptionsToInclude=[{"OptionName": "SSL", "Port": 2484}], ApplyImmediately=True
    )
    account.rds_database(engine="oracle-ee", Port=1600, DBName="ORCL", OptionGroupName="tls")
    account.admit(account.groups["database"], 1600, cidr="10.0.1.0/24")
    found = init()
    known = found.parameters
    assert (known["DatabasePort"], known["DatabaseTls"]) == ("2484", "verify")
    assert known["DatabaseOtherPorts"] == "1600,1521,2484"
    assert found.obstacles == ["owner-rule"], "a rule for its other port counts as well"


def test_a_cluster_is_reached_by_its_writer_also_where_a_member_was_named(account: MadeUp, init: Init) -> None:
    account.rds.create_db_subnet_group(
        DBSubnetGroupName="cluster-subnets",
        DBSubnetGroupDescription="the cluster's",
        SubnetIds=[account.subnets["database-a"], account.subnets["database-b"]],
    )
    cluster = account.rds.create_db_cluster(
        DBClusterIdentifier="tectia",
        Engine="aurora-postgresql",
        MasterUsername="owner",
        MasterUserPassword="a-password",
        DatabaseName="tectia",
        DBSubnetGroupName="cluster-subnets",
        VpcSecurityGroupIds=[account.groups["database"]],
    )["DBCluster"]
    account.rds.create_db_instance(
        DBInstanceIdentifier="tectia-1",
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
        DBClusterIdentifier="tectia",
    )
    found = init("tectia-1")
    assert found.parameters["DatabaseHost"] == cluster["Endpoint"]
    assert found.parameters["DatabaseSubnetIds"].split(",") == [
        account.subnets["database-a"],
        account.subnets["database-b"],
    ]
    assert (found.code, found.obstacles) == (0, [])


def test_postgresql_on_ec2(account: MadeUp, init: Init) -> None:
    machine = account.ec2_database()
    found = init(f"{machine}:5432")
    assert (found.code, found.needed) == (1, ["DatabaseName"])
    found = init(f"{machine}:5432", "--database-name", "tectia")
    known = found.parameters
    assert (found.code, found.obstacles) == (0, ["acl-shared"])
    assert account.subnets["database-b"] in found.about("acl-shared"), "where another database may stand"
    assert (known["DatabaseHost"], known["DatabasePort"]) == ("10.0.11.20", "5432")
    assert (known["DatabaseEngine"], known["DatabaseName"]) == ("postgresql", "tectia")
    assert known["DatabaseNetworkAclIds"] == account.acl
    assert {"DatabaseSubnetIds", "DatabaseKillWith", "DatabaseTls"}.isdisjoint(known)


def test_oracle_on_ec2_on_a_port_that_is_no_engine_s(account: MadeUp, init: Init) -> None:
    machine = account.ec2_database()
    found = init(f"{machine}:1600", "--database-name", "ORCL")
    assert (found.code, found.needed) == (1, ["DatabaseEngine"])
    found = init(f"{machine}:1600", "--database-name", "ORCL", "--engine", "oracle")
    assert found.parameters["DatabaseEngine"] == "oracle"
    assert (found.code, found.needed) == (0, [])


def test_a_public_zone_where_no_private_one_holds_the_name(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.forget_record()
    account.route53.delete_hosted_zone(Id=account.zone)
    account.hosted_zone("example", private=False)
    nearer = account.hosted_zone("corp.example", private=False)
    account.record(nearer, ["10.0.1.10"], TTL=3600)
    found = init()
    assert found.parameters["HostedZoneId"] == nearer
    assert (found.code, found.obstacles) == (0, ["record-ttl"])
    assert "3600 s" in found.about("record-ttl")


def test_a_name_in_a_private_and_a_public_zone(account: MadeUp, init: Init) -> None:
    account.rds_database()
    public = account.hosted_zone("corp.example", private=False)
    account.record(public, ["192.0.2.9"])
    found = init()
    assert found.parameters["HostedZoneId"] == account.zone
    assert found.obstacles == ["record-twice"]
    assert public in found.about("record-twice")


def test_a_private_zone_of_another_network_is_not_taken(account: MadeUp, init: Init) -> None:
    account.rds_database()
    elsewhere = account.network("10.9.0.0/16")
    account.route53.associate_vpc_with_hosted_zone(
        HostedZoneId=account.zone, VPC={"VPCRegion": "eu-central-1", "VPCId": elsewhere}
    )
    account.route53.disassociate_vpc_from_hosted_zone(
        HostedZoneId=account.zone, VPC={"VPCRegion": "eu-central-1", "VPCId": account.vpc}
    )
    found = init()
    assert (found.code, found.needed) == (1, ["HostedZoneId"])
    (why,) = [each["why"] for each in found.json["missing"] if each["name"] == "HostedZoneId"]
    assert f"{account.zone} is not associated" in why


def test_ipv6_addresses_come_after_those_of_ipv4(account: MadeUp, init: Init) -> None:
    account.rds_database()
    association = account.ec2.associate_vpc_cidr_block(VpcId=account.vpc, AmazonProvidedIpv6CidrBlock=True)
    block = association["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"]
    six = account.subnets["six"] = account.subnet("10.0.6.0/24", "a", Ipv6CidrBlock=block.replace("/56", "/64"))
    interface = account.ec2.create_network_interface(
        SubnetId=six, PrivateIpAddress="10.0.6.10", Groups=[account.groups["servers"]], Ipv6AddressCount=1
    )["NetworkInterface"]
    about = [{"DeviceIndex": 0, "NetworkInterfaceId": interface["NetworkInterfaceId"]}]
    account.servers["ms1"] = account.server("ms1", "six", "10.0.6.10", NetworkInterfaces=about)
    account.record(account.zone, ["10.0.6.10"])
    found = init()
    (own,) = [each["Ipv6Address"] for each in interface["Ipv6Addresses"]]
    assert found.parameters["Ms1Addresses"] == f"10.0.6.10,{own}"
    assert (found.code, found.obstacles) == (0, [])


def test_servers_and_database_that_share_a_group(account: MadeUp, init: Init) -> None:
    account.admit(account.groups["servers"], 5432, member=account.groups["servers"])
    account.rds_database(VpcSecurityGroupIds=[account.groups["servers"]])
    found = init()
    assert (found.code, found.obstacles) == (0, ["owner-rule"])
    said = found.about("owner-rule")
    assert "admits ms1 and ms2" in said
    assert f"--group-id {account.groups['servers']} --security-group-rule-ids sgr-" in said


def test_an_owner_s_rule_for_a_whole_network_and_a_stack_s_own_group(account: MadeUp, init: Init) -> None:
    ours = account.ec2.create_security_group(
        GroupName="access",
        Description="ms-failover: lets the one active server in to the database. Do not edit.",
        VpcId=account.vpc,
    )["GroupId"]
    account.admit(ours, 5432, cidr="10.0.1.10/32")
    account.admit(account.groups["database"], 5432, cidr="10.0.2.0/24")
    account.admit(account.groups["database"], 22, cidr="10.0.0.0/16")
    account.rds_database(VpcSecurityGroupIds=[account.groups["database"], ours])
    found = init()
    assert found.obstacles == ["owner-rule"], "the stack's own group is no obstacle, nor is a rule for another port"
    assert "admits ms2," in found.about("owner-rule")


def test_a_server_in_the_database_s_subnet(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.servers["ms2"] = account.server("ms2", "database-b", "10.0.12.10")
    found = init()
    assert (found.code, found.obstacles) == (0, ["database-subnet"])
    assert f"ms2 stands in {account.subnets['database-b']}" in found.about("database-subnet")
    assert "DatabaseNetworkAclIds" not in found.parameters


def test_a_network_acl_that_stands_before_a_server_is_not_proposed(account: MadeUp, init: Init) -> None:
    account.acl = account.own_acl("database-a", "database-b", "servers-b")
    account.rds_database()
    found = init()
    assert (found.code, found.obstacles) == (0, ["acl-of-servers"])
    assert account.subnets["servers-b"] in found.about("acl-of-servers")
    assert "DatabaseNetworkAclIds" not in found.parameters
    assert any(each["name"] == "DatabaseNetworkAclIds" for each in found.json["missing"])


def test_rule_numbers_are_found_before_those_of_the_owner(account: MadeUp, init: Init) -> None:
    account.rds_database()
    account.entry(account.acl, 50, egress=False, cidr="10.0.0.0/16")
    found = init()
    assert (found.code, found.obstacles) == (0, [])
    assert found.parameters["NetworkAclRuleNumber"] == "9"
    account.entry(account.acl, 5, egress=False, cidr="10.0.0.0/16")
    assert init.again().obstacles == ["acl"], "an entry before the number that the file has"
    init.file.unlink()
    found = init()
    assert (found.code, found.obstacles) == (0, ["acl"])
    assert "DatabaseNetworkAclIds" not in found.parameters
