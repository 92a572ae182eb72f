import { isolationFeatures, type IsolationFeature, type Isolator } from '@boxkit/contracts';

/** These depend on the machine, so that a page can only say on what. */
const delegated: ReadonlySet<IsolationFeature> = new Set(['memory-limit', 'cpu-limit', 'pids-limit']);

/** What each backend enforces, as root and as an ordinary user, as a table in Markdown with the reasons below it. */
export function capabilityTable(isolators: readonly Isolator[]): string {
  const columns = isolators.flatMap((isolator) =>
    (['root', 'user'] as const).map((privilege) => ({ isolator, privilege })),
  );
  const reasons: string[] = [];
  const note = (reason: string): string => {
    if (!reasons.includes(reason)) reasons.push(reason);
    return `no (${reasons.indexOf(reason) + 1})`;
  };
  const rows = isolationFeatures.map((feature) => {
    const cells = columns.map(({ isolator, privilege }) => {
      const answer = isolator.capabilities(privilege)[feature];
      const isMachines = delegated.has(feature) && isolator.capabilities(privilege)['ulimits'] === true;
      if (isMachines) return 'with cgroups';
      if (feature === 'network-private' && isolator.capabilities(privilege)['network-none'] === true)
        return 'with a tool';
      return answer === true ? 'yes' : note(answer);
    });
    return `| ${feature} | ${cells.join(' | ')} |`;
  });
  const head = columns.map(({ isolator, privilege }) => `${isolator.name}, ${privilege}`);
  return [
    `| | ${head.join(' | ')} |`,
    `|---|${head.map(() => '---|').join('')}`,
    ...rows,
    '',
    ...reasons.map((reason, at) => `${at + 1}. ${reason}`),
    '',
  ].join('\n');
}
