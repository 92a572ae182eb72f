import type { TreeJob } from './rootfs-job.ts';

/** Something that does jobs on trees in order, away from the main thread. */
export interface RootfsWorker extends AsyncDisposable {
  /** Rejects with the job's BoxError, or when the worker dies. */
  run<Result = void>(job: TreeJob): Promise<Result>;
}
