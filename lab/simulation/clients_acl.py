"""EC2's network ACLs and subnets in memory: the calls that `database_access` makes, through the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.simulation.clients_data import client_error
from lab.simulation.subnet_borders import NETWORKS
from lab.simulation.world import World


class NetworkAcls:
    """The part of EC2 that is about ACLs. `call` makes a call through the gate."""

    def __init__(self, world: World, call: Callable[..., Any]) -> None:
        self._world, self._gate = world, call

    @property
    def _borders(self) -> Any:
        return self._world.database.borders

    def describe_network_acls(self, *, NetworkAclIds: list[str]) -> Any:  # noqa: N803
        def found() -> Any:
            return {"NetworkAcls": [self._borders.shown(each) for each in NetworkAclIds]}

        return self._gate("describe_network_acls", found)

    def describe_subnets(self, *, Filters: list[Any]) -> Any:  # noqa: N803
        found = [{"SubnetId": each, "CidrBlock": NETWORKS[each]} for each in Filters[0]["Values"]]
        return self._gate("describe_subnets", lambda: {"Subnets": found})

    def create_network_acl_entry(self, **request: Any) -> Any:
        def create() -> Any:
            _refuse_dry(request, "CreateNetworkAclEntry")
            if self._held(request):
                raise client_error("NetworkAclEntryAlreadyExists", "taken", "CreateNetworkAclEntry")
            self._write(request)
            return {}

        return self._gate("create_network_acl_entry", create, dry=bool(request.get("DryRun")))

    def replace_network_acl_entry(self, **request: Any) -> Any:
        def replace() -> Any:
            _refuse_dry(request, "ReplaceNetworkAclEntry")
            self._remove(request, "ReplaceNetworkAclEntry")
            self._write(request)
            return {}

        return self._gate("replace_network_acl_entry", replace, dry=bool(request.get("DryRun")))

    def delete_network_acl_entry(self, **request: Any) -> Any:
        def delete() -> Any:
            _refuse_dry(request, "DeleteNetworkAclEntry")
            gone = self._remove(request, "DeleteNetworkAclEntry")
            self._world.touch(f"{gone['CidrBlock']} is denied no more")
            return {}

        return self._gate("delete_network_acl_entry", delete, dry=bool(request.get("DryRun")))

    def _held(self, request: Any) -> Any:
        return self._borders.find(request["NetworkAclId"], request["RuleNumber"], request["Egress"])

    def _remove(self, request: Any, operation: str) -> Any:
        held = self._held(request)
        if held is None:
            raise client_error("InvalidNetworkAclEntry.NotFound", "not there", operation)
        self._borders.entries[request["NetworkAclId"]].remove(held)
        return held

    def _write(self, request: Any) -> None:
        entry = self._borders.entry(
            request["RuleNumber"], request["Egress"], request["RuleAction"], request["CidrBlock"], request["Protocol"]
        )
        self._borders.write(request["NetworkAclId"], entry)
        self._world.touch(f"{request['CidrBlock']} is denied")


def _refuse_dry(request: Any, operation: str) -> None:
    if request.get("DryRun"):
        raise client_error("DryRunOperation", "it would have been allowed", operation)
