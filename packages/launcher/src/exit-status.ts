import { BoxError, type ExitStatus, type LaunchPlan, type PlannedContainer, type SystemCall } from '@boxkit/contracts';
import type { ProcessEnd, StubReport } from '@boxkit/linux';
import { diagnose } from './diagnose.ts';
import { signalName } from './process-table.ts';
import { setupHint } from './setup-hint.ts';

/** How the host program ended. */
export interface HostProgramEnd extends ProcessEnd {
  /** The signal that the launcher replaced by SIGKILL, if it did. */
  readonly meant?: number;
}

/** The container's exit status. Throws ERR_BOX_CONTAINER_SETUP when it never came to start the command. */
export function exitStatus(
  { plan, bundle }: PlannedContainer,
  end: HostProgramEnd,
  reports: readonly StubReport[],
): ExitStatus {
  const failure = reports.find((report) => report.kind === 'failed');
  if (failure !== undefined) {
    const call = reports.some(({ kind }) => kind === 'ready') ? undefined : failedCall(plan, failure);
    if (call !== undefined || failure.position < 0) throw setupError(plan, failure.errno, call);
    return diagnose(bundle, failure.errno);
  }
  if (end.meant !== undefined) return killed(end.meant);
  const ended = reports.find((report) => report.kind === 'ended');
  if (ended !== undefined) return ended.signal === undefined ? { code: ended.code } : killed(ended.signal);
  if (end.signal !== null) return killed(end.signal);
  const code = end.code ?? 125;
  if (plan.report === 'stub' && !reports.some(({ kind }) => kind === 'ready')) {
    throw new BoxError(
      'ERR_BOX_CONTAINER_SETUP',
      `cannot set up the container with ${plan.isolator}: its program ended with status ${code} before the command was started`,
      { hint: 'What it printed on standard error says why.', fields: { status: code } },
    );
  }
  return { code };
}

function killed(number: number): ExitStatus {
  const signal = signalName(number);
  return { code: 128 + number, ...(signal === undefined ? {} : { signal }) };
}

function failedCall(plan: LaunchPlan, { list, position }: { list: number; position: number }): SystemCall | undefined {
  const found = plan.descriptors.find(({ fd }) => fd === list);
  return found?.kind === 'system-calls' ? found.calls[position] : undefined;
}

function setupError(plan: LaunchPlan, errno: string, call: SystemCall | undefined): BoxError {
  const hint = call === undefined ? undefined : setupHint(call, errno);
  const what = call === undefined ? 'reading its list of system calls' : `${call.name} (${call.why})`;
  return new BoxError(
    'ERR_BOX_CONTAINER_SETUP',
    `cannot set up the container with ${plan.isolator}: ${what}: ${errno}`,
    {
      ...(hint === undefined ? {} : { hint }),
      fields: { errno, ...(call === undefined ? {} : { syscall: call.name, why: call.why }) },
    },
  );
}
