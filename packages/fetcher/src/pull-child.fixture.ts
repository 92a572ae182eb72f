import { pull } from './pull.fixture.ts';

// A pull in a process of its own, to be killed: HOME REFERENCE. Says when it begins, and when bytes of layers come.
const [home = '', reference = ''] = process.argv.slice(2);
process.send?.('started');
let told = false;
await pull(home, reference, {
  idleTimeout: 10_000,
  onEvent: (event) => {
    if (told || event.type !== 'blob-progress' || !event.mediaType.includes('layer')) return;
    told = true;
    process.send?.('fetching');
  },
});
process.disconnect?.();
