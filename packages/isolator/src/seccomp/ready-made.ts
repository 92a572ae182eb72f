/**
 * Filters that were compiled ahead of time, in base64, by `filterKey`: compiling one takes 5 ms, a tenth of a container's
 * start. Empty here; the bundler of the command (packages/cli/build.mjs) fills it with what this package compiles, and
 * a program that uses the library compiles its filter once.
 */
export const readyMade: Readonly<Record<string, string>> = {};

/** What a filter of the default profile depends on, on the kernels that box runs on; the capabilities in any order. */
export function filterKey(architecture: string, capabilities: readonly string[]): string {
  return [architecture, ...capabilities.toSorted()].join(' ');
}
