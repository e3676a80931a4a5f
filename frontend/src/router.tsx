/** The address bar says what is shown: / /orders /orders/:id /control. */
import { type ComponentChildren, createContext, type JSX, type TargetedMouseEvent } from "preact";
import { useContext, useEffect, useMemo, useState } from "preact/hooks";

export interface Route {
  path: string;
  query: URLSearchParams;
}

const Current = createContext<Route>({ path: "/", query: new URLSearchParams() });
const MOVED = "ordersys:moved";

export function useRoute(): Route {
  return useContext(Current);
}

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  dispatchEvent(new Event(MOVED));
}

export function Router({ children }: { children: ComponentChildren }) {
  const [href, setHref] = useState(location.href);
  useEffect(() => {
    const look = () => setHref(location.href);
    addEventListener("popstate", look);
    addEventListener(MOVED, look);
    return () => {
      removeEventListener("popstate", look);
      removeEventListener(MOVED, look);
    };
  }, []);
  const route = useMemo(() => {
    const url = new URL(href);
    return { path: url.pathname.replace(/(.)\/$/, "$1"), query: url.searchParams };
  }, [href]);
  return <Current.Provider value={route}>{children}</Current.Provider>;
}

/** A link within the page; with a modifier key the browser does as always. */
export function Link({ href, ...rest }: JSX.IntrinsicElements["a"] & { href: string }) {
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...rest} href={href} onClick={follow} />;
}
