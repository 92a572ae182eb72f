import type { SystemCall, SystemCallArgument } from '@boxkit/contracts';
import { capabilityNames } from './capabilities.ts';
import * as constants from './constants.ts';

type Formatter = (argument: SystemCallArgument, call: SystemCall) => string | undefined;

/** How numbers are shown, by system call and position of the argument. */
export const namedArguments: Readonly<Record<string, Readonly<Record<number, Formatter>>>> = {
  mount: { 3: flags('MS_') },
  umount2: { 1: flags('MNT_') },
  unshare: { 0: flags('CLONE_') },
  open_tree: { 2: flags('OPEN_TREE_', 'AT_RECURSIVE') },
  move_mount: { 4: flags('MOVE_MOUNT_') },
  mount_setattr: { 2: flags('AT_EMPTY_PATH', 'AT_RECURSIVE') },
  fsconfig: { 1: exactly('FSCONFIG_') },
  fsopen: { 1: exactly('FSOPEN_') },
  fsmount: { 1: exactly('FSMOUNT_'), 2: octal },
  openat: { 2: flags('O_'), 3: octal },
  mkdirat: { 2: octal },
  mknodat: { 2: octal },
  fchmodat: { 2: octal },
  umask: { 0: octal },
  prctl: { 0: exactly('PR_SET_', 'PR_CAPBSET_DROP', 'PR_CAP_AMBIENT'), 1: capability },
  unlinkat: { 2: flags('AT_REMOVEDIR') },
};

/** The names of the bits of a number, among the constants with these prefixes. */
function flags(...prefixes: readonly string[]): Formatter {
  return (argument) => {
    if (typeof argument !== 'number' || argument === 0) return undefined;
    let rest = argument;
    const names: string[] = [];
    for (const [name, value] of known(prefixes)) {
      if (value === 0 || (rest & value) !== value) continue;
      names.push(name);
      rest &= ~value;
    }
    return [...names, ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join('|');
  };
}

/** The name of a number, among the constants with these prefixes. */
function exactly(...prefixes: readonly string[]): Formatter {
  return (argument) => known(prefixes).find(([, value]) => value === argument)?.[0];
}

function known(prefixes: readonly string[]): readonly (readonly [string, number])[] {
  return Object.entries(constants).flatMap(([name, value]) =>
    typeof value === 'number' && prefixes.some((prefix) => name.startsWith(prefix)) ? [[name, value] as const] : [],
  );
}

function octal(argument: SystemCallArgument): string | undefined {
  return typeof argument === 'number' ? `0${argument.toString(8)}` : undefined;
}

function capability(argument: SystemCallArgument, { args }: SystemCall): string | undefined {
  if (args[0] !== constants.PR_CAPBSET_DROP || typeof argument !== 'number') return undefined;
  return capabilityNames[argument];
}
