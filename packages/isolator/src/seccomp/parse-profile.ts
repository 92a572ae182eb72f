import { BoxError } from '@boxkit/contracts';
import type { SeccompArgument, SeccompProfile, SeccompRule, SeccompScope } from './profile.ts';

const operators = new Set(['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`));

/**
 * Reads a docker-format profile. Throws ERR_BOX_CONFIG_INVALID that names the file and the field:
 * a filter that was half understood would protect from half of what its author meant.
 */
export function parseSeccompProfile(text: string, file: string): SeccompProfile {
  const hint = "The format is that of docker's --security-opt seccomp=FILE.";
  const fail = (where: string, what: string): never => {
    throw new BoxError('ERR_BOX_CONFIG_INVALID', `cannot use the seccomp profile ${file}: ${where}: ${what}`, {
      hint,
      fields: { file, where },
    });
  };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new BoxError('ERR_BOX_CONFIG_INVALID', `cannot use the seccomp profile ${file}: it is no JSON`, {
      hint,
      cause,
    });
  }
  const object = (value: unknown, where: string): Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : fail(where, 'must be an object');
  const list = (value: unknown, where: string): readonly unknown[] =>
    value === undefined || value === null ? [] : Array.isArray(value) ? value : fail(where, 'must be a list');
  const string = (value: unknown, where: string): string =>
    typeof value === 'string' ? value : fail(where, 'must be a string');
  const whole = (value: unknown, where: string): number =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : fail(where, 'must be a whole number');

  function scope(value: unknown, where: string): SeccompScope {
    if (value === undefined || value === null) return {};
    const { caps, arches, minKernel } = object(value, where);
    return {
      ...(caps ? { caps: list(caps, `${where}.caps`).map((name) => string(name, `${where}.caps`)) } : {}),
      ...(arches ? { arches: list(arches, `${where}.arches`).map((name) => string(name, `${where}.arches`)) } : {}),
      ...(minKernel ? { minKernel: string(minKernel, `${where}.minKernel`) } : {}),
    };
  }

  function argument(value: unknown, where: string): SeccompArgument {
    const fields = object(value, where);
    const op = string(fields['op'], `${where}.op`);
    if (!operators.has(op)) fail(`${where}.op`, `${op} is no operator`);
    const index = whole(fields['index'], `${where}.index`);
    if (index > 5) fail(`${where}.index`, 'a system call has six arguments');
    const number = (name: string): bigint => BigInt(whole(fields[name] ?? 0, `${where}.${name}`));
    return { index, op, value: number('value'), valueTwo: number('valueTwo') };
  }

  function rule(value: unknown, where: string): SeccompRule {
    const fields = object(value, where);
    const names = fields['names'] === undefined ? [fields['name']] : list(fields['names'], `${where}.names`);
    const errnoRet = fields['errnoRet'];
    return {
      names: names.map((name) => string(name, `${where}.names`)),
      action: string(fields['action'], `${where}.action`),
      ...(typeof errnoRet === 'number' ? { errnoRet: whole(errnoRet, `${where}.errnoRet`) } : {}),
      args: list(fields['args'], `${where}.args`).map((item, index) => argument(item, `${where}.args[${index}]`)),
      includes: scope(fields['includes'], `${where}.includes`),
      excludes: scope(fields['excludes'], `${where}.excludes`),
    };
  }

  const root = object(document, 'the document');
  const defaultErrnoRet = root['defaultErrnoRet'];
  return {
    defaultAction: string(root['defaultAction'], 'defaultAction'),
    ...(typeof defaultErrnoRet === 'number' ? { defaultErrnoRet } : {}),
    syscalls: list(root['syscalls'], 'syscalls').map((item, index) => rule(item, `syscalls[${index}]`)),
  };
}
