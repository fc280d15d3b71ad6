"""AWS's manners: what AWS does that makes a failover slower or harder, each as a dial that can be set.

`table` is the data and the documentation, `dials` draws from it, `front` stands before the APIs, `apply` puts it all
into a cloud.
"""
