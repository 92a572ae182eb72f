import type { ImageConfig } from '@boxkit/contracts';
import type { ConfigDifference } from './image-look.ts';

/** What a container would be given otherwise, field by field; lists of `KEY=VALUE` and maps by their keys. */
export function compareConfigs(a: ImageConfig, b: ImageConfig): readonly ConfigDifference[] {
  const [before, after] = [flatten(a), flatten(b)];
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((field): ConfigDifference[] => {
    const [one, two] = [before.get(field), after.get(field)];
    if (JSON.stringify(one) === JSON.stringify(two)) return [];
    return [{ field, ...(one === undefined ? {} : { before: one }), ...(two === undefined ? {} : { after: two }) }];
  });
}

function flatten({ os, architecture, variant, author, config = {} }: ImageConfig): Map<string, unknown> {
  const fields = new Map<string, unknown>(Object.entries({ os, architecture, variant, author }));
  for (const [name, value] of Object.entries(config)) {
    if (value === null || value === undefined) continue;
    if (name === 'Env' && Array.isArray(value)) {
      for (const pair of value.map(String))
        fields.set(`config.Env.${pair.split('=', 1)[0]}`, pair.slice(pair.indexOf('=') + 1));
    } else if (typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) fields.set(`config.${name}.${key}`, inner);
    } else {
      fields.set(`config.${name}`, value);
    }
  }
  return fields;
}
