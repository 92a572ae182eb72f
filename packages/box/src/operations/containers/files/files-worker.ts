import { once } from 'node:events';
import { isBoxError } from '@boxkit/contracts';
import type { BytePath } from '@boxkit/layer-applier';
import { enteredRoot } from '@boxkit/linux';
import type { FailureData } from '../supervisor-protocol.ts';
import type { FilesJob, FilesReport } from './files-job.ts';
import { openRoot } from './open-inside.ts';
import { told } from './told.ts';

/*
 * A process that works on one container's files, started by inside.ts: as root of the container's user namespace, with
 * the container's root as descriptor 3, a job as its argument, and standard streams for bytes and reports.
 */

/** The container's root. */
const inside = enteredRoot;
const job = JSON.parse(process.argv[2] ?? '') as FilesJob;

try {
  await work(job);
} catch (error) {
  process.exitCode = 1;
  report({ error: failureOf(error) });
}

async function work(wanted: FilesJob): Promise<void> {
  switch (wanted.do) {
    case 'changes': {
      const { TreeChanges } = await import('./tree-changes.ts');
      return writeLines(new TreeChanges(wanted.tree));
    }
    case 'pack': {
      const { packTree } = await import('./pack-tree.ts');
      const how = { ...wanted.options, onSkipped };
      return told(`copy ${wanted.source}`, () => packTree({ root: inside, path: wanted.source }, 1, how));
    }
    case 'layer': {
      const { packContainer } = await import('@boxkit/layer-applier');
      const { warningsOf } = await import('../../make/pack-warnings.ts');
      const warnings = warningsOf({ emit: (event) => report({ event }) });
      const onWarning = (code: string, path: BytePath): void => warnings.add(code, path);
      await writeChunks(packContainer(wanted.files, { what: wanted.what, onWarning }));
      warnings.tell();
      return;
    }
    case 'unpack': {
      const { unpackTar } = await import('./unpack-tar.ts');
      const how = { ...wanted.options, onSkipped };
      return told(`copy a tar to ${wanted.target}`, () => unpackTar(0, { root: inside, path: wanted.target }, how));
    }
    case 'copy-in':
    case 'copy-out': {
      const { copy } = await import('./copy-sides.ts');
      const { source, target, options } = wanted;
      using host = openRoot('/');
      const [from, to] = wanted.do === 'copy-in' ? [host.fd, inside] : [inside, host.fd];
      const how = { ...options, onSkipped };
      told(`copy ${source} to ${target}`, () => copy({ root: from, path: source }, { root: to, path: target }, how));
    }
  }
}

function onSkipped(name: string, what: string): void {
  report({ event: { type: 'warning', code: 'copy-skipped', message: `${name} is ${what} and was not copied` } });
}

async function writeChunks(chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

async function writeLines(values: Iterable<unknown>): Promise<void> {
  let lines = '';
  for (const value of values) {
    lines += `${JSON.stringify(value)}\n`;
    if (lines.length < 65_536) continue;
    if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
    lines = '';
  }
  process.stdout.write(lines);
}

function report(what: FilesReport): void {
  process.stderr.write(`${JSON.stringify(what)}\n`);
}

function failureOf(error: unknown): FailureData {
  if (isBoxError(error)) {
    const { code, message, hint, fields } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), fields };
  }
  return { code: 'ERR_BOX_FILE_UNREADABLE', message: error instanceof Error ? error.message : String(error) };
}
