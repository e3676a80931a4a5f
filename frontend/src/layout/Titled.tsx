import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

/** The head of a view; its words are the document's title too. */
export function Titled({ title, children }: { title: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · ordersys`;
  }, [title]);
  return (
    <header class="titled">
      <h1>{title}</h1>
      {children}
    </header>
  );
}
