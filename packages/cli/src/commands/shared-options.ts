import type { OptionSpec } from '../args/options.ts';

export const platformOption = {
  type: 'value',
  placeholder: 'OS/ARCH[/VARIANT]',
  summary: 'choose the image for this platform (default: this machine)',
} as const satisfies OptionSpec;

export const pullOption = {
  type: 'value',
  placeholder: 'always|missing|never',
  choices: ['always', 'missing', 'never'],
  summary: 'when to ask the source (default: missing; always for files)',
} as const satisfies OptionSpec;

export const budgetOption = {
  type: 'list',
  placeholder: 'NAME=NUMBER',
  summary: 'what the image may cost: bytes, entries, depth ... (docs/reference/config.md)',
} as const satisfies OptionSpec;

export const strictOption = {
  type: 'flag',
  summary: 'fail where an xattr or a device of the image cannot be held, instead of a warning',
} as const satisfies OptionSpec;

export type PullChoice = 'always' | 'missing' | 'never' | undefined;
