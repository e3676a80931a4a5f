import "./workflow.css";

import { useEffect } from "preact/hooks";

import { useLang } from "../locale/lang";
import { ErrorNotice } from "../parts/ErrorNotice";
import { useRoute } from "../router";
import type { Workflow } from "./flow";
import { Saga } from "./Saga";
import { useWorkflow } from "./useWorkflow";
import { en } from "./words/en";
import { ru } from "./words/ru";

const WORDS = { en, ru };
const deadLetterHref = (id: string) => `/control?dead_letter=${id}`;

interface Props {
  orderId: string;
  /** Another value opens a new stream, because the order was just cancelled or refunded. */
  turn?: number;
  /** Called on every change. */
  onChange?: (flow: Workflow) => void;
  /** Called if the order cannot be shown; then this view shows nothing. */
  onFail?: (error: unknown) => void;
}

/** The saga of one order, live. */
export function WorkflowView({ orderId, turn = 0, onChange, onFail }: Props) {
  const words = WORDS[useLang()];
  const as = useRoute().query.get("as") === "operator" ? "operator" : "customer";
  const { flow, link, error } = useWorkflow(orderId, as, turn);
  useEffect(() => {
    if (flow) onChange?.(flow);
  }, [flow]);
  useEffect(() => {
    if (error) onFail?.(error);
  }, [error]);
  if (error) return onFail ? null : <ErrorNotice error={error} />;
  return (
    <div class="saga-view" data-testid="workflow" data-link={link ?? "opening"} aria-busy={flow === null}>
      <p class={`saga-link ${link ?? "opening"}`} role="status">
        {link === "lost" ? words.ui.lost : words.ui.links[link ?? "opening"]}
      </p>
      {flow ? <Saga flow={flow} words={words} deadLetterHref={deadLetterHref} /> : <div class="saga-placeholder" />}
    </div>
  );
}
