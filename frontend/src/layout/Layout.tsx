import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { LANGS, useLangChoice } from "../locale/lang";
import { Link, useRoute } from "../router";
import { useTheme } from "./theme";
import { WORDS } from "./words";

/** What is around every view. */
export function Layout({ children }: { children: ComponentChildren }) {
  const { lang } = useLangChoice();
  const words = WORDS[lang];
  const main = useRef<HTMLElement>(null);
  useArrival(main);
  const skip = (event: Event) => {
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {words.skip}
      </a>
      <header class="board">
        <div class="board-row">
          <Link class="brand" href="/">
            <Plane />
            ordersys
          </Link>
          <Nav />
          <Switches />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <footer class="foot">{words.foot}</footer>
    </>
  );
}

function Nav() {
  const { path } = useRoute();
  const { lang } = useLangChoice();
  const words = WORDS[lang];
  const places = [
    { href: "/", name: words.flights, here: path === "/" },
    { href: "/orders", name: words.orders, here: path.startsWith("/orders") },
    { href: "/control", name: words.control, here: path.startsWith("/control") },
  ];
  return (
    <nav aria-label={words.nav}>
      {places.map(({ href, name, here }) => (
        <Link key={href} href={href} aria-current={here ? "page" : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}

function Switches() {
  const { lang, choose } = useLangChoice();
  const [theme, toggle] = useTheme();
  const words = WORDS[lang];
  const next = theme === "dark" ? words.toLight : words.toDark;
  return (
    <div class="switches">
      <div role="group" aria-label={words.language} class="langs">
        {LANGS.map((one) => (
          <button key={one} type="button" lang={one} aria-pressed={one === lang} onClick={() => choose(one)}>
            <span aria-hidden="true">{one.toUpperCase()}</span>
            <span class="visually-hidden">{words.langs[one]}</span>
          </button>
        ))}
      </div>
      <button type="button" class="theme" title={next} aria-label={next} onClick={toggle}>
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="10" cy="10" r="7.5" fill="none" stroke="currentColor" stroke-width="1.8" />
          <path d="M10 2.5a7.5 7.5 0 0 1 0 15z" fill="currentColor" />
        </svg>
      </button>
    </div>
  );
}

function Plane() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" class="plane">
      <path d="M4 19 28 8 20 27l-4-8z" fill="currentColor" />
    </svg>
  );
}

/** Another view was opened: the reader starts at its top, and a screen reader says what it is. */
function useArrival(main: { current: HTMLElement | null }): void {
  const { path } = useRoute();
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
}
