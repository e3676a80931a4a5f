import { useEffect, useRef, useState } from "preact/hooks";

export interface Polled<T> {
  /** The last answer to this question; null before the first one. */
  value: T | null;
  /** Why the last look failed; null when it did not. */
  error: unknown;
  refresh: () => void;
}

interface Held<T> {
  key: string;
  value: T | null;
  error: unknown;
}

/** Asks at once and again `ms` after each answer, as long as the tab is seen. `key` names the question: another key is
 * another question, and `null` for `ms` asks no more. */
export function usePolled<T>(key: string, ask: (signal: AbortSignal) => Promise<T>, ms: number | null): Polled<T> {
  const [held, setHeld] = useState<Held<T>>({ key, value: null, error: null });
  const [turn, setTurn] = useState(0);
  const latest = useRef({ ask, ms });
  latest.current = { ask, ms };
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let waiting = false;
    const look = async () => {
      waiting = false;
      if (document.hidden) {
        waiting = true;
        return;
      }
      try {
        const value = await latest.current.ask(gone.signal);
        if (!gone.signal.aborted) setHeld({ key, value, error: null });
      } catch (error) {
        if (!gone.signal.aborted)
          setHeld((before) => ({ key, value: before.key === key ? before.value : null, error }));
      }
      if (!gone.signal.aborted && latest.current.ms !== null) timer = setTimeout(look, latest.current.ms);
    };
    const seen = () => {
      if (!document.hidden && waiting) void look();
    };
    document.addEventListener("visibilitychange", seen);
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [key, turn]);
  const current = held.key === key;
  return {
    value: current ? held.value : null,
    error: current ? held.error : null,
    refresh: () => setTurn((before) => before + 1),
  };
}
