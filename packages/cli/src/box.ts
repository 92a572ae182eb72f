// The entry point. Its own syntax and imports are such that an old Node still gets as far as the message below.
import nodeModule from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `box: error: cannot start: Node ${process.versions.node} (${process.execPath}) is too old\n` +
      '  hint: Install Node 22.15 or newer, or `npm install node@24` beside box.\n',
  );
  process.exit(125);
}
// Compiled code is kept in the user's cache directory; without one, or on a full disk, Node goes on without.
nodeModule.enableCompileCache();
const { main } = await import('./main.ts');
await main(process.argv.slice(2));
