/** English or Russian: the one chosen before, else the browser's. */
import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useMemo, useState } from "preact/hooks";

import { memory } from "../parts/memory";

export type Lang = "en" | "ru";
export const LANGS: readonly Lang[] = ["en", "ru"];
const NAME = "lang";
/** The same texts in every language. */
export type Texts<T> = Readonly<Record<Lang, T>>;

interface Choice {
  lang: Lang;
  choose: (lang: Lang) => void;
}

const Chosen = createContext<Choice>({ lang: "en", choose: () => {} });

export function useLang(): Lang {
  return useContext(Chosen).lang;
}

/** The texts in the reader's language. */
export function useTexts<T>(texts: Texts<T>): T {
  return texts[useLang()];
}

export function useLangChoice(): Choice {
  return useContext(Chosen);
}

/** The first of the reader's languages that there is here. */
export function preferred(remembered: string | null, wanted: readonly string[]): Lang {
  const known = [remembered ?? "", ...wanted].map((tag) => tag.toLowerCase().split("-")[0]);
  return LANGS.find((lang) => lang === known.find((tag) => LANGS.includes(tag as Lang))) ?? "en";
}

export function LangProvider({ children }: { children: ComponentChildren }) {
  const [lang, setLang] = useState<Lang>(() => preferred(memory.read<string>(NAME), navigator.languages));
  useEffect(() => {
    document.documentElement.lang = lang;
  }, [lang]);
  const choice = useMemo(() => {
    const choose = (next: Lang) => {
      memory.write(NAME, next);
      setLang(next);
    };
    return { lang, choose };
  }, [lang]);
  return <Chosen.Provider value={choice}>{children}</Chosen.Provider>;
}
