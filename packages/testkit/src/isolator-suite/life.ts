import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RunningContainer } from '@boxkit/contracts';
import type { SuiteContext } from './suite-context.ts';
import { systemSnapshot } from '../leaks.ts';

/** What no other suite that runs now sleeps: their processes are counted by it. */
const nap = `sleep 731.${process.pid}`;

/** How a container ends, and that nothing is left of it. */
export function lifeTests(context: SuiteContext): void {
  describe('the life', () => {
    /** Starts a script and waits until it has said something. */
    async function started(script: string, signal?: AbortSignal): Promise<RunningContainer> {
      const container = await context.harness.start(['sh', '-c', script], signal === undefined ? {} : { signal });
      await new Promise((resolve) => container.stdout?.once('data', resolve));
      return container;
    }

    test('a signal reaches a process that handles it', async () => {
      await using container = await started('trap "exit 42" TERM; echo ready; while :; do sleep 0.05; done');
      expect(await container.kill('SIGTERM')).toBe(true);
      expect(await container.exit).toEqual({ code: 42 });
    });

    test('a signal that the first process has no handler for ends it all the same', async () => {
      await using container = await context.harness.start(['sleep', '100']);
      await container.kill('SIGTERM');
      expect(await container.exit).toEqual({ code: 128 + 15, signal: 'SIGTERM' });
    });

    test('an ignored signal is ignored', async () => {
      await using container = await started('trap "" USR1; echo ready; sleep 0.3; exit 7');
      await container.kill('SIGUSR1');
      expect(await container.exit).toEqual({ code: 7 });
    });

    test('an ended container is not signalled', async () => {
      await using container = await context.harness.start(['true']);
      await container.exit;
      expect(await container.kill('SIGTERM')).toBe(false);
    });

    test('stop asks first and kills after the time-out', async () => {
      await using container = await started('trap "" TERM; echo ready; while :; do sleep 0.05; done');
      expect(await container.stop({ timeout: 100 })).toMatchObject({ code: 128 + 9, signal: 'SIGKILL' });
    });

    test('an abort ends the whole tree, sessions of its own too', async () => {
      const controller = new AbortController();
      const before = systemSnapshot(nap).processes.length;
      await using container = await started(
        `setsid sh -c "${nap} & setsid ${nap} & ${nap}" & ${nap} & echo ready; ${nap}`,
        controller.signal,
      );
      controller.abort();
      await container.exit;
      expect(await settled(() => systemSnapshot(nap).processes.length, before)).toBe(before);
    });

    test('an abort before the start rejects with its reason, at whatever moment it comes', async () => {
      for (const moment of [0, 2, 5, 10]) {
        const controller = new AbortController();
        const reason = new Error('not any more');
        setTimeout(() => controller.abort(reason), moment);
        const container = await context.harness
          .start(['sleep', '100'], { signal: controller.signal })
          .catch((error: unknown) => error);
        const ended = container instanceof Error ? container : await (container as RunningContainer).exit;
        expect([reason, { code: 137, signal: 'SIGKILL' }, { code: 137 }]).toContainEqual(ended);
      }
    });

    test('processes left by the first process end with it', async () => {
      const before = systemSnapshot(nap).processes.length;
      await context.harness.run(['sh', '-c', `setsid ${nap} >/dev/null 2>&1 & exit 0`]);
      expect(await settled(() => systemSnapshot(nap).processes.length, before)).toBe(before);
    });

    test('disposing ends it', async () => {
      const container = await context.harness.start(['sleep', '100']);
      await container[Symbol.asyncDispose]();
      expect(await container.exit).toMatchObject({ code: 137 });
    });

    test('a setup that fails is an error that names the step, and leaves nothing', async () => {
      const rootfs = {
        kind: 'directory',
        path: '/no/such/rootfs',
        idMap: (await context.harness.rootfs()).idMap,
      } as const;
      await expect(context.harness.run(['true'], { rootfs })).rejects.toMatchObject({
        code: 'ERR_BOX_CONTAINER_SETUP',
      });
    });

    test('many containers leave no descriptor, no mount and no process', async () => {
      await context.harness.run(['true']);
      const descriptors = readdirSync('/proc/self/fd').length;
      for (let count = 0; count < 20; count++) await context.harness.run(['true'], { overlay: true });
      await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(descriptors);
      const { mounts, processes } = systemSnapshot(context.harness.directory);
      expect([...mounts, ...processes]).toEqual([]);
    });

    test('an init reaps what the command leaves, hands signals on, and ends as the command does', async () => {
      const { can, harness } = context;
      const script = '(sleep 0.05 &); sleep 0.3; cat /proc/[0-9]*/stat | grep -c ") Z"; exit 11';
      const expected = can('init') ? { code: 11 } : undefined;
      const result = await harness.run(['sh', '-c', script], { init: true }).catch(() => undefined);
      expect(result?.status).toEqual(expected);
      expect(result?.stdout.trim()).toBe(can('init') ? '0' : undefined);
      const container = await harness.start(['sleep', '100'], { init: true }).catch(() => undefined);
      await container?.kill('SIGTERM');
      expect(await container?.exit).toEqual(can('init') ? { code: 143, signal: 'SIGTERM' } : undefined);
    });

    test('limits of memory and of processes hold, and their cgroups are removed', async () => {
      const { can, harness } = context;
      const limits = { pids: 6, memory: 32 * 1024 * 1024 };
      const start = (count: number): string => `for i in $(seq ${count}); do sleep 5 & done; echo all started`;
      const able = can('pids-limit') && can('memory-limit');
      const refused = 'ERR_BOX_NOT_ENFORCEABLE';
      // seq is over by then, and the shell itself is the sixth
      expect(await harness.attempt(start(5), { limits })).toBe(able ? 'all started' : refused);
      expect(await harness.attempt(start(6), { limits })).toBe(able ? '' : refused);
      const hungry = await harness.attempt('dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo $?', {
        limits,
      });
      expect(hungry).toBe(able ? '137' : refused);
      expect(ownCgroups()).toEqual([]);
    });

    test('is told as events', async () => {
      const container = await context.harness.start(['sh', '-c', 'exit 3']);
      await container.exit;
      const { containerId } = container;
      expect(context.harness.events).toContainEqual(
        expect.objectContaining({ type: 'container-started', containerId }),
      );
      expect(context.harness.events).toContainEqual(
        expect.objectContaining({ type: 'container-exited', containerId, code: 3 }),
      );
    });
  });
}

/** Cgroups that this process has had made. */
function ownCgroups(): readonly string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.includes(`box-${process.pid}-`),
  );
}

async function settled(read: () => number, wanted: number): Promise<number> {
  for (let round = 0; round < 1000 && read() !== wanted; round++) await delay(20);
  return read();
}
