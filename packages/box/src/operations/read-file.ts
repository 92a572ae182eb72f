import { constants, createReadStream } from 'node:fs';
import { BoxError } from '@boxkit/contracts';
import type { AppliedImage } from '@boxkit/contracts';
import { composeStages } from '@boxkit/core';
import { viewRootfs } from '@boxkit/linux';
import type { UnpackOptions } from '../options.ts';
import { applyLimits } from './apply-limits.ts';
import type { Machine } from './machine.ts';
import { openScope, platformOption } from './machine.ts';
import { obtain } from './obtain.ts';

/** The bytes of one file of an image, found as a process inside would find it; nothing is mounted or started. */
export async function* readFile(
  text: string,
  path: string,
  options: UnpackOptions,
  machine: Machine,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using scope = openScope(machine, options);
  const platform = await platformOption(options.platform);
  const { pull, concurrency } = options;
  const how = { ...platform, ...(pull && { pull }), ...(concurrency && { concurrency }), apply: applyLimits(options) };
  const { found, row } = await obtain(text, how, scope);
  const applied = (await composeStages(row).run(found.reference as never, scope.context)) as AppliedImage;
  const file = viewRootfs(applied.rootfs).find(path);
  const what = `cannot read ${path} of ${found.reference.text}`;
  if (file === undefined) throw notReadable(`${what}: there is no such file, or it is not this user's to read`);
  if (!file.stats.isFile())
    throw notReadable(`${what}: it is ${file.stats.isDirectory() ? 'a directory' : 'no regular file'}`);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  // The type says a string or flags by name; node:fs takes the number, as for open().
  const stream = createReadStream(file.hostPath, { flags: flags as unknown as string, signal: scope.context.signal });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    scope.context.signal.throwIfAborted();
    throw notReadable(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function notReadable(message: string, cause?: unknown): BoxError {
  return new BoxError('ERR_BOX_FILE_UNREADABLE', message, cause === undefined ? {} : { cause });
}
