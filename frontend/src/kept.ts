/** localStorage; where the browser refuses it, something that lasts as long as the page. */
import type { Kept } from "./api/session";

export const kept: Kept & Pick<Storage, "removeItem"> = found();

function found(): Kept & Pick<Storage, "removeItem"> {
  try {
    localStorage.setItem("ordersys.probe", "1");
    localStorage.removeItem("ordersys.probe");
    return localStorage;
  } catch {
    const values = new Map<string, string>();
    return {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => void values.set(key, value),
      removeItem: (key) => void values.delete(key),
    };
  }
}
