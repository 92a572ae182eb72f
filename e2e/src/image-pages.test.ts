import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildImage,
  buildLayer,
  findTool,
  ordinaryUser,
  pushDocument,
  requireRoot,
  requireTool,
  startRegistry,
  whiteout,
} from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { typedLines } from './support/page.ts';

const resources = new AsyncDisposableStack();
/** The pages' names of images come from here by way of a mirror, and from nowhere else. */
let registry = '';

beforeAll(async () => {
  if (findTool('docker-registry') === undefined) return;
  const started = resources.use(await startRegistry());
  registry = started.host;
  const base = buildLayer(await files());
  const above = [
    buildLayer([{ path: 'usr/lib/libone.so.1', content: 'one' }]),
    buildLayer([whiteout('usr/lib/libone.so.1'), { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' }]),
    buildLayer([{ path: 'usr/share/doc/three', content: 'three' }]),
  ];
  const alpine = buildImage({ layers: [base], config: { Cmd: ['/bin/sh'] } });
  const debian = buildImage({ layers: [base, ...above], config: { Cmd: ['/bin/sh'] } });
  await pushDocument(started, 'library/alpine', alpine, 'latest');
  for (const [tag, image] of Object.entries({ latest: debian, bookworm: debian, '12.1': alpine, '12.2': debian }))
    await pushDocument(started, 'library/debian', image, tag);
});
afterAll(() => resources.disposeAsync());

/** What a page takes for granted, as lines of a shell. */
const before: Readonly<Record<string, string>> = {
  explaining: '',
  'looking-in': '',
  making: `mkdir nix before after && echo run > nix/run && echo new > after/file
    box pull -q debian && box unpack -q alpine tree && tar -C tree -cf rootfs.tar .
    box run --name made debian touch /tmp/new`,
  'making-layers': 'mkdir nix site && echo run > nix/run && echo page > site/index.html && box unpack -q alpine rootfs',
  sharing: 'box pull -q alpine && for name in app:1 app:2 app 127.0.0.1:5000/app:1; do box tag alpine $name; done',
  layers: '',
  plumbing: 'box fetch alpine | box manifest | box apply > applied.json',
};

/** What stands on a page for what differs from reader to reader, and for what lies beyond this machine. */
const instead: readonly (readonly [page: string, here: string])[] = [
  ['CONTAINER', 'made'],
  ['apk add curl', '/bin/touch /bin/curl'],
  ['apk add nginx', 'touch /bin/nginx'],
  ['debootstrap --variant=minbase bookworm rootfs', 'true'],
  ['ssh there', 'env BOX_HOME=there'],
  ['isolate -t', 'isolate'],
  ['~/.local/share/box', '"$BOX_HOME"'],
  // for who has subordinate ids
  ['unshare --user --map-auto --map-root-user ', ''],
];

describe.each(['root', 'an ordinary user'])('as %s', (who) => {
  test.for(Object.keys(before))(
    'each line of %s.md can be typed in turn',
    { timeout: 200_000 },
    async (page, context) => {
      requireRoot(context);
      requireTool(context, 'docker-registry', 'busybox', 'jq', 'curl', 'umoci');
      await using user = await ordinaryUser(who === 'root' ? 0 : undefined);
      const cwd = join(user.home, 'work');
      const config = join(user.home, '../config.json');
      const elsewhere = { mirrors: [registry], proxy: 'http://127.0.0.1:9' };
      await writeFile(config, JSON.stringify({ registries: { 'docker.io': elsewhere } }));
      await chmod(config, 0o644);
      await mkdir(cwd);
      await chmod(cwd, 0o777);
      const env = {
        PATH: `${join(inject('e2e').packedBox, '..')}:${process.env['PATH'] ?? ''}`,
        BOX_CONFIG: config,
        BOX_HOME: join(user.home, 'store'),
      };
      for (const line of [before[page] ?? '', ...(await typedLines(`docs/guide/${page}.md`))]) {
        // chroot(8) is root's
        if (who !== 'root' && line.startsWith('chroot')) continue;
        const typed = instead.reduce((text, [there, here]) => text.replace(there, here), line);
        // curl knows nothing of mirrors
        const script = typed
          .replaceAll('127.0.0.1:5000', registry)
          .replace('--from registry alpine', `--from registry ${registry}/library/alpine`);
        const { code, stderr } = await user.attempt('sh', ['-c', script], { cwd, env, input: '', timeout: 120_000 });
        expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
      }
      await user.attempt('sh', ['-c', 'box rm -f $(box ps -aq)'], { cwd, env });
    },
  );
});

/** A small root file system: busybox, and what the pages look at. */
async function files(): Promise<Parameters<typeof buildLayer>[0]> {
  const applets = ['cat', 'env', 'ls', 'sh', 'touch', 'true'];
  return [
    { path: 'bin/', type: 'directory' },
    { path: 'bin/busybox', content: await readFile(findTool('busybox') ?? ''), mode: 0o755 },
    ...applets.map((name) => ({ path: `bin/${name}`, type: 'symlink', link: 'busybox' }) as const),
    { path: 'etc/os-release', content: 'NAME=small\n' },
    { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\n' },
    { path: 'usr/lib/libc.so.6', content: 'c' },
    { path: 'tmp/', type: 'directory', mode: 0o1777 },
  ];
}
