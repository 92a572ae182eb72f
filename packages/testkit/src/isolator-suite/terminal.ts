import { describe, expect, test } from 'vitest';
import type { RunningContainer } from '@boxkit/contracts';
import type { SuiteContext } from './suite-context.ts';

/** A terminal of the container's own. */
export function terminalTests(context: SuiteContext): void {
  describe('the terminal', () => {
    test('is one, has a size, and controls the session', async () => {
      await using container = await context.harness.start(
        ['sh', '-c', 'read x; stty -a; test -t 0 && echo tty; echo > /dev/tty; exit 5'],
        {
          terminal: true,
        },
      );
      container.resize?.(91, 37);
      const output = collect(container);
      container.stdin?.write('go\n');
      expect(await container.exit).toEqual({ code: 5 });
      expect(await output).toMatch(/rows 37; columns 91/);
      expect(await output).toContain('tty');
    });

    test('turns Ctrl-C into a signal for what runs in front', async () => {
      await using container = await context.harness.start(
        ['sh', '-c', 'trap "echo caught; exit 6" INT; echo ready; while :; do sleep 0.05; done'],
        { terminal: true },
      );
      const output = collect(container);
      await new Promise((resolve) => container.stdout?.once('data', resolve));
      container.stdin?.write('\u0003');
      expect(await container.exit).toEqual({ code: 6 });
      expect(await output).toContain('caught');
    });

    test('is what /dev/console is, and belongs to the user', async () => {
      const { harness } = context;
      await using container = await harness.start(
        ['sh', '-c', 'stat -c %u /proc/self/fd/0 -L; echo x > /dev/tty && echo open'],
        {
          terminal: true,
          user: '1000',
        },
      );
      expect(await collect(container)).toMatch(/1000\r\nx\r\nopen/);
    });
  });
}

async function collect({ stdout }: RunningContainer): Promise<string> {
  let output = '';
  for await (const chunk of stdout ?? []) output += String(chunk);
  return output;
}
