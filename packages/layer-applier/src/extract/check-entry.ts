import type { BytePath } from '../byte-path.ts';
import type { TarEntry } from '../tar/tar-entry.ts';
import type { BudgetLimits } from './budgets.ts';
import { exceeded, invalid } from './layer-error.ts';

/** -1 means "leave it" to chown(2), so the last id is none. */
const mostId = 2 ** 32 - 2;
/** As many bits as dev_t of the kernel has for them: linux/kdev_t.h. */
const mostMajor = 2 ** 12 - 1;
const mostMinor = 2 ** 20 - 1;

/** Throws unless the entry's path (of a whiteout, what it hides) keeps within the budgets and its numbers are such as a file can have. */
export function checkEntry(entry: TarEntry, path: BytePath, limits: BudgetLimits): void {
  const { nameLength, pathLength, depth } = limits;
  if (path.length > pathLength) throw exceeded('pathLength', pathLength, 'bytes in a path');
  if (entry.link.length > pathLength) throw exceeded('pathLength', pathLength, 'bytes in the target of a link');
  let components = 1;
  let start = 0;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', start)) {
    if (slash - start > nameLength) throw exceeded('nameLength', nameLength, 'bytes in a name');
    start = slash + 1;
    components++;
  }
  if (path.length - start > nameLength) throw exceeded('nameLength', nameLength, 'bytes in a name');
  if (components > depth) throw exceeded('depth', depth, 'directories in one another');
  if (!(entry.uid >= 0 && entry.uid <= mostId && entry.gid >= 0 && entry.gid <= mostId)) {
    throw invalid(`its owner ${entry.uid}:${entry.gid} is out of range`);
  }
  if (!(entry.major >= 0 && entry.major <= mostMajor && entry.minor >= 0 && entry.minor <= mostMinor)) {
    throw invalid(`its device number ${entry.major}:${entry.minor} is out of range`);
  }
  if (entry.link.includes('\0')) throw invalid('its target holds a NUL');
}
