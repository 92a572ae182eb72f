import { toFailure } from './job-failure.ts';
import type { JobReply, JobRequest } from './rootfs-job.ts';
import { runJob } from './run-job.ts';

/** Entry point of a process inside a user namespace: takes jobs one after the other. */

const reply = (message: JobReply): void => {
  process.send?.(message);
};

let previous: Promise<void> = Promise.resolve();
function take({ sequence, job }: JobRequest): void {
  previous = previous.then(async () => {
    try {
      reply({ sequence, result: await runJob(job, (event) => reply({ sequence, event })) });
    } catch (error) {
      reply({ sequence, error: toFailure(error) });
    }
  });
}

process.on('message', (message) => take(message as JobRequest));
// Whoever asked is gone: nothing that is made now would ever be used.
process.on('disconnect', () => process.exit(1));
