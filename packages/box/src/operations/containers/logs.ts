import { existsSync } from 'node:fs';
import { readLog } from '@boxkit/launcher';
import type { DiskStore } from '@boxkit/store';
import { detailsOf } from './details.ts';
import { findContainer, wrongState } from './find.ts';
import type { LogLine, LogOptions } from './types.ts';

/** What a detached container wrote; with `follow`, until it has ended or is gone. */
export async function* logs(store: DiskStore, text: string, options: LogOptions): AsyncGenerator<LogLine, void> {
  const record = await findContainer(store, text);
  if (!detailsOf(record).detached) {
    const hint = 'Start it with --detach to have a log.';
    throw wrongState(record, 'show the log of', 'its output went to who started it', hint);
  }
  const { follow, ...others } = options;
  const ended = async (): Promise<boolean> => {
    const now = existsSync(record.path) ? await store.containers.find(record.containerId) : undefined;
    return now === undefined || now.status === 'exited';
  };
  yield* readLog(record.path, { ...others, ...(follow === true ? { follow: { ended } } : {}) });
}
