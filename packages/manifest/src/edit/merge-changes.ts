import type { ConfigChanges } from './config-changes.ts';

const maps = ['env', 'labels', 'annotations', 'ports', 'volumes'] as const;

/** Changes of a configuration and others made after them, as one. */
export function mergeChanges(first: ConfigChanges, then: ConfigChanges): ConfigChanges {
  const { cmd, ...others } = first;
  // What a new entrypoint takes away of an image it takes away of earlier changes too.
  const keepsCommand = cmd !== undefined && (then.entrypoint === undefined || then.cmd !== undefined);
  const joined = maps.flatMap((name) => {
    const earlier = then.clear?.includes(name) ? undefined : first[name];
    return earlier === undefined && then[name] === undefined ? [] : [[name, { ...earlier, ...then[name] }] as const];
  });
  const clear = [...new Set([...(first.clear ?? []), ...(then.clear ?? [])])];
  return {
    ...others,
    ...(keepsCommand ? { cmd } : {}),
    ...then,
    ...Object.fromEntries(joined),
    ...(clear.length === 0 ? {} : { clear }),
  };
}
