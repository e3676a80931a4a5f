import { useState } from "preact/hooks";

export interface Attempt {
  busy: boolean;
  error: unknown;
  /** What went well, in words; "" for nothing. */
  said: string;
  /** Runs one thing at a time; `say` makes words of its answer. */
  run: <T>(work: () => Promise<T>, say?: (answer: T) => string) => Promise<void>;
}

/** Something an operator does: under way, done or failed. */
export function useAttempt(): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [said, setSaid] = useState("");
  const run: Attempt["run"] = async (work, say) => {
    setBusy(true);
    setError(null);
    try {
      const answer = await work();
      setSaid(say ? say(answer) : "");
    } catch (failure) {
      setSaid("");
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, said, run };
}
