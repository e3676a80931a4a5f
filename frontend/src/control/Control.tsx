import type { ControlApi } from "./api";
import { AuditPanel } from "./AuditPanel";
import { ChaosPanel } from "./ChaosPanel";
import { LettersPanel } from "./LettersPanel";
import { LoadPanel } from "./LoadPanel";
import { Rates } from "./Rates";
import type { Words } from "./words/en";

interface Props {
  api: ControlApi;
  words: Words;
  orderHref: (orderId: string) => string;
  letter: string | null;
}

export function Control({ api, words, orderHref, letter }: Props) {
  return (
    <div class="control">
      <header>
        <h1>{words.title}</h1>
        <p class="hint">{words.intro}</p>
      </header>
      <Rates api={api} words={words} />
      <ChaosPanel api={api} words={words} />
      <LoadPanel api={api} words={words} />
      <AuditPanel api={api} words={words} />
      <LettersPanel api={api} words={words} orderHref={orderHref} focus={letter} />
    </div>
  );
}
