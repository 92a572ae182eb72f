// The only module of the room that loads zod; imported when a plugin of a stranger is registered.
import { BoxError } from '@boxkit/contracts';
import { z } from 'zod';

const method = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be lower-case letters, digits, ".", "_" and "-"');
const stage = z.looseObject({ name: z.string().min(1), run: method });

const scheme = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case letters, digits and "-"');

/** What each contribution must look like. Loose: a plugin's objects may carry more than the contract asks. */
const shapes = {
  plugin: z.looseObject({
    name: z.string().regex(/^(?:@[a-z0-9._-]+\/)?[a-z0-9._-]+$/, 'must be like an npm package name'),
    setup: method,
  }),
  source: z.looseObject({
    scheme,
    description: z.string(),
    resolve: method,
    detect: method.optional(),
    normalize: method.optional(),
  }),
  destination: z.looseObject({
    scheme,
    description: z.string(),
    holdsMany: z.boolean().optional(),
    write: method,
    normalize: method.optional(),
  }),
  rootfsDriver: z.looseObject({ name, probe: method, prepare: method }),
  isolator: z.looseObject({ name, capabilities: method, probe: method, plan: method }),
  stage: z.object({ after: z.enum(['fetch', 'manifest', 'apply', 'isolate']), stage }),
  observer: method,
  command: z.looseObject({ name, summary: z.string(), help: z.string(), run: method }),
} as const;

export type ShapeName = keyof typeof shapes;

export type CheckShape = (shape: ShapeName, value: unknown, plugin: string) => void;

/** Throws ERR_BOX_PLUGIN_INVALID that names the plugin and the first wrong field. */
export const checkShape: CheckShape = (shape, value, plugin) => {
  const result = shapes[shape].safeParse(value);
  if (result.success) return;
  const [issue] = result.error.issues;
  const field = [shape, ...(issue?.path ?? [])].join('.');
  throw new BoxError('ERR_BOX_PLUGIN_INVALID', `plugin ${plugin}: ${field}: ${issue?.message ?? 'wrong shape'}`, {
    hint: 'docs/guide/plugins.md shows what each contribution looks like.',
    fields: { plugin, field },
  });
};
