import type { ExitStatus, LaunchPlan } from '@boxkit/contracts';

/** Why the command could not be started. */
export function diagnose(plan: LaunchPlan, errno: string): ExitStatus {
  const command = plan.command[0] ?? '';
  if (errno === 'ENOENT') return { code: 127, reason: `${command}: not found` };
  return { code: 126, reason: `${command}: ${errno}` };
}
