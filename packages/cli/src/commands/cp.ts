import { isAbsolute, resolve } from 'node:path';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';

export const cp = defineCommand({
  name: 'cp',
  summary: 'copy files to and from a container',
  description: `Copies a file or a directory with all below it, by the rules of cp: into a directory that is there, else to the
very path; DIR/. is what lies in DIR. Contents, modes and times are kept; copies belong to the caller, inside to root.
Symlinks are copied as they are, and those on the way are followed inside of the container only. A relative path in a
container counts from its root; a path of the host with a colon in it begins with / or ./.`,
  options: {},
  operands: { usage: 'CONTAINER:SRC DST | SRC CONTAINER:DST', min: 2, max: 2 },
  examples: [
    { line: 'box cp web:/etc/nginx ./nginx', what: 'out of a container' },
    { line: 'box cp ./site/. web:/srv', what: 'into one' },
  ],
  async run({ operands: [source = '', target = ''], signal, openBox }) {
    const [from, to] = [readPlace(source), readPlace(target)];
    if ((from.container === undefined) === (to.container === undefined)) {
      throw usage('one of the two paths must be in a container, as in CONTAINER:PATH, and one on the host');
    }
    const box = await openBox();
    if (from.container !== undefined) await box.containers.copyFrom(from.container, from.path, to.path, { signal });
    else await box.containers.copyTo(to.container ?? '', from.path, to.path, { signal });
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
