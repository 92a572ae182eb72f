import type { LaunchPlan, SystemCall, SystemCallArgument } from '@boxkit/contracts';
import { networkArguments } from '../user-network/arguments.ts';
import { namedArguments } from './flag-names.ts';

/** A call as strace would show it, with its reason: `mount("proc", "/proc", "proc", MS_NOSUID)  # why`. */
export function formatSystemCall(call: SystemCall): string {
  const names = namedArguments[call.name] ?? {};
  const shown = call.args.map((argument, at) => names[at]?.(argument, call) ?? formatArgument(argument));
  const notes = [call.why, ...conditions(call)].filter((note) => note !== '');
  const label = call.label === undefined ? '' : `${call.label}: `;
  return `${label}${call.name}(${shown.join(', ')})  # ${notes.join('; ')}`;
}

/** A whole plan as text: the program, its environment, what it inherits, and each list of system calls. */
export function formatPlan(plan: LaunchPlan): string {
  const lines = [
    `# ${plan.isolator}: ${plan.argv.map((word) => JSON.stringify(word)).join(' ')}`,
    ...Object.entries(plan.env).map(([key, value]) => `# with ${key}=${value}`),
    ...plan.warnings.map((warning) => `# warning: ${warning}`),
  ];
  if (plan.network !== undefined)
    lines.push(
      '',
      `# network: ${networkArguments(plan.network)
        .map((word) => JSON.stringify(word))
        .join(' ')}`,
    );
  for (const descriptor of plan.descriptors) {
    const what = descriptor.kind === 'file' ? descriptor.path : descriptor.kind;
    lines.push('', `# descriptor ${descriptor.fd}, ${what}: ${descriptor.purpose}`);
    if (descriptor.kind === 'system-calls') lines.push(...descriptor.calls.map(formatSystemCall));
  }
  return `${lines.join('\n')}\n`;
}

function conditions({ ignore, next = {} }: SystemCall): readonly string[] {
  const jumps = Object.entries(next).map(([when, label]) => `${when}: go to ${label}`);
  if (ignore === undefined) return jumps;
  return [ignore === 'any' ? 'may fail' : `${ignore.join(', ')} is no failure`, ...jumps];
}

function formatArgument(argument: SystemCallArgument): string {
  if (argument === null) return 'NULL';
  if (typeof argument === 'number' || typeof argument === 'bigint') return formatNumber(argument);
  if (typeof argument === 'string') return JSON.stringify(argument);
  if (!('length' in argument)) return formatObject(argument);
  return `[${argument.map((item) => JSON.stringify(item)).join(', ')}]`;
}

function formatNumber(number: number | bigint): string {
  if (number === -100) return 'AT_FDCWD';
  return number >= 4096 ? `0x${number.toString(16)}` : String(number);
}

function formatObject(
  argument: Exclude<SystemCallArgument, number | bigint | string | readonly string[] | null>,
): string {
  if ('result' in argument) return `result of ${argument.result}`;
  if ('buffer' in argument) return `<${argument.buffer}, ${argument.size} bytes>`;
  if ('value' in argument) return `<${argument.value}>+${argument.offset}`;
  if ('words' in argument) return `{${argument.words.map(formatArgument).join(', ')}}`;
  return formatBytes(Buffer.from(argument.bytes));
}

function formatBytes(bytes: Buffer): string {
  const text = bytes.toString();
  if (text !== '' && /^[\t\n\r\x20-\x7e]*$/.test(text)) return JSON.stringify(text);
  return bytes.length <= 32 ? `<${bytes.toString('hex')}>` : `<${bytes.length} bytes>`;
}
