/** What the browser remembers for the page, under one prefix. A browser that forbids it only forgets. */
const PREFIX = "ordersys.";

export interface Memory {
  read: <T>(name: string) => T | null;
  write: (name: string, value: unknown) => void;
  remove: (name: string) => void;
}

export const memory: Memory = {
  read<T>(name: string): T | null {
    try {
      const text = localStorage.getItem(PREFIX + name);
      return text === null ? null : (JSON.parse(text) as T);
    } catch {
      return null;
    }
  },
  write(name: string, value: unknown): void {
    try {
      localStorage.setItem(PREFIX + name, JSON.stringify(value));
    } catch {
      // Private windows and full disks: it works without, until the next reload.
    }
  },
  remove(name: string): void {
    try {
      localStorage.removeItem(PREFIX + name);
    } catch {
      // As above.
    }
  },
};
