import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

type NativeKoffi = Pick<typeof Koffi, 'load' | 'errno'>;

/**
 * koffi's compiled part by itself, which takes a millisecond to load. The JavaScript around it takes 20 to 40: to find
 * out which part to load it reads the ELF header of Node's executable, and to mark functions as deprecated it loads a
 * good deal of Node. Where there is no such file (another libc, another package manager's layout) koffi finds its own way.
 */
export function loadNativePart(): NativeKoffi {
  const require = createRequire(import.meta.url);
  try {
    const beside = createRequire(require.resolve('koffi'));
    return beside(`@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`) as NativeKoffi;
  } catch {
    return require('koffi') as NativeKoffi;
  }
}
