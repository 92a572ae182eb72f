import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError, type PlannedContainer } from '@boxkit/contracts';
import { socketName } from '@boxkit/launcher';
import type { Scope } from '../machine.ts';
import { detailsOf } from './details.ts';
import { findContainer, isEnded, wrongState } from './find.ts';
import { readBundle } from './saved-bundle.ts';

export interface PlannedAgain {
  readonly planned: PlannedContainer;
  /** What its record calls the image. */
  readonly reference: string;
}

/**
 * Plans a container that has ended once more, from the bundle that it was made of: the same backend, options and ports,
 * upon the files as it left them. Throws ERR_BOX_CONTAINER_STATE, ERR_BOX_BACKEND_UNKNOWN, and what `plan` throws.
 */
export async function planAgain(containerId: string, scope: Scope): Promise<PlannedAgain> {
  const record = await findContainer(scope.store, containerId);
  if (!isEnded(record)) throw wrongState(record, 'start', 'it runs already');
  const { isolator: name, reference, stop } = detailsOf(record);
  const { isolators } = await scope.plugins.with('isolators');
  const isolator = isolators.find((one) => one.name === name);
  if (isolator === undefined) {
    throw new BoxError(
      'ERR_BOX_BACKEND_UNKNOWN',
      `cannot start the container ${record.name}: there is no backend ${name}`,
    );
  }
  const probe = await isolator.probe();
  if (!probe.available) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', `cannot isolate with ${name}: ${probe.reason}`, {
      ...(probe.hint === undefined ? {} : { hint: probe.hint }),
    });
  }
  const bundle = readBundle(record.path);
  const plan = await isolator.plan(bundle);
  removeSocket(record.path);
  return { reference, planned: { containerId, name: record.name, bundle, plan, stop } };
}

/** A supervisor that was killed left it. */
function removeSocket(directory: string): void {
  try {
    unlinkSync(join(directory, socketName));
  } catch {
    // there is none
  }
}
