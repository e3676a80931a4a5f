"""The chaos rig: real faults on a real stack under load, each shown to have bitten, and the audit as the judge."""
