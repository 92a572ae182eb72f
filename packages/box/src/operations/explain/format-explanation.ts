import type { Bundle } from '@boxkit/contracts';
import { formatPlatform } from '@boxkit/manifest';
import type { ExplainedLayer, Explanation } from './explain-run.ts';
import { oneLine, shellWord } from './shell-words.ts';

/** An explanation as text, in the order in which things happen. Escape it before showing. */
export function formatExplanation(explanation: Explanation): string {
  const { planned } = explanation;
  return [
    ...fetchSection(explanation),
    ...layerSection(explanation),
    ...(planned === undefined
      ? [
          '',
          '4. Nothing is run',
          '',
          '   Neither the image nor you say what to run: give a command after the reference.',
        ]
      : [...processSection(planned.bundle), ...isolationSection(explanation), ...stopSection(explanation)]),
    ...handSection(explanation),
    '',
  ].join('\n');
}

function fetchSection({ reference, scheme, platform, blobs }: Explanation): string[] {
  const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
  return [
    `1. Fetch ${reference}`,
    '',
    `   The source ${scheme} resolves it to a digest; every file below is checked against its own before it is used, and kept`,
    `   in the store: ${blobs.length} files, ${bytes} bytes, for ${formatPlatform(platform)}.`,
    '',
    ...blobs.map(
      ({ what, digest, size, path }) => `   ${what.padEnd(9)} ${digest}  ${size} bytes\n             ${path}`,
    ),
    '',
    "   By hand: skopeo copy, or curl with the registry's /v2/NAME/manifests and /v2/NAME/blobs.",
    '',
    '2. Read the manifest',
    '',
    "   It names the config and the layers in order. The config says what to run, and gives each layer's diffID, the digest of",
    '   its tar before compression.',
  ];
}

function layerSection({ layers }: Explanation): string[] {
  const title = layers.length === 1 ? '3. Apply the layer' : `3. Apply ${layers.length} layers, lowest first`;
  return ['', title, '', ...layers.flatMap(layerLines)];
}

function layerLines(layer: ExplainedLayer): string[] {
  const { position, entries, adds, changes, deletes, wasted, createdBy, examples } = layer;
  const more = (shown: readonly string[], all: number): string => (all > shown.length ? ', ...' : '');
  return [
    `   layer ${position}: ${entries} entries; adds ${adds}, changes ${changes}, deletes ${deletes}${wasted === 0 ? '' : `; ${wasted} bytes of it are hidden by layers above`}`,
    ...(createdBy === undefined ? [] : [`     made by: ${oneLine(createdBy).slice(0, 200)}`]),
    ...(examples.holds.length === 0
      ? []
      : [`     holds ${oneLine(examples.holds.join(', '))}${more(examples.holds, adds + changes)}`]),
    ...(examples.deletes.length === 0
      ? []
      : [`     deletes ${oneLine(examples.deletes.join(', '))}${more(examples.deletes, deletes)}`]),
  ];
}

function processSection({ rootfs, process, hostname, network }: Bundle): string[] {
  const { uid, gid } = process.user;
  const how = rootfs.kind === 'overlay' ? overlayLine(rootfs.lower.length) : `a plain directory, ${rootfs.path}`;
  return [
    '',
    '4. Isolate',
    '',
    `   Root file system: ${how}.`,
    `   Process: ${oneLine(process.argv.map(shellWord).join(' '))}, in ${oneLine(process.cwd)}, as user ${uid} and group ${gid}.`,
    `   Environment: ${oneLine(Object.keys(process.env).join(', ')) || 'empty'}; nothing of yours.`,
    `   Host name ${hostname}; network: ${networks[network]}.`,
  ];
}

function overlayLine(count: number): string {
  return count === 1
    ? "overlayfs lays an empty directory, for what is written, over the store's"
    : `overlayfs lays the ${count} directories of the store over one another, with an empty one for what is written`;
}

const networks = {
  host: "the host's",
  none: 'none but a loopback device',
  private: 'one of its own, connected by a program that needs no privilege',
} as const;

function isolationSection({ planned, calls }: Explanation): string[] {
  if (planned === undefined) return [];
  const { plan, bundle } = planned;
  const seccomp =
    bundle.seccomp === undefined
      ? 'no seccomp filter'
      : `a seccomp filter of ${bundle.seccomp.length / 8} instructions refuses the rest of the kernel`;
  const steps = calls.map(({ name, why }) => `     ${name.padEnd(16)} ${why}`);
  return [
    '',
    `   The backend ${plan.isolator} starts ${plan.argv[0]}. Capabilities left: ${bundle.capabilities.length}; ${seccomp}.`,
    ...plan.warnings.map((warning) => `   Mind: ${warning}`),
    ...(steps.length === 0
      ? [`   Its arguments: ${plan.argv.slice(1).map(shellWord).join(' ')}`]
      : ['   System call by system call, and what each is for:', '', ...dedupe(steps)]),
  ];
}

/** The same step for many descriptors or capabilities is told once, with how often. */
function dedupe(lines: readonly string[]): string[] {
  const told: string[] = [];
  for (let at = 0; at < lines.length;) {
    let end = at + 1;
    while (lines[end] === lines[at]) end += 1;
    told.push(`${lines[at]}${end - at > 1 ? ` (${end - at} times)` : ''}`);
    at = end;
  }
  return told;
}

function stopSection({ planned }: Explanation): string[] {
  if (planned === undefined) return [];
  const { stop } = planned;
  return [
    '',
    '5. Launch',
    '',
    `   The exit status is the command's. ${stop.signal} asks it to stop; ${stop.timeout} ms later it is killed, with all that it started.`,
  ];
}

function handSection({ reference, planned }: Explanation): string[] {
  const command = planned === undefined ? '' : ` -- ${planned.bundle.process.argv.map(shellWord).join(' ')}`;
  const word = shellWord(reference);
  return [
    '',
    'The same, stage by stage, and by hand without box:',
    '',
    `   box fetch ${word} | box manifest | box apply | box isolate${command} | box launch --rm`,
    `   box explain --script ${word}${command} > by-hand.sh && sh by-hand.sh my_pod`,
  ];
}
