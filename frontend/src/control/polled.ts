import { useEffect, useRef, useState } from "preact/hooks";

export interface Polled<T> {
  /** The last answer; null before the first one. */
  value: T | null;
  /** Why the last look failed; null when it did not. */
  error: unknown;
  refresh: () => void;
}

/** Asks again every `ms` after the last answer, as long as the tab is seen. One question at a time. */
export function usePolled<T>(ask: () => Promise<T>, ms: number): Polled<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const look = async () => {
      if (!document.hidden) {
        try {
          const answer = await latest.current();
          if (gone) return;
          setValue(answer);
          setError(null);
        } catch (failure) {
          if (gone) return;
          setError(failure);
        }
      }
      timer = setTimeout(() => void look(), ms);
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [ms, turn]);
  return { value, error, refresh: () => setTurn((before) => before + 1) };
}
