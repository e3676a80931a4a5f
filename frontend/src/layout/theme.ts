/** Light or dark: the system's, unless chosen. public/theme.js sets a chosen one before the first paint. */
import { useEffect, useState } from "preact/hooks";

import { memory } from "../parts/memory";

export type Theme = "light" | "dark";
const NAME = "theme";
const DARK = "(prefers-color-scheme: dark)";

export function useTheme(): [Theme, () => void] {
  const [chosen, setChosen] = useState<string | null>(() => memory.read<string>(NAME));
  const [dark, setDark] = useState(() => matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const look = () => setDark(query.matches);
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  const theme: Theme = chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
  const toggle = () => {
    const next: Theme = theme === "dark" ? "light" : "dark";
    memory.write(NAME, next);
    document.documentElement.dataset.theme = next;
    setChosen(next);
  };
  return [theme, toggle];
}
