"""A hosted zone in moto, with what moto lacks of Route 53: a batch is done whole or not at all, and never by halves."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from moto.route53.models import Route53Backend

from lab.testbed.cloud.route53 import changed

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

NAME = "ms.corp.example"


class Zone:
    """The zone `corp.example`. `batches` are those that were tried, in order."""

    def __init__(self, client: Route53Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self._client = client
        self.batches: list[list[tuple[str, str]]] = []
        made = client.create_hosted_zone(Name="corp.example", CallerReference=uuid.uuid4().hex)
        self.id = made["HostedZone"]["Id"].rsplit("/", 1)[-1]

        def change(backend: Any, zone_id: str, changes: Any) -> str:
            batch = [
                (each["Action"], each["ResourceRecordSet"]["ResourceRecords"][0]["Value"])
                for each in changes
                if "ResourceRecords" in each["ResourceRecordSet"]
            ]
            self.batches.append(batch)
            zone = backend.get_hosted_zone(zone_id)
            zone.rrsets = changed(zone.rrsets, changes, zone.name)
            return "C2682N5HXP0BZ4"

        monkeypatch.setattr(Route53Backend, "change_resource_record_sets", change)

    def put(self, *addresses: str, name: str = NAME, ttl_s: int = 5, kind: str = "A", **more: Any) -> None:
        """Make a record set, as an owner would."""
        record: dict[str, Any] = {"Name": name, "Type": kind, **more}
        if addresses:
            record |= {"TTL": ttl_s, "ResourceRecords": [{"Value": address} for address in addresses]}
        self._client.change_resource_record_sets(
            HostedZoneId=self.id,
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},  # type: ignore[typeddict-item]
        )
        self.batches.clear()

    def get(self, name: str = NAME, kind: str = "A") -> tuple[int, list[str]] | None:
        """TTL and values of a record set; None where there is none."""
        for each in self._client.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]:
            if each["Name"].rstrip(".") == name and each["Type"] == kind:
                return int(each.get("TTL", 0)), [value["Value"] for value in each.get("ResourceRecords", [])]
        return None
