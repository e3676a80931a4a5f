"""An open-loop load generator: the time of each order is fixed in advance, regardless of response times.

A stall of the server therefore shows in the latency of all orders due during it, instead of slowing the generator down
(Gil Tene: "coordinated omission").
"""
