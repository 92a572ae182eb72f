import type { ContainerSummary } from '@boxkit/box';
import { usage } from '../args/parse.ts';

type Test = (container: ContainerSummary, value: string) => boolean;

const tests: Readonly<Record<string, Test>> = {
  ancestor: ({ reference }, value) => reference === value || reference === `${value}:latest`,
  exited: ({ status, exit }, value) => status === 'exited' && String(exit?.code) === value,
  id: ({ containerId }, value) => containerId.startsWith(value),
  label: ({ labels }, value) => {
    const [, key = '', wanted] = /^([^=]*)(?:=(.*))?$/s.exec(value) ?? [];
    return Object.hasOwn(labels, key) && (wanted === undefined || labels[key] === wanted);
  },
  name: ({ name }, value) => name.includes(value),
  status: ({ status }, value) => status === value,
};

const states: readonly string[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'exited',
] satisfies ContainerSummary['status'][];

/** `--filter KEY=VALUE` as docker has it: of one key any value may fit, of several keys each must. Throws ERR_BOX_USAGE. */
export function containerFilter(filters: readonly string[]): (container: ContainerSummary) => boolean {
  const wanted = Map.groupBy(filters.map(parse), ({ key }) => key);
  return (container) => [...wanted.values()].every((some) => some.some(({ test, value }) => test(container, value)));
}

function parse(text: string): { readonly key: string; readonly test: Test; readonly value: string } {
  const [, key = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
  if (key === 'status' && !states.includes(value)) {
    throw usage(`option --filter: ${JSON.stringify(value)} is no status`, `There are ${states.join(', ')}.`);
  }
  if (test === undefined) {
    throw usage(
      `option --filter: ${JSON.stringify(text)} is not KEY=VALUE`,
      `The keys: ${Object.keys(tests).join(', ')}.`,
    );
  }
  return { key, test, value };
}
