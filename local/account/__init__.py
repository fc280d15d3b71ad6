"""What a desk does with a real account: prepare the hosts, look at the door, count the cost, list the licences."""
