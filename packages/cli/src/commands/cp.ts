import { isAbsolute, resolve } from 'node:path';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { writeBytes } from '../output/streams.ts';

export const cp = defineCommand({
  name: 'cp',
  summary: 'copy files to and from a container',
  description: `Copies a file or a directory with all below it, by the rules of cp: into a directory that is there, else to the
very path; DIR/. is what lies in DIR. The container may run or have ended. Contents, modes and times are kept; copies
belong to the caller, inside to root. Symlinks are copied as they are, and those on the way are followed inside of the
container only. A relative path in a container counts from its root; a path of the host with a colon in it begins with
/ or ./. With - for the host's path a tar goes to standard output, or comes from standard input (gzip and zstd too) into
a directory that is there.`,
  options: {
    archive: { type: 'flag', short: 'a', summary: 'keep owners, by their ids' },
    'follow-link': { type: 'flag', short: 'L', summary: 'copy what a symlink SRC leads to' },
  },
  operands: { usage: 'CONTAINER:SRC DST|- | SRC|- CONTAINER:DST', min: 2, max: 2 },
  eventsTo: 'stderr',
  examples: [
    { line: 'box cp web:/etc/nginx ./nginx', what: 'out of a container' },
    { line: 'box cp ./site/. web:/srv', what: 'into one' },
    { line: 'box cp web:/etc - | tar -tv', what: 'as a tar' },
    { line: 'tar -cz site | box cp - web:/srv', what: 'from a tar' },
  ],
  async run({ values, operands: [source = '', target = ''], signal, openBox }) {
    const [from, to] = [readPlace(source), readPlace(target)];
    if ((from.container === undefined) === (to.container === undefined)) {
      throw usage('one of the two paths must be in a container, as in CONTAINER:PATH, and one on the host');
    }
    const { containers } = await openBox();
    const options = { signal, archive: values.archive, followLink: values['follow-link'] };
    if (from.container !== undefined && target === '-') {
      if (process.stdout.isTTY) throw usage('a tar is not for a terminal: send it to a file or a pipe');
      for await (const bytes of containers.packFrom(from.container, from.path, options)) {
        await writeBytes('stdout', bytes);
      }
    } else if (from.container !== undefined) await containers.copyFrom(from.container, from.path, to.path, options);
    else if (source === '-') await containers.unpackTo(to.container ?? '', to.path, process.stdin, options);
    else await containers.copyTo(to.container ?? '', from.path, to.path, options);
    return 0;
  },
});

/** As docker tells them apart: a path that begins with `/` or `.` is the host's. */
function readPlace(text: string): { readonly container?: string; readonly path: string } {
  const colon = text.indexOf(':');
  if (colon <= 0 || isAbsolute(text) || text.startsWith('.')) return { path: keepEnding(text, resolve(text)) };
  const path = text.slice(colon + 1);
  if (path === '') throw usage(`${JSON.stringify(text)} names no path in the container`);
  return { container: text.slice(0, colon), path: isAbsolute(path) ? path : `/${path}` };
}

/** A `/` or `/.` at the end has a meaning. */
function keepEnding(text: string, path: string): string {
  if (text === '.' || text.endsWith('/.')) return path === '/' ? '/' : `${path}/.`;
  return text.endsWith('/') && path !== '/' ? `${path}/` : path;
}
