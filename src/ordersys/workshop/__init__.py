"""What stands beside the product: the embedded stack, deliberate faults, the audit and the load generator.

The workshop may import the product; the product never imports the workshop (contract `layers` in pyproject.toml). The
program's top, `ordersys.__main__`, joins the two: `extension` for a role, a CLI group for each folder.
"""
