/** GET /ops/audit, in the order in which people want to read it. */
import type { Finding, Verdict } from "../api/schema";

export type { Finding, Verdict };

export interface Reading {
  broken: readonly Finding[];
  kept: readonly Finding[];
  checked: number;
}

/** The broken ones first, the worst at the top. */
export function reading(verdict: Verdict): Reading {
  const broken = verdict.findings.filter((one) => one.violations > 0);
  return {
    broken: broken.sort((one, other) => other.violations - one.violations),
    kept: verdict.findings.filter((one) => one.violations === 0),
    checked: verdict.findings.reduce((sum, one) => sum + one.checked, 0),
  };
}
