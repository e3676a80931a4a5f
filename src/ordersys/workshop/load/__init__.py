"""An open-loop load generator: when each order is sent is fixed in advance, whatever the answers take.

So a stall of the server shows in the figures of all the orders that were due meanwhile, instead of slowing the
generator down (Gil Tene: "coordinated omission").
"""
