/// <reference types="vitest/config" />
import { defineConfig, type ProxyOptions } from "vite";

declare const process: { env: Record<string, string | undefined> };

/** What is needed here of Node's types. */
interface Proxy {
  on(event: "proxyRes", listener: (from: Answer, request: unknown, to: { destroy: () => void }) => void): void;
}

interface Answer {
  complete: boolean;
  once(event: "close", listener: () => void): void;
}

/** As nginx and the api role do: what the page asks of /api is the API's, without the prefix. */
const api: ProxyOptions = {
  target: process.env.ORDERSYS_API ?? "http://127.0.0.1:8080",
  changeOrigin: true,
  rewrite: (path) => path.replace(/^\/api/, ""),
  // An answer that the API breaks off is broken off here, too: whoever reads a stream would wait for its rest.
  configure: (proxy) => {
    (proxy as unknown as Proxy).on("proxyRes", (from, _, to) => {
      from.once("close", () => {
        if (!from.complete) to.destroy();
      });
    });
  },
};

export default defineConfig({
  server: { port: 5173, proxy: { "/api/": api } },
  preview: { port: 5173, proxy: { "/api/": api } },
  build: {
    target: ["chrome123", "firefox120", "safari17.5"],
    // The page fits into one script and one stylesheet: nothing is loaded later, so nothing can fail to load later.
    modulePreload: false,
    assetsInlineLimit: 0,
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
