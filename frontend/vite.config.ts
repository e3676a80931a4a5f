/// <reference types="vitest/config" />
import { defineConfig, type ProxyOptions } from "vite";

declare const process: { env: Record<string, string | undefined> };

/** As nginx and the api role do: what the page asks of /api is the API's, without the prefix. */
const api: ProxyOptions = {
  target: process.env.ORDERSYS_API ?? "http://127.0.0.1:8080",
  changeOrigin: true,
  rewrite: (path) => path.replace(/^\/api/, ""),
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
