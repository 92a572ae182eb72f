import type { PlannedContainer, SystemCall } from '@boxkit/contracts';

/**
 * What starting a planned container does between the host and the container's program, in order: each system call with its
 * arguments and its reason. Of a plan that another program starts in its own way there is nothing to tell: no calls.
 */
export function explain({ plan }: Pick<PlannedContainer, 'plan'>): readonly SystemCall[] {
  return plan.descriptors.flatMap((descriptor) => (descriptor.kind === 'system-calls' ? descriptor.calls : []));
}
