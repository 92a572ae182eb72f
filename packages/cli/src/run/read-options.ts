import { readFile } from 'node:fs/promises';
import type { ResourceLimits } from '@boxkit/contracts';
import type { BoxRunOptions } from '@boxkit/box';
import { readApplyLimits } from '../args/budgets.ts';
import { usage } from '../args/parse.ts';
import type { OptionValues } from '../args/options.ts';
import { parseMount } from './mount-option.ts';
import { parseDevice, parseTmpfs, parseVolume } from './mounts.ts';
import { parsePublish } from './publish.ts';
import type { runOptions } from './options.ts';
import {
  fileLines,
  parseBytes,
  parseDuration,
  parseEnvironment,
  parseHost,
  parseLabels,
  parseNumber,
  parseServer,
  parseUlimit,
  wrong,
} from './values.ts';

export type RunValues = OptionValues<typeof runOptions>;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What a command line of `run` asks of a container. Throws ERR_BOX_USAGE for a value that makes no sense. */
export async function readRunOptions(values: RunValues, args: readonly string[]): Promise<BoxRunOptions> {
  const options: Mutable<BoxRunOptions> = {};
  if (args.length > 0) options.args = args;
  if (values.entrypoint !== undefined) options.entrypoint = values.entrypoint === '' ? [] : [values.entrypoint];
  const env = await readEnvironment(values);
  if (Object.keys(env).length > 0) options.env = env;
  if (!values.rm) options.remove = false;
  const labels = await readLabels(values);
  if (Object.keys(labels).length > 0) options.labels = labels;
  if (values.name !== undefined) options.name = values.name;
  if (values.user !== undefined) options.user = values.user;
  if (values.workdir !== undefined) options.workdir = values.workdir;
  // as docker has it, none is the usual one
  if (values.hostname !== undefined && values.hostname !== '') options.hostname = values.hostname;
  if (values.isolation !== undefined) options.isolation = values.isolation;
  if (values['rootfs-driver'] !== undefined) options.rootfsDriver = values['rootfs-driver'];
  if (values.platform !== undefined) options.platform = values.platform;
  Object.assign(options, readApplyLimits(values));
  if (values.pull !== undefined) options.pull = values.pull as NonNullable<BoxRunOptions['pull']>;
  if (values.network !== undefined) options.network = values.network as NonNullable<BoxRunOptions['network']>;
  if (values.publish.length > 0) options.publish = values.publish.map(parsePublish);
  if (values.tty) options.terminal = true;
  if (values['read-only']) options.readOnly = true;
  if (values.init) options.init = true;
  if (values['stop-signal'] !== undefined) options.stopSignal = values['stop-signal'];
  if (values['stop-timeout'] !== undefined)
    options.stopTimeout = parseDuration('--stop-timeout', values['stop-timeout']);
  const all = [...values.volume.map(parseVolume), ...values.mount.map(parseMount), ...values.tmpfs.map(parseTmpfs)];
  const mounts = all.flatMap(({ mount }) => mount ?? []);
  if (mounts.length > 0) options.mounts = mounts;
  const volumes = all.flatMap(({ volume }) => volume ?? []);
  if (volumes.length > 0) options.volumes = volumes;
  if (values.device.length > 0) options.devices = values.device.map(parseDevice);
  if (values['add-host'].length > 0) options.addHosts = values['add-host'].map(parseHost);
  if (values.dns.length > 0) options.dns = values.dns.map(parseServer);
  const limits = readLimits(values);
  if (Object.keys(limits).length > 0) options.limits = limits;
  return { ...options, ...readSecurity(values) };
}

/** `--env` over `--env-file`. Throws ERR_BOX_USAGE. */
export async function readEnvironment(values: Pick<RunValues, 'env' | 'env-file'>): Promise<Record<string, string>> {
  const fromFiles = await readLines('--env-file', values['env-file']);
  return {
    ...parseEnvironment('--env-file', fromFiles, process.env),
    ...parseEnvironment('--env', values.env, process.env),
  };
}

/** `--label` over `--label-file`. Throws ERR_BOX_USAGE. */
async function readLabels(values: Pick<RunValues, 'label' | 'label-file'>): Promise<Record<string, string>> {
  return parseLabels([...(await readLines('--label-file', values['label-file'])), ...values.label]);
}

async function readLines(option: string, files: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw usage(`option ${option}: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
    });
    lines.push(...fileLines(option, file, text));
  }
  return lines;
}

function readSecurity(values: RunValues): BoxRunOptions {
  const options: Mutable<BoxRunOptions> = {};
  const [capAdd, capDrop] = [names(values['cap-add']), names(values['cap-drop'])];
  if (capAdd.length > 0) options.capAdd = capAdd;
  if (capDrop.length > 0) options.capDrop = capDrop;
  if (values['no-new-privileges'] !== undefined) options.noNewPrivileges = values['no-new-privileges'];
  for (const option of values['security-opt']) {
    const [, name, value] = /^([^=:]+)(?:[=:](.*))?$/.exec(option) ?? [];
    // neither SELinux nor AppArmor is ever asked for anything
    if (['label=disable', 'label:disable', 'apparmor=unconfined', 'apparmor:unconfined'].includes(option)) continue;
    if (name === 'seccomp' && value === 'builtin') delete options.seccomp;
    else if (name === 'seccomp' && value !== undefined && value !== '') options.seccomp = value;
    else if (name === 'no-new-privileges' && /^(?:true|false)?$/.test(value ?? ''))
      options.noNewPrivileges = value !== 'false';
    else throw wrong('--security-opt', option, 'seccomp=FILE, seccomp=unconfined or no-new-privileges');
  }
  return options;
}

/** Several may stand together: `CHOWN,KILL`. */
function names(given: readonly string[]): readonly string[] {
  return given.flatMap((text) => text.split(','));
}

/** The kernel takes a size of 0 for no limit. */
function positive(option: string, text: string): number {
  const bytes = parseBytes(option, text);
  if (bytes === 0) throw wrong(option, text, 'a size above 0');
  return bytes;
}

/** With less the kernel ends a container before its command starts. */
const leastMemory = 2 ** 20;

function parseMemory(text: string): number {
  const bytes = parseBytes('--memory', text);
  if (bytes < leastMemory) throw wrong('--memory', text, 'at least 1m');
  return bytes;
}

/** The kernel counts in milliseconds of a tenth of a second. */
function parseProcessors(text: string): number {
  const number = parseNumber('--cpus', text, { fraction: true });
  if (number < 0.01) throw wrong('--cpus', text, 'at least 0.01');
  return number;
}

/** Docker's words for no limit are 0 and, for processes, -1. */
function readLimits(values: RunValues): ResourceLimits {
  const limits: Mutable<ResourceLimits> = {};
  const { memory, cpus, 'pids-limit': pids } = values;
  if (memory !== undefined && memory !== '0') limits.memory = parseMemory(memory);
  if (cpus !== undefined && cpus !== '0') limits.cpus = parseProcessors(cpus);
  if (pids !== undefined && pids !== '0' && pids !== '-1') limits.pids = parseNumber('--pids-limit', pids);
  if (values['shm-size'] !== undefined) limits.shmSize = positive('--shm-size', values['shm-size']);
  if (values.ulimit.length > 0) limits.ulimits = values.ulimit.map(parseUlimit);
  return limits;
}
