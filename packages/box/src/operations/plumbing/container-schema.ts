import { z } from 'zod';
import type { SystemCallArgument } from '@boxkit/contracts';
import { absolutePath } from './image-schema.ts';

const whole = z.int();
const count = z.int().nonnegative();
const texts = z.array(z.string());
const textMap = z.record(z.string(), z.string());
const base64 = z.base64('is no base64');
const bytes = base64.transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const command = z.tuple([z.string()], z.string());

const idRanges = z.array(z.strictObject({ container: count, host: count, size: count }));

const idMap = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('host') }),
    z.strictObject({ kind: z.literal('single'), uid: count, gid: count }),
    z.strictObject({ kind: z.literal('subordinate'), uids: idRanges, gids: idRanges }),
  ])
  .describe('how ids inside the rootfs relate to those on the disk');

export const rootfs = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('directory'), path: absolutePath, idMap }),
  z.strictObject({
    kind: z.literal('overlay'),
    lower: z.array(absolutePath).describe('topmost first'),
    upper: absolutePath,
    work: absolutePath,
    target: absolutePath,
    userxattr: z.boolean(),
    volatile: z.boolean().optional().describe('thrown away after one mount, and never synced'),
    idMap,
  }),
]);

export const containerDirectory = z.strictObject({
  containerId: z.string().regex(/^[0-9a-f]{64}$/, 'is no containerId'),
  name: z.string(),
  path: absolutePath,
});

/** JSON has no infinity. */
const limit = z
  .union([z.number().nonnegative(), z.literal('unlimited')])
  .transform((value) => (value === 'unlimited' ? Infinity : value));

const port = z.int().min(1).max(65_535);

const userModeNetwork = z.strictObject({
  kind: z.literal('user-mode'),
  tool: z.enum(['pasta', 'slirp4netns']),
  program: absolutePath,
  dns: z.string(),
  ports: z.array(
    z.strictObject({
      address: z.string().optional(),
      hostPort: port,
      containerPort: port,
      count: port.optional().describe('consecutive ports, from these on'),
      protocol: z.enum(['tcp', 'udp']).optional(),
    }),
  ),
});

export const bundle = z.strictObject({
  containerId: z.string(),
  directory: absolutePath,
  rootfs,
  readOnlyRootfs: z.boolean(),
  process: z.strictObject({
    argv: command,
    env: textMap,
    cwd: absolutePath,
    user: z.strictObject({ uid: count, gid: count, additionalGids: z.array(count), home: z.string() }),
    terminal: z.boolean(),
  }),
  config: z
    .strictObject({
      Entrypoint: texts,
      Cmd: texts,
      Env: texts,
      User: z.string(),
      WorkingDir: z.string(),
      StopSignal: z.string(),
    })
    .optional()
    .describe("the image's config with the caller's options, for `box commit`; the process is what is run"),
  hostname: z.string(),
  network: z.enum(['none', 'host', 'private']),
  userModeNetwork: userModeNetwork.optional(),
  mounts: z.array(
    z.strictObject({
      type: z.enum(['bind', 'tmpfs']),
      source: absolutePath.optional(),
      target: absolutePath,
      readOnly: z.boolean(),
      devices: z.boolean().optional(),
      options: texts.optional(),
    }),
  ),
  capabilities: z.array(z.string().regex(/^CAP_[A-Z_]+$/, 'is no capability')),
  noNewPrivileges: z.boolean(),
  seccomp: bytes.optional().describe('a classic-BPF program, base64'),
  limits: z.strictObject({
    memory: count.optional().describe('bytes'),
    cpus: z.number().positive().optional(),
    pids: count.optional(),
    shmSize: count.optional().describe('bytes'),
    ulimits: z.array(z.strictObject({ name: z.string(), soft: limit, hard: limit })).optional(),
  }),
  init: z.boolean(),
  hosts: z.string().optional(),
  resolvConf: z.string().optional(),
});

const systemCallArgument: z.ZodType<SystemCallArgument> = z
  .lazy(() =>
    z.union([
      z.null(),
      whole,
      z.string(),
      texts,
      z.strictObject({ base64: bytes }).transform(({ base64: decoded }) => ({ bytes: decoded })),
      z
        .strictObject({ integer: z.string().regex(/^-?\d{1,20}$/) })
        .transform(({ integer }) => BigInt(integer))
        .describe('a number beyond 2^53'),
      z.strictObject({ result: z.union([z.string(), count]) }),
      z.strictObject({ buffer: z.string(), size: count }),
      z.strictObject({ value: z.string(), offset: count }),
      z.strictObject({ words: z.array(systemCallArgument) }),
    ]),
  )
  .meta({ id: 'systemCallArgument' });

const systemCall = z.strictObject({
  name: z.string().describe("as in the kernel's table"),
  args: z.array(systemCallArgument),
  why: z.string(),
  ignore: z.union([z.literal('any'), texts]).optional(),
  label: z.string().optional(),
  next: z
    .strictObject({ zero: z.string().optional(), positive: z.string().optional(), error: z.string().optional() })
    .optional(),
});

const inherited = { fd: z.int().min(3), purpose: z.string() };

export const launchPlan = z.strictObject({
  isolator: z.string(),
  containerId: z.string(),
  argv: command,
  env: textMap,
  descriptors: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ ...inherited, kind: z.literal('bytes'), base64 }),
      z.strictObject({ ...inherited, kind: z.literal('system-calls'), calls: z.array(systemCall) }),
      z.strictObject({ ...inherited, kind: z.literal('file'), path: absolutePath }),
      z.strictObject({ ...inherited, kind: z.literal('stub') }),
      z.strictObject({ ...inherited, kind: z.literal('report') }),
    ]),
  ),
  report: z.enum(['stub', 'none']),
  terminal: z.boolean(),
  tree: z.enum(['namespace', 'descendants']),
  root: absolutePath.optional(),
  network: userModeNetwork.optional(),
  cgroups: z.array(absolutePath).optional(),
  command: texts,
  warnings: texts,
});

export const stop = z.strictObject({
  signal: z.union([z.string().regex(/^SIG[A-Z0-9+]+$/, 'is no signal'), whole]),
  timeout: z.number().nonnegative().describe('milliseconds before it is killed'),
});
