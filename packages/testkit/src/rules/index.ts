import { attributeRules } from './attribute-rules.ts';
import { clashRules } from './clash-rules.ts';
import { formatRules } from './format-rules.ts';
import type { LayerRule } from './layer-rule.ts';
import { markRules } from './mark-rules.ts';
import { nameRules } from './name-rules.ts';

/** All that box holds of layers, by chapters of docs/reference/layer-rules.md. */
export const layerRules: Readonly<Record<string, readonly LayerRule[]>> = {
  'Whiteouts and opaque directories': markRules,
  'Clashes and parents': clashRules,
  'Names and hardlinks': nameRules,
  'Owners, modes, times, xattrs, devices': attributeRules,
  'Formats and compression': formatRules,
};
