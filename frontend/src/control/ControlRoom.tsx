import "./control.css";

import { client } from "../api";
import { ViewHeader } from "../layout/ViewHeader";
import { useLang } from "../locale/lang";
import { useRoute } from "../router";
import { controlApi } from "./api";
import { AuditPanel } from "./AuditPanel";
import { ChaosPanel } from "./ChaosPanel";
import { DeadLettersPanel } from "./DeadLettersPanel";
import { LoadPanel } from "./LoadPanel";
import { Rates } from "./Rates";
import { en } from "./words/en";
import { ru } from "./words/ru";

const WORDS = { en, ru };
const API = controlApi(client);
/** The order belongs to another customer, so the link opens it as an operator. */
const orderHref = (orderId: string) => `/orders/${orderId}?as=operator`;

/** The view for operators. */
export function ControlRoom() {
  const words = WORDS[useLang()];
  const deadLetter = useRoute().query.get("dead_letter");
  return (
    <>
      <ViewHeader title={words.title}>
        <p class="hint">{words.intro}</p>
      </ViewHeader>
      <div class="control" data-testid="control">
        <Rates api={API} words={words} />
        <ChaosPanel api={API} words={words} />
        <LoadPanel api={API} words={words} />
        <AuditPanel api={API} words={words} />
        <DeadLettersPanel api={API} words={words} orderHref={orderHref} focus={deadLetter} />
      </div>
    </>
  );
}
