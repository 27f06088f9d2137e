import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "compat-tests/**"],
    testTimeout: 30_000,
    pool: "forks",
  },
});
