// The entry point. It asks so little of Node that an old one still gets as far as the message below.
import fs from 'node:fs';
import nodeModule from 'node:module';
import type * as Main from './main.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `box: error: cannot start: Node ${process.versions.node} (${process.execPath}) is too old\n` +
      '  hint: Install Node 22.15 or newer, or `npm install node@24` beside box.\n',
  );
  process.exit(125);
}
// Not Node's default below /tmp: whoever made that directory first could feed us code. For the same reason only where the
// directory above is our own, which under `sudo -E` it is not. Without a cache, or on a full disk, Node goes on without.
const { XDG_CACHE_HOME, HOME } = process.env;
const [above, below] = XDG_CACHE_HOME ? [XDG_CACHE_HOME, 'box'] : [HOME ?? '', '.cache/box'];
if (above.startsWith('/') && isOurs(above)) {
  nodeModule.enableCompileCache(`${above}/${below}/compiled`);
}

// Only now, so that it comes out of the cache.
const { main } = nodeModule.createRequire(__filename)('./main.cjs') as typeof Main;
void main(process.argv.slice(2));

function isOurs(path: string): boolean {
  try {
    return fs.statSync(path).uid === process.getuid?.();
  } catch {
    return false;
  }
}
