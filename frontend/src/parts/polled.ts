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

/** The pause after a failure, if the question is not repeated after a response. */
const AGAIN_MS = 3000;

/** Asks at once and again `ms` after each answer, as long as the tab is seen. `key` names the question: another key is
 * another question. `null` for `ms` asks until there is an answer. */
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
      let pause: number | null;
      try {
        const value = await latest.current.ask(gone.signal);
        if (!gone.signal.aborted) setHeld({ key, value, error: null });
        pause = latest.current.ms;
      } catch (error) {
        pause = latest.current.ms ?? AGAIN_MS;
        if (!gone.signal.aborted)
          setHeld((before) => ({ key, value: before.key === key ? before.value : null, error }));
      }
      if (!gone.signal.aborted && pause !== null) timer = setTimeout(look, pause);
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
