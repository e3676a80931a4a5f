"""The embedded stack: real servers and all roles on this machine, without anything installed before."""

from ordersys.bootstrap.stack.commands import addresses, down, logs, services, status, up
from ordersys.bootstrap.stack.state import StackError, UpOptions

__all__ = ["StackError", "UpOptions", "addresses", "down", "logs", "services", "status", "up"]
