/** GET /ops/audit, in the order in which people want to read it. */
export interface Finding {
  name: string;
  meaning: string;
  checked: number;
  violations: number;
  examples: readonly { subject: string; reason: string }[];
}

export interface Verdict {
  holds: boolean;
  at: string;
  grace_seconds: number;
  findings: readonly Finding[];
  facts: Readonly<Record<string, number>>;
  skipped: readonly string[];
}

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
