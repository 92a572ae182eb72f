import { parseArgs } from 'node:util';
import type { BenchOptions } from './bench.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    image: { type: 'string', multiple: true },
    on: { type: 'string', multiple: true },
  },
});

const options: BenchOptions = {
  rounds: Number(values.rounds),
  images: values.image,
  storages: values.on ?? ['disk', 'tmpfs'],
};

switch (positionals[0]) {
  case 'pull':
    await (await import('./pull.ts')).benchPull(options);
    break;
  case 'pull-tls':
    await (await import('./pull.ts')).benchPull(options, { tls: true });
    break;
  case 'unpack':
    await (await import('./unpack.ts')).benchUnpack(options);
    break;
  case 'run':
    await (await import('./run.ts')).benchRun(options);
    break;
  case 'shared':
    await (await import('./shared.ts')).benchShared(options);
    break;
  case 'transfer':
    await (await import('./transfer.ts')).benchTransfer(options);
    break;
  case 'making':
    await (await import('./making.ts')).benchMaking(options);
    break;
  case 'looking':
    await (await import('./looking.ts')).benchLooking(options);
    break;
  case 'linear':
    await (await import('./linear.ts')).benchLinear(options);
    break;
  case 'extract':
    await (await import('./extract.ts')).benchExtract(options);
    break;
  default:
    process.stderr.write(
      'npm run bench -- pull|pull-tls|unpack|run|shared|transfer|making|looking|linear|extract [--rounds N] [--image NAME]... [--on disk|tmpfs]...\n',
    );
    process.exitCode = 2;
}
