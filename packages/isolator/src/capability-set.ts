import { readFileSync } from 'node:fs';
import { BoxError, type LinuxCapability, type RunOptions } from '@boxkit/contracts';
import { capabilityNames, defaultCapabilities } from '@boxkit/linux';

/**
 * Docker's default set, with the caller's additions and removals; `ALL` means all that the caller
 * could have. An addition beats a removal of
 * `ALL`, a removal beats an addition of `ALL`. Throws ERR_BOX_USAGE for a name that is no capability.
 */
export function capabilitySet({ capAdd = [], capDrop = [] }: RunOptions): readonly LinuxCapability[] {
  const added = capAdd.map(parse);
  const dropped = capDrop.map(parse);
  const everything = added.includes('ALL') ? attainable() : [];
  let set: readonly LinuxCapability[] = added.includes('ALL') ? everything : defaultCapabilities;
  if (dropped.includes('ALL')) set = everything;
  const all = new Set<LinuxCapability>(set);
  for (const name of dropped) if (name !== 'ALL') all.delete(name);
  for (const name of added) if (name !== 'ALL') all.add(name);
  return capabilityNames.filter((name) => all.has(name));
}

function parse(text: string): LinuxCapability | 'ALL' {
  const upper = text.toUpperCase();
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  const found = capabilityNames.find((known) => known === name);
  if (found !== undefined) return found;
  throw new BoxError('ERR_BOX_USAGE', `cannot add or drop ${JSON.stringify(text)}: there is no such capability`, {
    hint: 'Names are those of capabilities(7), with or without CAP_, or ALL.',
  });
}

/** Root has those of its bounding set, as in a container; a user has all of them in a user namespace. capabilities(7). */
function attainable(): readonly LinuxCapability[] {
  if (process.geteuid?.() !== 0) return capabilityNames;
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  if (bounding === undefined) return capabilityNames;
  const mask = BigInt(`0x${bounding}`);
  return capabilityNames.filter((_name, number) => ((mask >> BigInt(number)) & 1n) === 1n);
}
