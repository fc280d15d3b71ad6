"""RDS: the network interface of a database instance, which its security groups are on. moto's instances have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.rds.models import RDSBackend

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.patching import Patches

DESCRIPTION = "RDSNetworkInterface"


class Databases:
    """Joins moto's database instances to the testbed's one database.

    Args:
        address: where that is; a database instance gets its interface there, in the first subnet of its subnet group
            that holds the address, or else none.
        on_made: hears of each interface that was made.
    """

    def __init__(self, address: str, on_made: Callable[[str], None]) -> None:
        self._address, self._on_made = address, on_made
        self._interfaces: dict[str, str] = {}

    def install(self, patches: Patches) -> None:
        create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance

        def created(rds: Any, db_kwargs: dict[str, Any]) -> Any:
            made = create(rds, db_kwargs)
            self._give_interface(made)
            return made

        def modified(rds: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
            changed = modify(rds, db_instance_identifier, db_kwargs)
            if groups := db_kwargs.get("vpc_security_group_ids"):
                changed.vpc_security_group_ids = list(groups)
                if interface := self._interfaces.get(db_instance_identifier):
                    backend("ec2").modify_network_interface_attribute(interface, list(groups))
            return changed

        patches.put(RDSBackend, "create_db_instance", created, why="moto gives a database no network interface")
        patches.put(RDSBackend, "modify_db_instance", modified, why="its groups are on its interface")

    def _give_interface(self, made: Any) -> None:
        ec2, group = backend("ec2"), getattr(made, "db_subnet_group", None)
        for each in group._subnets if group is not None else ():
            subnet = ec2.get_subnet(each.id)
            if self._address in {str(each) for each in subnet.cidr.hosts()}:
                interface = ec2.create_network_interface(
                    subnet, self._address, group_ids=list(made.vpc_security_group_ids), description=DESCRIPTION
                )
                self._interfaces[made.db_instance_identifier] = interface.id
                self._on_made(interface.id)
                return
