"""One reading of an account: everything that parameters and obstacles are decided from."""

from __future__ import annotations

from msfailover.pair import Role

from failoverctl.account import Account
from failoverctl.discovery import read_network, read_services
from failoverctl.discovery.facts import Facts, Wanted
from failoverctl.discovery.reader import Reader


def survey(account: Account, wanted: Wanted) -> Facts:
    """Read what there is; nothing is changed.

    Raises:
        CommandError: nobody could be asked: credentials, region or network.
    """
    reader = Reader(account)
    ms1 = read_network.host(reader, Role.MS1, wanted.ms1)
    ms2 = read_network.host(reader, Role.MS2, wanted.ms2)
    database = read_services.database(reader, wanted)
    vpcs = {ms1.vpc, ms2.vpc, database.vpc if database else ""}
    groups = read_network.groups(reader, database.groups if database else ())
    vpc = Facts(wanted, ms1, ms2, database).vpc
    zones = read_services.zones(reader, wanted.record, vpc)
    return Facts(
        wanted,
        ms1,
        ms2,
        database,
        groups,
        read_network.rules(reader, [each.group_id for each in groups if not each.access]),
        read_network.subnets(reader, vpcs),
        read_network.acls(reader, vpcs),
        zones,
        read_services.records(reader, zones or (), wanted.record),
        read_network.endpoints(reader, vpc),
        read_services.secrets(reader, wanted.secret, database.master_secret if database else ""),
        read_services.concurrency(reader),
        tuple(reader.unread),
    )
