import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

/** The head of a view; its words are the document's title too. */
export function ViewHeader({ title, children }: { title: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · ordersys`;
  }, [title]);
  return (
    <header class="view-header">
      <h1>{title}</h1>
      {children}
    </header>
  );
}
