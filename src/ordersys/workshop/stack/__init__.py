"""The embedded stack: real servers and all roles on this machine, without anything installed before."""
