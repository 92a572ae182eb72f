import type { Bundle, Image } from '@boxkit/contracts';
import type { IndexedImage } from '@boxkit/layer-applier';
import { directoryTimes } from './directory-times.ts';
import { checksum, type LayerStep } from './layer-steps.ts';
import { createdBy } from '../look/history.ts';
import { runScript, type ScriptBackend } from './run-script.ts';
import type { ScriptBlobs } from './script-blobs.ts';
import { bytesWord, pathWord } from './shell-bytes.ts';
import { commentLines } from './shell-words.ts';

export interface ScriptParts {
  readonly image: Image;
  readonly indexed: IndexedImage;
  readonly steps: readonly LayerStep[];
  /** What to run; undefined for a script that unpacks only. */
  readonly bundle?: Bundle;
  readonly backend: ScriptBackend;
  readonly blobs: ScriptBlobs;
}

/** A POSIX shell script that does by hand what `box unpack` and `box run` do. */
export function formatScript(parts: ScriptParts): string {
  const { image, indexed, steps, bundle, backend, blobs } = parts;
  const programs = [...blobs.programs, 'sha256sum', 'tar', 'rm'].join(', ');
  return [
    '#!/bin/sh',
    ...commentLines(`${image.reference.text}, by hand: what box does, with ${programs} and ${backend}.`),
    ...commentLines('Usage: sh SCRIPT DIRECTORY [unpack]. DIRECTORY is made and becomes the root file system.'),
    ...commentLines('Needs GNU tar. Run it as root for true owners; as anybody else, all files will be yours.'),
    'set -eu',
    'umask 022',
    `root=\${1:?"usage: sh $0 DIRECTORY [unpack]"}`,
    'mkdir "$root"',
    'root=$(cd "$root" && pwd -P)',
    'work=$(mktemp -d)',
    `trap 'rm -rf -- "$work"' EXIT`,
    // A busybox prefers its own tar to that of the path.
    'for tar in tar gtar /bin/tar /usr/bin/tar none; do',
    '  case $("$tar" --version 2> /dev/null) in *GNU*) break ;; esac',
    'done',
    '[ "$tar" != none ] || { echo "$0: there is no GNU tar" >&2; exit 1; }',
    'owners=--no-same-owner; [ "$(id -u)" != 0 ] || owners=--same-owner',
    '',
    ...commentLines('A digest is the name of a blob and the proof of its bytes: nothing is used that does not fit it.'),
    'verify() {',
    '  found=$("$1" < "$3")',
    '  [ "${found%% *}" = "$2" ] || { echo "$0: $3 is not what its digest says" >&2; exit 1; }',
    '}',
    '',
    ...blobs.setup,
    ...documents(image, blobs),
    ...steps.flatMap((step, position) => layerLines(parts, step, position)),
    ...directoryTimes(indexed),
    ...(bundle === undefined
      ? []
      : ['', '[ "${2-}" != unpack ] || exit 0', '', ...runScript(bundle, backend, indexed)]),
    '',
  ].join('\n');
}

function documents(image: Image, blobs: ScriptBlobs): string[] {
  return (['manifest', 'config'] as const).flatMap((name) => {
    const { lines, file } = blobs.bring(image[name], name === 'manifest' ? name : 'blob');
    const { program, hex } = checksum(image[name].digest);
    const said = commentLines(`${describeDocument[name]} ${image[name].size} bytes.`);
    return [...said, ...lines, `verify ${program} ${hex} ${file}`];
  });
}

const describeDocument = {
  manifest: 'The manifest: which configuration, which layers, in which order.',
  config: 'The configuration: what to run, and the digests of the uncompressed layers.',
} as const;

function layerLines({ image, blobs }: ScriptParts, step: LayerStep, position: number): string[] {
  const { layer, decompress, remove, empty, moved } = step;
  const { lines, file } = blobs.bring(layer.descriptor, 'blob');
  const [compressed, uncompressed] = [checksum(layer.descriptor.digest), checksum(layer.diffId)];
  const command = createdBy(image, position).createdBy;
  // Names that tar changes on the way: the directory that a lower layer's symlink leads to.
  const transforms = moved.map(({ from, to }) => `--transform=${bytesWord(transform(from, to))}`);
  return [
    '',
    ...commentLines(
      `Layer ${position} of ${image.layers.length}, ${layer.descriptor.size} bytes${command === undefined ? '' : `: ${command}`}`,
    ),
    ...lines,
    `verify ${compressed.program} ${compressed.hex} ${file}`,
    `${decompress.join(' ')} < ${file} > "$work/layer.tar"`,
    `verify ${uncompressed.program} ${uncompressed.hex} "$work/layer.tar"   # the diffID: of the tar itself`,
    ...(remove.length === 0
      ? []
      : commentLines('What its whiteouts (.wh.NAME) hide of the layers below, and what stands in its way:')),
    ...remove.map((path) => `rm -rf -- ${pathWord('$root', path)}`),
    ...(empty.length === 0 ? [] : commentLines('Its opaque directories (.wh..wh..opq) start empty:')),
    ...empty.map((path) => `(cd ${pathWord('$root', path)}; find . ! -name . -prune -exec rm -rf -- {} +)`),
    ...(moved.length === 0 ? [] : commentLines('It writes through symlinks of lower layers: by names that need none.')),
    // in the locale C, names are bytes for patterns too
    `LC_ALL=C "$tar" -xpf "$work/layer.tar" -C "$root" "$owners" --numeric-owner --xattrs --xattrs-include='*' --delay-directory-restore --warning=no-unknown-keyword --exclude='.wh.*' ${transforms.join(' ')}`.trimEnd(),
  ];
}

/** For regular names and hardlink targets, not for symlinks' (flag S). GNU tar manual, "transform". */
function transform(from: string, to: string): string {
  const pattern = from.replaceAll(/[.[\]*^$\\,]/g, String.raw`\$&`);
  const replacement = to.replaceAll(/[&\\,]/g, String.raw`\$&`);
  return `s,^\\(\\./\\)\\{0\\,1\\}${pattern}/,${replacement === '' ? './' : `${replacement}/`},S`;
}
