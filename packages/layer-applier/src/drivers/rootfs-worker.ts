import { parentPort } from 'node:worker_threads';
import { isBoxError } from '@boxkit/contracts';
import type { JobFailure, JobReply, JobRequest } from './rootfs-job.ts';
import { runJob } from './run-job.ts';

/** Entry point of a thread, or of a process inside a user namespace: takes jobs one after the other. */

const port = parentPort;
const reply = (message: JobReply): void => {
  if (port !== null) port.postMessage(message);
  else process.send?.(message);
};

let previous: Promise<void> = Promise.resolve();
function take({ sequence, job }: JobRequest): void {
  previous = previous.then(async () => {
    try {
      reply({ sequence, result: await runJob(job, (event) => reply({ sequence, event })) });
    } catch (error) {
      reply({ sequence, error: failure(error) });
    }
  });
}

function failure(error: unknown): JobFailure {
  if (isBoxError(error)) {
    const { code, message, hint, fields } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), fields };
  }
  return { code: undefined, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

if (port !== null) {
  port.on('message', take);
} else {
  process.on('message', (message) => take(message as JobRequest));
  // Whoever asked is gone: nothing that is made now would ever be used.
  process.on('disconnect', () => process.exit(1));
}
