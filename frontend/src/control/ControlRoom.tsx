import "./control.css";

import { client } from "../api";
import { Titled } from "../layout/Titled";
import { useLang } from "../locale/lang";
import { useRoute } from "../router";
import { controlApi } from "./api";
import { AuditPanel } from "./AuditPanel";
import { ChaosPanel } from "./ChaosPanel";
import { LettersPanel } from "./LettersPanel";
import { LoadPanel } from "./LoadPanel";
import { Rates } from "./Rates";
import { en } from "./words/en";
import { ru } from "./words/ru";

const WORDS = { en, ru };
const API = controlApi(client);
/** Whoever comes from here looks at an order that is not theirs. */
const orderHref = (orderId: string) => `/orders/${orderId}?as=operator`;

/** The operators' view. */
export function ControlRoom() {
  const words = WORDS[useLang()];
  const letter = useRoute().query.get("letter");
  return (
    <>
      <Titled title={words.title}>
        <p class="hint">{words.intro}</p>
      </Titled>
      <div class="control" data-testid="control">
        <Rates api={API} words={words} />
        <ChaosPanel api={API} words={words} />
        <LoadPanel api={API} words={words} />
        <AuditPanel api={API} words={words} />
        <LettersPanel api={API} words={words} orderHref={orderHref} focus={letter} />
      </div>
    </>
  );
}
