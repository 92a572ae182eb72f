import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Koffi from 'koffi';

type NativeKoffi = Pick<typeof Koffi, 'load' | 'errno'>;

/**
 * koffi's compiled part by itself, which takes a millisecond to load. The JavaScript around it takes 20 to 40: to find
 * out which part to load it reads the ELF header of Node's executable, and to mark functions as deprecated it loads a
 * good deal of Node. Where there is no such file (another libc, another package manager's layout) koffi finds its own way.
 */
export function loadNativePart(): NativeKoffi {
  const file = findNativePart(dirname(fileURLToPath(import.meta.url)));
  try {
    if (file !== undefined) {
      const module = { exports: {} };
      process.dlopen(module, file);
      return module.exports as NativeKoffi;
    }
  } catch {
    // koffi's own way has a better message
  }
  return createRequire(import.meta.url)('koffi') as NativeKoffi;
}

/** Beside or below the koffi that Node's resolution finds first; Node's own way of finding it takes two milliseconds. */
function findNativePart(from: string): string | undefined {
  const part = `@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  for (let directory = from; ; directory = dirname(directory)) {
    const koffi = join(directory, 'node_modules/koffi');
    if (existsSync(koffi)) {
      return [join(koffi, 'node_modules', part), join(koffi, '..', part)].find((path) => existsSync(path));
    }
    if (directory === dirname(directory)) return undefined;
  }
}
