import { useState } from "preact/hooks";

import type { ControlApi } from "./api";
import { useAttempt } from "./attempt";
import { Outcome } from "./Outcome";
import { type Finding, reading, type Verdict } from "./verdict";
import type { Words } from "./words/en";

export function AuditPanel({ api, words }: { api: ControlApi; words: Words }) {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const attempt = useAttempt();
  const { audit } = words;
  const run = () => void attempt.run(async () => setVerdict(await api.audit()));
  return (
    <section class="control-card" aria-labelledby="audit-title">
      <h2 id="audit-title">{audit.title}</h2>
      <p class="hint">{audit.hint}</p>
      <div class="control-buttons">
        <button type="button" class="primary" disabled={attempt.busy} onClick={run}>
          {audit.run}
        </button>
      </div>
      <div role="status" data-testid="verdict">
        {attempt.busy ? (
          <p>{audit.running}</p>
        ) : verdict ? (
          <Sentence verdict={verdict} words={words} />
        ) : (
          <p>{audit.never}</p>
        )}
      </div>
      <Outcome attempt={attempt} />
      {verdict && <Findings verdict={verdict} words={words} />}
    </section>
  );
}

function Sentence({ verdict, words }: { verdict: Verdict; words: Words }) {
  const { audit, locale } = words;
  const { broken, checked } = reading(verdict);
  const number = new Intl.NumberFormat(locale);
  const at = new Date(verdict.at).toLocaleTimeString(locale);
  return (
    <>
      <p class={`control-verdict ${verdict.holds ? "holds" : "broken"}`}>
        {verdict.holds ? `✓ ${audit.holds}` : `✗ ${audit.broken(broken.length)}`}
      </p>
      <p class="hint">
        {audit.facts(number.format(verdict.findings.length), number.format(checked), at)}.{" "}
        {audit.grace(verdict.grace_seconds)}
      </p>
    </>
  );
}

function Findings({ verdict, words }: { verdict: Verdict; words: Words }) {
  const { audit } = words;
  const { broken, kept } = reading(verdict);
  return (
    <>
      {broken.length > 0 && <List findings={broken} words={words} />}
      <details>
        <summary>{audit.list}</summary>
        <List findings={kept} words={words} />
        {verdict.skipped.length > 0 && <p class="hint">{audit.skipped(verdict.skipped.join(", "))}</p>}
      </details>
    </>
  );
}

function List({ findings, words }: { findings: readonly Finding[]; words: Words }) {
  const { audit, meanings, locale } = words;
  const number = new Intl.NumberFormat(locale);
  return (
    <ul class="control-findings">
      {findings.map((one) => (
        <li key={one.name} class={one.violations ? "broken" : "holds"}>
          <code>{one.name}</code> {one.violations ? audit.violations(one.violations) : audit.kept},{" "}
          {audit.rows(number.format(one.checked))}
          <br />
          {meanings[one.name] ?? one.meaning}
          {one.examples.map((example) => (
            <p key={example.subject}>
              <code>{example.subject}</code>: {example.reason}
            </p>
          ))}
        </li>
      ))}
    </ul>
  );
}
