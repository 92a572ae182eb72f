import { BoxError, isBoxError } from '@boxkit/contracts';
import type { Bundle, Image, Store } from '@boxkit/contracts';
import type { PlanOptions } from '../../options.ts';
import { openIndexed } from '../look/open-look.ts';
import type { Machine } from '../machine.ts';
import { plan } from '../plan.ts';
import { layerSteps } from './layer-steps.ts';
import type { ScriptBackend } from './run-script.ts';
import { formatScript } from './script.ts';
import { type ScriptBlobs, type ScriptSource, storeBlobs } from './script-blobs.ts';

export interface ScriptOptions extends PlanOptions {
  /** What starts the process; default `unshare`. */
  readonly backend?: ScriptBackend;
  /** Where the script has the blobs from: the store's files, or by curl the registry of the reference. Default `store`. */
  readonly from?: ScriptSource;
}

/** A commented POSIX shell script that does by hand what `run` would do. Throws ERR_BOX_NOT_ENFORCEABLE for what such a script cannot. */
export async function explainScript(text: string, options: ScriptOptions, machine: Machine): Promise<string> {
  const { backend = 'unshare', from = 'store', ...planOptions } = options;
  await using look = await openIndexed(text, options, machine);
  const { image, indexed } = look;
  const blobs = from === 'store' ? storeBlobs(machine.store) : await downloads(image, machine);
  await requireBlobs(image, machine.store);
  const bundle = await findBundle(text, planOptions, machine);
  const steps = await layerSteps(indexed, machine.store);
  return formatScript({ image, indexed, steps, backend, blobs, ...(bundle === undefined ? {} : { bundle }) });
}

async function downloads({ reference }: Image, machine: Machine): Promise<ScriptBlobs> {
  return (await import('./registry-blobs.ts')).registryBlobs(reference, machine);
}

/** Undefined when neither the image nor the caller says what to run: the script unpacks only. */
async function findBundle(text: string, options: PlanOptions, machine: Machine): Promise<Bundle | undefined> {
  try {
    return (await plan(text, options, machine)).bundle;
  } catch (error) {
    if (isBoxError(error, 'ERR_BOX_COMMAND_EMPTY')) return undefined;
    throw error;
  }
}

/** A layer that is extracted is usable without its blob; by hand it is not. */
async function requireBlobs({ reference, layers }: Image, store: Store): Promise<void> {
  for (const { descriptor } of layers) {
    if (await store.blobs.has(descriptor.digest)) continue;
    throw new BoxError(
      'ERR_BOX_BLOB_MISSING',
      `cannot write a script for ${reference.text}: the store lacks ${descriptor.digest}`,
      {
        hint: `Bring it back with \`box pull ${reference.text}\`.`,
        fields: { digest: descriptor.digest },
      },
    );
  }
}
