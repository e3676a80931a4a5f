"""What the product does per second, what it costs, and how far that is from what is possible: `make bench`.

Every part measures its ceiling in the same run, because absolute figures belong to one machine on one day and ratios
travel. The roles are the product's own processes (`ordersys run`) on real servers.
"""
