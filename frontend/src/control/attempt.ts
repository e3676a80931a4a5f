import { useState } from "preact/hooks";

export interface Attempt {
  busy: boolean;
  error: unknown;
  /** The message after success; "" for none. */
  message: string;
  /** Runs one action at a time; `describe` makes a message of its result. */
  run: <T>(work: () => Promise<T>, describe?: (answer: T) => string) => Promise<void>;
}

/** An action of an operator: running, done or failed. */
export function useAttempt(): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [message, setMessage] = useState("");
  const run: Attempt["run"] = async (work, describe) => {
    setBusy(true);
    setError(null);
    try {
      const answer = await work();
      setMessage(describe ? describe(answer) : "");
    } catch (failure) {
      setMessage("");
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, message, run };
}
